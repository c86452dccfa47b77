"""UserService: the guide's two tests as they are, and what else the guide says about users."""
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from src.apps.users.models import User
from src.apps.users.repository import UserRepository
from src.apps.users.schemas import UserUpdate
from src.apps.users.services import UserService
from src.core.errors import translate


def test_create_user(db_session):
    service = UserService(db_session)
    user_data = {
        "email": "test@example.com",
        "full_name": "Test User",
        "password": "testpass123"
    }

    user = service.create_user(user_data)

    assert user.id is not None
    assert user.email == "test@example.com"
    assert user.full_name == "Test User"


def test_get_user_by_email(db_session):
    # Create test user
    user = User(email="test@example.com", full_name="Test User")
    db_session.add(user)
    db_session.commit()

    service = UserService(db_session)
    found_user = service.get_user_by_email("test@example.com")

    assert found_user is not None
    assert found_user.email == "test@example.com"


def test_password_is_hashed(db_session):
    user = UserService(db_session).create_user(
        {"email": "ann@example.org", "full_name": "Ann", "password": "correct horse"}
    )
    assert user.hashed_password.startswith("$argon2id$")
    verify = func.ddd.verify_password
    assert db_session.execute(select(verify("correct horse", user.hashed_password))).scalar_one()
    assert not db_session.execute(select(verify("wrong horse", user.hashed_password))).scalar_one()


def test_user_of_the_orm_cannot_log_in(db_session):
    user = User(email="ann@example.org", full_name="Ann")
    db_session.add(user)
    db_session.commit()
    assert user.hashed_password == "!"
    assert not db_session.execute(select(func.ddd.verify_password("!", user.hashed_password))).scalar_one()


def test_password_in_no_message(db_session):
    with pytest.raises(DBAPIError) as refused:
        UserService(db_session).create_user(
            {"email": "no address", "full_name": "Ann", "password": "correct horse"}
        )
    assert "correct horse" not in str(refused.value)
    assert "create_user" in str(refused.value)


def test_registered_address_in_any_case(db_session):
    service = UserService(db_session)
    service.create_user({"email": "ann@example.org", "full_name": "Ann"})
    with pytest.raises(IntegrityError) as refused:
        service.create_user({"email": "ANN@Example.org", "full_name": "Another Ann"})
    problem = translate(refused.value)
    assert (problem.status, problem.detail, problem.sqlstate, problem.constraint) == (
        409, "Email already registered", "23505", "ix_users_email"
    )
    db_session.rollback()
    assert service.get_user_by_email("Ann@EXAMPLE.org").full_name == "Ann"


def test_absent_user_is_none(db_session):
    service = UserService(db_session)
    assert service.get_user(2**62) is None
    assert service.get_user_by_email("nobody@example.org") is None
    assert service.update_user(2**62, UserUpdate(bio="x")) is None
    assert service.delete_user(2**62) is False


def test_update_changes_what_is_set(db_session):
    service = UserService(db_session)
    user = service.create_user({"email": "ann@example.org", "full_name": "Ann", "bio": "Writes"})
    assert service.update_user(user.id, UserUpdate(full_name="Ann Smith")).bio == "Writes"
    updated = service.update_user(user.id, UserUpdate(bio=None))
    assert (updated.full_name, updated.bio) == ("Ann Smith", None)
    assert updated is user


def test_stale_update_is_refused(db_session):
    service = UserService(db_session)
    user = service.create_user({"email": "ann@example.org", "full_name": "Ann"})
    seen = user.updated_at
    service.update_user(user.id, UserUpdate(bio="first", expected_updated_at=seen))
    with pytest.raises(IntegrityError) as refused:
        service.update_user(user.id, UserUpdate(bio="second", expected_updated_at=seen))
    problem = translate(refused.value)
    assert (problem.status, problem.constraint) == (409, "users_stale_update")
    db_session.rollback()
    assert service.get_user(user.id).bio == "first"


def test_search_takes_wildcards_literally(db_session):
    repository = UserRepository(db_session)
    for name in ("100% Ann", "1000 Ann", "Bob"):
        repository.create(email=f"{name.split()[0].strip('%')}.{len(name)}@example.org", full_name=name)
    assert [user.full_name for user in repository.search("100% a")] == ["100% Ann"]
    assert {user.full_name for user in repository.search("ANN")} == {"100% Ann", "1000 Ann"}
    assert all(isinstance(user, User) for user in repository.search("ann"))


def test_pages_of_users(db_session):
    repository = UserRepository(db_session)
    made = [repository.create(email=f"{i}@example.org", full_name=f"User {i}").id for i in range(5)]
    seen, page = [], repository.get_page(2)
    while page["items"] and len(seen) < 10:
        seen += [user["id"] for user in page["items"]]
        page = repository.get_page(2, page["next"])
    assert seen == made[::-1]
    assert page["next"] is None


@pytest.mark.parametrize("name", ["Ann", "Ann 😀 Ünal"])
def test_repr_is_the_servers(db_session, name):
    user = UserRepository(db_session).create(email="ann@example.org", full_name=name)
    shown = select(func.ddd.repr(func.ddd.get_user(user.id)))
    assert db_session.execute(shown).scalar_one() == repr(user)
    assert repr(user) == f"<User(email='ann@example.org', full_name='{name}')>"


def test_to_dict_is_the_servers(db_session):
    user = UserRepository(db_session).create(
        email="ann@example.org", full_name="Ann", password="correct horse", bio="Writes"
    )
    to_dict = text("SELECT ddd.to_dict(u), u.created_at, u.updated_at FROM ddd.users u WHERE id = :id")
    servers, created_at, updated_at = db_session.execute(to_dict, {"id": user.id}).one()
    models = user.to_dict()
    assert "hashed_password" not in servers
    assert servers.keys() == models.keys()
    assert (created_at, updated_at) == (models["created_at"], models["updated_at"])
    times = {"created_at", "updated_at"}
    assert {k: servers[k] for k in servers.keys() - times} == {k: models[k] for k in models.keys() - times}


def test_is_authenticated_is_the_servers(db_session):
    user = UserRepository(db_session).create(email="ann@example.org", full_name="Ann")
    authenticated = select(func.ddd.is_authenticated(func.ddd.get_user(user.id)))
    assert user.is_authenticated and db_session.execute(authenticated).scalar_one()
    user.is_active = False
    db_session.flush()
    assert not user.is_authenticated and not db_session.execute(authenticated).scalar_one()

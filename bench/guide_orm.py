"""The system that the database integration guide describes, in SQLAlchemy.

Its models and its repositories' queries, as a peer to measure against. The
models decide what schema "guide" looks like; with another search_path the
same queries run on the tables of schema "tuned".
"""
from sqlalchemy import (Boolean, Column, DateTime, ForeignKey, Index, Integer, String, Table, Text,
                        create_engine, desc, func, or_)
from sqlalchemy.orm import declarative_base, joinedload, relationship, selectinload, sessionmaker

Base = declarative_base()


class Row(Base):
    """What every model has."""
    __abstract__ = True
    id = Column(Integer, primary_key=True, index=True)
    created_at = Column(DateTime, default=func.now(), nullable=False)
    updated_at = Column(DateTime, default=func.now(), onupdate=func.now(), nullable=False)


post_tags = Table(
    "post_tags", Base.metadata,
    Column("post_id", Integer, ForeignKey("posts.id"), primary_key=True),
    Column("tag_id", Integer, ForeignKey("tags.id"), primary_key=True))


class User(Row):
    __tablename__ = "users"
    __table_args__ = (Index("ix_user_name_email", "full_name", "email"),)
    email = Column(String(255), unique=True, index=True, nullable=False)
    full_name = Column(String(255), index=True, nullable=False)
    created_at = Column(DateTime, default=func.now(), index=True)
    hashed_password = Column(String(255), nullable=False)
    is_active = Column(Boolean, default=True)
    is_superuser = Column(Boolean, default=False)
    bio = Column(Text)
    posts = relationship("Post", back_populates="author")


class Post(Row):
    __tablename__ = "posts"
    title = Column(String(255), nullable=False)
    content = Column(Text, nullable=False)
    author_id = Column(Integer, ForeignKey("users.id"), nullable=False)
    author = relationship("User", back_populates="posts")
    comments = relationship("Comment", back_populates="post", cascade="all, delete-orphan")
    tags = relationship("Tag", secondary=post_tags, back_populates="posts")


class Comment(Row):
    __tablename__ = "comments"
    content = Column(Text, nullable=False)
    post_id = Column(Integer, ForeignKey("posts.id"), nullable=False)
    author_id = Column(Integer, ForeignKey("users.id"), nullable=False)
    post = relationship("Post", back_populates="comments")
    author = relationship("User")


class Tag(Row):
    __tablename__ = "tags"
    name = Column(String(100), unique=True, nullable=False)
    posts = relationship("Post", secondary=post_tags, back_populates="tags")


class Guide:
    """The repositories, each call in a session of its own, as a web request has it."""

    def __init__(self, host, dbname, schema):
        self.engine = create_engine("postgresql+psycopg2://postgres@/" + dbname, connect_args={
            "host": host, "options": f"-csearch_path={schema}"})
        self.session = sessionmaker(autocommit=False, autoflush=False, bind=self.engine)

    def call(self, question, *arguments):
        """Asks one question: opens a session, loads the rows, closes it."""
        db = self.session()
        try:
            return question(db, *arguments)
        finally:
            db.close()

    def close(self):
        self.engine.dispose()


def get_user(db, user_id):
    return db.query(User).filter(User.id == user_id).first()


def get_user_by_email(db, email):
    return db.query(User).filter(User.email == email).first()


def list_users(db, limit):
    return db.query(User).order_by(desc(User.created_at), desc(User.id)).offset(0).limit(limit).all()


def search_users(db, query):
    return db.query(User).filter(or_(User.full_name.contains(query), User.email.contains(query))).all()


def create_user(db, email, full_name):
    user = User(email=email, full_name=full_name, hashed_password="!")
    db.add(user)
    db.commit()
    db.refresh(user)
    return user


def users_with_posts(db, limit):
    return (db.query(User).options(selectinload(User.posts))
            .order_by(desc(User.created_at), desc(User.id)).limit(limit).all())


def popular_posts(db, limit):
    return (db.query(Post).join(Comment).group_by(Post.id)
            .order_by(desc(func.count(Comment.id))).limit(limit).all())


def posts_with_comments(db, limit):
    return (db.query(Post).options(joinedload(Post.comments))
            .order_by(desc(Post.created_at)).offset(0).limit(limit).all())


def posts_by_tag(db, name):
    return db.query(Post).join(Post.tags).filter(Tag.name == name).all()


def add_comment(db, post_id, author_id, content):
    comment = Comment(content=content, post_id=post_id, author_id=author_id)
    db.add(comment)
    db.commit()
    db.refresh(comment)
    return comment


def create_tables(host, dbname):
    """Creates schema "guide" with the tables and indexes that the models ask for."""
    guide = Guide(host, dbname, "guide")
    with guide.engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA guide")
    Base.metadata.create_all(guide.engine)
    guide.close()

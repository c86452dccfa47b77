"""ddd's functions, called in a session.

A call is part of the session's transaction and sees what the ORM has done in
it, and the other way round:

- before a call the session is flushed, so that the function sees pending objects;
- before a call that writes, loaded objects expire, so that they are read again;
- rows become ORM objects of the session (one, all, write) or dicts (rows, page).
"""
from typing import Any, Optional, TypeVar

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import TextClause

from src.core.models import DDD, BaseModel

Model = TypeVar("Model", bound=BaseModel)


def call(function: str, arguments: dict[str, Any], select_list: str = "*") -> TextClause:
    """SELECT ... FROM ddd.function(name => :name, ...). Names are the program's, values are bound."""
    if not all(name.isidentifier() for name in (function, *arguments)):
        raise ValueError(f"not a function or argument of ddd: {function}, {', '.join(arguments)}")
    named = ", ".join(f"{name} => :{name}" for name in arguments)
    values = [
        bindparam(name, value, type_=JSONB() if isinstance(value, dict) else None)
        for name, value in arguments.items()
    ]
    return text(f"SELECT {select_list} FROM {DDD}.{function}({named}) AS result").bindparams(*values)


class Api:
    def __init__(self, db: Session) -> None:
        self.db = db

    def all(self, model: type[Model], function: str, **arguments: Any) -> list[Model]:
        """The function's rows as objects of the session."""
        self.db.flush()
        rows = select(model).from_statement(call(function, arguments))
        return list(self.db.execute(rows.execution_options(populate_existing=True)).scalars())

    def one(self, model: type[Model], function: str, **arguments: Any) -> Optional[Model]:
        """The function's only row as an object of the session; None where it found nothing."""
        # It returns a row of NULLs then, which the ORM takes for no object.
        return self.all(model, function, **arguments)[0]

    def rows(self, function: str, **arguments: Any) -> list[dict[str, Any]]:
        """The function's rows as dicts, with the columns that no model has."""
        self.db.flush()
        return [dict(row) for row in self.db.execute(call(function, arguments)).mappings()]

    def page(self, function: str, **arguments: Any) -> dict[str, Any]:
        """A page of a listing, and the cursor that the next one starts after: None at the end."""
        items = self.rows(function, **arguments)
        return {"items": items, "next": items[-1]["cursor"] if items else None}

    def write(self, model: type[Model], function: str, **arguments: Any) -> Any:
        """Like one, for a function that writes. (Any: what creates never finds nothing.)"""
        self._forget()
        return self.one(model, function, **arguments)

    def write_value(self, function: str, **arguments: Any) -> Any:
        """The value of a function that writes and returns no row."""
        self._forget()
        return self.db.execute(call(function, arguments, "result")).scalar_one()

    def _forget(self) -> None:
        self.db.flush()
        self.db.expire_all()

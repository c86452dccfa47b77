"""Errors of the database as HTTP responses, by SQLSTATE and constraint, never by message.

The same rules refuse a call of ddd and an ORM write, with the same constraint.
"""
from typing import NamedTuple, Optional

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError

CONFLICT, NOT_FOUND, UNPROCESSABLE = 409, 404, 422

STATUS_OF_SQLSTATE = {
    "22001": UNPROCESSABLE,  # too long
    "22004": UNPROCESSABLE,  # NULL for a required argument
    "22023": UNPROCESSABLE,  # not an e-mail address, somebody else's cursor, a limit passed, ...
    "2201W": UNPROCESSABLE,  # negative first
    "2201X": UNPROCESSABLE,  # negative skip
    "23502": UNPROCESSABLE,  # null where a value is needed
    "23503": UNPROCESSABLE,  # names somebody who is not there
    "23505": CONFLICT,
    "23514": UNPROCESSABLE,  # blank, a password too short, ...
}
# Constraints that say more than their SQLSTATE; the message where ddd's own does not reach ORM writes.
STATUS_OF_CONSTRAINT: dict[str, tuple[int, Optional[str]]] = {
    "ix_users_email": (CONFLICT, "Email already registered"),
    "users_stale_update": (CONFLICT, None),
    "posts_stale_update": (CONFLICT, None),
    "comments_stale_update": (CONFLICT, None),
    "comments_post_id_fkey": (NOT_FOUND, "Post not found"),
    "post_tags_post_id_fkey": (NOT_FOUND, "Post not found"),
}


class Problem(NamedTuple):
    status: int
    detail: str
    sqlstate: str
    constraint: Optional[str]


def translate(error: DBAPIError, deleting: bool = False) -> Optional[Problem]:
    """What the client did wrong, or None where it is not the client's fault."""
    diag = getattr(error.orig, "diag", None)
    if diag is None or diag.sqlstate not in STATUS_OF_SQLSTATE:
        return None
    # The primary message only: DETAIL may quote the row.
    status, detail = STATUS_OF_SQLSTATE[diag.sqlstate], diag.message_primary
    if diag.sqlstate == "23503" and deleting:
        status, detail = CONFLICT, f"Still has {diag.table_name}"
    elif diag.constraint_name in STATUS_OF_CONSTRAINT:
        status, message = STATUS_OF_CONSTRAINT[diag.constraint_name]
        detail = message or detail
    return Problem(status, detail, diag.sqlstate, diag.constraint_name)


def database_error(request: Request, error: DBAPIError) -> JSONResponse:
    problem = translate(error, deleting=request.method == "DELETE")
    if problem is None:
        raise error
    return JSONResponse(
        {"detail": problem.detail, "sqlstate": problem.sqlstate, "constraint": problem.constraint},
        status_code=problem.status,
    )


def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    """What FastAPI answers, without the input that pydantic 2 repeats: it may hold a password."""
    shown = [{key: problem[key] for key in ("loc", "msg", "type")} for problem in error.errors()]
    return JSONResponse({"detail": shown}, status_code=UNPROCESSABLE)


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(DBAPIError, database_error)
    app.add_exception_handler(RequestValidationError, validation_error)

"""Values of different drivers and column types, made comparable."""
import datetime


def plain(value):
    """The value; a time without a zone is UTC, as the peers' tables mean it."""
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=datetime.timezone.utc)
    return value

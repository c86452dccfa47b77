"""What keeps Alembic's autogenerate from ddd's tables: ALTER EXTENSION ddd UPDATE migrates those."""
from collections.abc import Mapping
from typing import Any, Optional

from src.core.models import DDD


def include_name(name: Optional[str], type_: str, parent_names: Mapping[str, Optional[str]]) -> bool:
    """Spares Alembic reading schema ddd where include_schemas is on."""
    return not (type_ == "schema" and name == DDD)


def include_object(object_: Any, name: Optional[str], type_: str, reflected: bool, compare_to: Any) -> bool:
    """Leaves out ddd's tables, those of the database and those of the models."""
    return not (type_ == "table" and object_.schema == DDD)

"""What request and response bodies share, on pydantic 1 and 2."""
from typing import Any

from pydantic import VERSION, BaseModel, conint, constr

# What PostgreSQL can store: no number beyond bigint or integer, no NUL, no half of a surrogate pair.
Id = conint(ge=1, lt=2**63)
Count = conint(ge=0, lt=2**31)

if VERSION.startswith("1."):
    Text = constr(regex=r"^[^\x00\ud800-\udfff]*$")
else:
    Text = constr(pattern=r"^[^\x00]*$")


class Schema(BaseModel):
    """Can be made from an ORM object. Lengths, blanks and formats are for ddd to refuse."""

    if VERSION.startswith("1."):

        class Config:
            orm_mode = True

    else:
        model_config = {"from_attributes": True}

    def data(self, **options: Any) -> dict[str, Any]:
        """The fields as a dict: model_dump, or dict as pydantic 1 calls it."""
        return self.model_dump(**options) if hasattr(self, "model_dump") else self.dict(**options)

"""The body of a control: a JSON mapping, closed to what the control does not know."""

from pydantic import BaseModel, ConfigDict


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

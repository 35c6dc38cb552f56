"""What the commands of a payment have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`at` is when it happened for the business."""

    at: datetime
    payment_id: UUID

    def names(self, order_id: str, *, at: datetime | None = None) -> dict[str, Any]:
        """The fields that every event of a payment has; `at` where the processor knows the time better."""
        return {"at": at or self.at, "payment_id": self.payment_id, "order_id": order_id}

"""The bank speaks: money is frozen, and a lost chargeback is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from libs.ledger import chart
from libs.ledger.journal import Postings, transfer
from libs.ledger.personal import FreeText
from services.escrow.domain.events.base import AllocationEvent, HeldEvent
from services.escrow.domain.facts import Outcome

FreezeCause = Literal["inquiry", "chargeback", "fraud_warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowFrozen(HeldEvent):
    """Nothing of these sellers' allocations moves until the cause is gone. An inquiry may become a chargeback."""

    cause: FreezeCause
    cause_id: str
    sellers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowUnfrozen(HeldEvent):
    """The cause is gone; it froze these sellers' allocations, or none if its end was heard before its beginning.

    Who cleared a warning and why is known; of a chargeback the bank's `outcome` is.
    """

    cause: FreezeCause
    cause_id: str
    sellers: tuple[str, ...]
    outcome: Outcome | Literal["cleared"]
    requested_by: str | None = None
    reason: FreeText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReserved(AllocationEvent):
    """What we still owe a seller of a contested release is kept back, so that no payout takes it away meanwhile."""

    chargeback_id: UUID
    amount_minor: int

    def postings(self) -> Postings:
        return transfer(
            self.currency,
            self.amount_minor,
            debit=chart.seller_available(self.seller),
            credit=chart.seller_reserved(self.seller),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveReturned(AllocationEvent):
    """The chargeback did not need it."""

    chargeback_id: UUID
    amount_minor: int

    def postings(self) -> Postings:
        return transfer(
            self.currency,
            self.amount_minor,
            debit=chart.seller_reserved(self.seller),
            credit=chart.seller_available(self.seller),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackCovered(AllocationEvent):
    """An allocation pays `amount_minor` of a lost chargeback: `held_minor` out of what was held, here; the rest out of
    what was released, in the `ReleaseClawedBack` that follows.
    """

    chargeback_id: UUID
    amount_minor: int
    held_minor: int
    held_commission_minor: int

    @property
    def held_net_minor(self) -> int:
        return self.held_minor - self.held_commission_minor

    def postings(self) -> Postings:
        return transfer(self.currency, self.held_minor, debit=chart.ESCROW_HELD, credit=chart.RECEIVABLE_CHARGEBACKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundChargedBack(AllocationEvent):
    """A refund that still waited for its claw-back is not made, or less of it: the chargeback has paid the buyer."""

    chargeback_id: UUID
    clawback_id: UUID
    refund_id: UUID
    amount_minor: int

    def postings(self) -> Postings:
        return transfer(
            self.currency, self.amount_minor, debit=chart.REFUNDS_PAYABLE, credit=chart.RECEIVABLE_CHARGEBACKS
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackAbsorbed(HeldEvent):
    """The marketplace bears what no seller does: by policy, or because the buyer had been refunded before."""

    chargeback_id: UUID
    amount_minor: int

    def postings(self) -> Postings:
        return transfer(
            self.currency, self.amount_minor, debit=chart.EXPENSE_CHARGEBACKS, credit=chart.RECEIVABLE_CHARGEBACKS
        )

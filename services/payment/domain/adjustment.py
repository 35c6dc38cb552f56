"""A booking by hand, for what reconciliation found and nothing else explains: a sweep of the platform's balance to its
bank, a top-up, a fee by invoice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger import chart
from libs.ledger.decider import Decider, Event
from libs.ledger.errors import Rejected
from libs.ledger.journal import Postings, transfer
from libs.ledger.money import currency
from libs.ledger.personal import FreeText
from libs.ledger.reconciliation import ADJUSTMENT as KIND

ADJUSTABLE: Final = ("stripe:", "expense:", "revenue:")
"""What buyers and sellers own is changed by what happens to their orders, and never by hand."""


def adjustment_id(book: int, key: str) -> UUID:
    """The stream of an adjustment, from the idempotency key that it was asked for with."""
    return uuid5(NAMESPACE_OID, f"holdfast/adjustment/{book}/{key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentMade(Event):
    """Debits `account` and credits `counter_account`. `reference` is the processor's id of the object it explains."""

    account: str
    counter_account: str
    currency: str
    amount_minor: int
    reason: FreeText
    reference: str | None

    def postings(self) -> Postings:
        return transfer(self.currency, self.amount_minor, debit=self.account, credit=self.counter_account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust:
    account: str
    counter_account: str
    currency: str
    amount_minor: int
    reason: FreeText
    reference: str | None
    at: datetime


def decide(command: Adjust, made: AdjustmentMade | None) -> Sequence[AdjustmentMade]:
    """Raises `Rejected` (`adjustment_account`, `unknown_account`, `unknown_currency`, `bad_amount`)."""
    if made is not None:  # whoever asks with the same key is answered as before, and who asks for another is told
        raise Rejected("This adjustment was made before.", code="adjustment_made")
    accounts = (command.account, command.counter_account)
    for account in accounts:
        chart.rule(account)
    if accounts[0] == accounts[1] or not all(account.startswith(ADJUSTABLE) for account in accounts):
        raise Rejected(
            "An adjustment moves money between two accounts that begin with stripe:, expense: or revenue:; what buyers "
            "and sellers own changes with their orders.",
            code="adjustment_account",
        )
    if command.amount_minor <= 0:
        raise Rejected(
            "An adjustment has an amount above zero; to go the other way, swap the accounts.", code="bad_amount"
        )
    currency(command.currency)
    return [
        AdjustmentMade(
            at=command.at,
            account=command.account,
            counter_account=command.counter_account,
            currency=command.currency,
            amount_minor=command.amount_minor,
            reason=command.reason,
            reference=command.reference,
        )
    ]


ADJUSTMENT: Final = Decider[Adjust, AdjustmentMade | None, AdjustmentMade](
    KIND, None, decide, lambda _state, event: event, (AdjustmentMade,)
)

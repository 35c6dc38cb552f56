"""What the processor keeps for its services: each fee on its statement booked once, and its share of nothing else.

A chargeback's fee is booked with the chargeback; these are all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger import chart
from libs.ledger.decider import Decider, Event
from libs.ledger.journal import Posting, Postings

FEE_OF_LINE: Final = "fee"
"""Our name for the part of a line that is its fee."""
FEE_LINES: Final = frozenset({"stripe_fee", "stripe_fx_fee", "tax_fee"})
"""Lines that are a fee and nothing else."""


def fee_id(book: int, balance_transaction: str) -> UUID:
    """The stream of a fee, from the line of the statement that has it: whoever books it twice meets the same one."""
    return uuid5(NAMESPACE_OID, f"holdfast/processor_fee/{book}/{balance_transaction}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorFeeCharged(Event):
    """`charge` is what the fee was taken for, mostly a charge; `order_id` where we know it. Below zero for a fee that
    was given back.
    """

    balance_transaction: str
    charge: str | None
    order_id: str | None
    currency: str
    amount_minor: int

    def postings(self) -> Postings:
        # Either side of the entry may be the credit, so no amount is taken to be positive.
        return (
            Posting(chart.EXPENSE_PROCESSOR_FEES, self.currency, self.amount_minor),
            Posting(chart.STRIPE_PLATFORM, self.currency, -self.amount_minor),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeFee:
    balance_transaction: str
    charge: str | None
    order_id: str | None
    currency: str
    amount_minor: int
    at: datetime


def decide(command: ChargeFee, charged: ProcessorFeeCharged | None) -> Sequence[ProcessorFeeCharged]:
    if charged is not None or not command.amount_minor:
        return ()
    return [
        ProcessorFeeCharged(
            at=command.at,
            balance_transaction=command.balance_transaction,
            charge=command.charge,
            order_id=command.order_id,
            currency=command.currency,
            amount_minor=command.amount_minor,
        )
    ]


FEE: Final = Decider[ChargeFee, ProcessorFeeCharged | None, ProcessorFeeCharged](
    "processor_fee", None, decide, lambda _state, event: event, (ProcessorFeeCharged,)
)

"""What may stand in the stream of a payment that its buyer contests at their bank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid5

from libs.ledger import chart
from libs.ledger.journal import Posting, Postings, entry
from libs.ledger.personal import FreeText
from services.payment.domain.events import PaymentEvent

EvidenceField = Literal[
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
]
"""Stripe's names for what evidence may say in words (https://docs.stripe.com/api/disputes/update); others are files."""


def chargeback_id_of(payment_id: UUID, dispute_id: str) -> UUID:
    """Our id of the processor's dispute: the same when an inquiry becomes a chargeback."""
    return uuid5(payment_id, dispute_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackEvent(PaymentEvent):
    """`dispute_id` is the processor's id of it."""

    chargeback_id: UUID
    dispute_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestedEvent(ChargebackEvent):
    """The buyer contests this amount. `reason` is the processor's code; `under_review`: an answer was given already."""

    currency: str
    amount_minor: int
    reason: str
    respond_by: datetime | None
    under_review: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryOpened(ContestedEvent):
    """The bank asks, and has taken nothing yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryClosed(ChargebackEvent):
    """The bank asks no more, and took nothing."""

    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackOpened(ContestedEvent):
    """The bank took the money back, and the processor a fee for it, which may be zero."""

    fee_minor: int

    def postings(self) -> Postings:
        return entry(
            self.currency,
            debit={chart.RECEIVABLE_CHARGEBACKS: self.amount_minor, chart.EXPENSE_CHARGEBACKS: self.fee_minor},
            credit={chart.STRIPE_PLATFORM: self.amount_minor + self.fee_minor},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestChanged(ChargebackEvent):
    """Another deadline, or an answer was given, by us or by somebody in the processor's dashboard."""

    respond_by: datetime | None
    under_review: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackWon(ChargebackEvent):
    """The bank decided for us. `returned_minor` came back of `amount_minor`; what is short is an expense.

    `fee_minor` is what the processor charged since the opening, below zero for a fee that it gave back, and makes
    `fee_total_minor` with what it charged then.
    """

    currency: str
    amount_minor: int
    returned_minor: int
    fee_minor: int
    fee_total_minor: int

    def postings(self) -> Postings:
        return _signed(
            self.currency,
            {
                chart.STRIPE_PLATFORM: self.returned_minor - self.fee_minor,
                chart.RECEIVABLE_CHARGEBACKS: -self.amount_minor,
                chart.EXPENSE_CHARGEBACKS: self.amount_minor - self.returned_minor + self.fee_minor,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRefund:
    """What we owed the buyer in a refund that failed, and the bank gave them; `owed_minor` is left of it."""

    refund_id: UUID
    amount_minor: int
    owed_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackLost(ChargebackEvent):
    """The bank decided for the buyer. Of `amount_minor` that was taken, `returned_minor` came back all the same.

    What we owed the buyer of this payment is paid with it (`refunds`); `to_cover_minor` is for others to bear.
    """

    currency: str
    amount_minor: int
    returned_minor: int
    fee_minor: int
    fee_total_minor: int
    refunds: tuple[SettledRefund, ...]
    to_cover_minor: int

    def postings(self) -> Postings:
        settled_minor = sum(each.amount_minor for each in self.refunds)
        return _signed(
            self.currency,
            {
                chart.STRIPE_PLATFORM: self.returned_minor - self.fee_minor,
                chart.EXPENSE_CHARGEBACKS: self.fee_minor,
                chart.REFUNDS_PAYABLE: settled_minor,
                chart.RECEIVABLE_CHARGEBACKS: -self.returned_minor - settled_minor,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackAccepted(ChargebackEvent):
    """We will not contest it. Calls for closing it at the processor. `version` is the number in the idempotency key."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceText:
    """One text, under the processor's name for what it shows."""

    field: EvidenceField
    text: FreeText


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceEvent(ChargebackEvent):
    """Of evidence in words. `version` is the number in the idempotency key; every evidence takes one, or several."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRequested(EvidenceEvent):
    """Somebody wrote evidence. Calls for it to be sent; `submit` makes it final, else it is only kept there."""

    texts: tuple[EvidenceText, ...]
    submit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceOutcomeUnknown(EvidenceEvent):
    """No answer said whether the evidence arrived. Calls for looking, and sending it again under this version.

    A higher version than before: the old key answers with the processor's own failure. Evidence moves no money, and
    the same words twice are the same words; waiting until the key is forgotten could cost the deadline.
    """

    doubted_version: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSubmitted(EvidenceEvent):
    """The processor has the evidence. `submissions`: how often any was given to the bank so far."""

    submit: bool
    submissions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRefused(EvidenceEvent):
    """The processor will not take it, or its words were forgotten before they were sent; `code` says why."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudWarned(PaymentEvent):
    """The card's issuer suspects fraud. No money moved. `code` is the processor's word for the suspicion."""

    warning_id: str
    code: str


EVENTS: Final[tuple[type[PaymentEvent], ...]] = (
    InquiryOpened,
    InquiryClosed,
    ChargebackOpened,
    ContestChanged,
    ChargebackWon,
    ChargebackLost,
    ChargebackAccepted,
    EvidenceRequested,
    EvidenceOutcomeUnknown,
    EvidenceSubmitted,
    EvidenceRefused,
    FraudWarned,
)


def _signed(code: str, changes: Mapping[str, int]) -> Postings:
    """A journal entry from signed amounts, debits above zero: some of these lines may fall on either side."""
    return tuple(Posting(account, code, amount) for account, amount in changes.items() if amount)

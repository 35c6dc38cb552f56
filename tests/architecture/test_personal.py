"""No event of any service has room for free text, unless it is kept sealed (`FreeText`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import NoneType
from typing import Any, ClassVar, Final, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

import services
from libs.ledger.decider import Event
from libs.ledger.personal import FreeText

_REPOSITORY = Path(__file__).parents[2]
_HARMLESS: Final = {int, bool, NoneType, UUID, FreeText, "datetime"}

# Names that mean the same in every event: ids, codes, and what a person could not have typed.
_NAMES: Final = {
    "about": "our own name of an object: an order's number, a payout's id",
    "account": "of the chart",
    "account_id": "Stripe's id",
    "actor": "a pseudonym",
    "balance_transaction": "Stripe's id",
    "cancelled_by": "a pseudonym: whoever cancelled, by the id that the shop uses",
    "category": "of goods",
    "cause_id": "of a refund or chargeback, or Stripe's of a warning",
    "charge": "Stripe's id",
    "code": "a code of ours or Stripe's",
    "confirmed_by": "a pseudonym, as cancelled_by",
    "counter_account": "of the chart",
    "country": "ISO 3166",
    "currency": "ISO 4217",
    "disabled_reason": "a code of Stripe's",
    "dispute_id": "Stripe's id",
    "eventually_due": "as requirements",
    "intent_id": "Stripe's id",
    "interval": "Stripe's word for how often it pays out",
    "key": "a setting's, from the registry",
    "line_types": "Stripe's names of them",
    "month": "YYYY-MM",
    "notice_id": "Stripe's id",
    "notice_type": "Stripe's name of it",
    "object_id": "Stripe's id",
    "opened_by": "a pseudonym, as cancelled_by",
    "order_id": "the shop's order number",
    "past_due": "as requirements",
    "processor_id": "Stripe's id",
    "reference": "Stripe's id, as HTTP checks",
    "requested_by": "a pseudonym, as cancelled_by",
    "requirements": "Stripe's names of what it asks for, not the answers",
    "seller": "a pseudonym, part of account names",
    "sellers": "as seller",
    "slot": "a day, week or month; for a payout on demand the idempotency key",
    "source": "Stripe's id",
    "statement_suffix": "the marketplace's own name on statements, a setting",
    "stripe_payout": "Stripe's id",
    "stripe_reversal": "Stripe's id",
    "stripe_transfer": "Stripe's id",
    "trial": "Stripe's id",
    "warning_id": "Stripe's id",
}
# Fields whose name promises a text, and why it is none that a person typed.
_FIELDS: Final = {
    "payment.PaymentRequested.buyer.id": "a pseudonym",
    "payment.PaymentCaptured.buyer.id": "a pseudonym",
    "payment.OrderRejected.reason": "our own sentence about an amount or a currency",
    "payment.IntentOutcomeUnknown.reason": "what Stripe's API or the network answered to a call of ours",
    "payment.IntentAbandoned.reason": "as IntentOutcomeUnknown",
    "payment.IntentRefused.reason": "as IntentOutcomeUnknown",
    "payment.PaymentCanceled.reason": "one of two sentences of ours",
    "payment.RefundOutcomeUnknown.reason": "as IntentOutcomeUnknown",
    "payment.ContestedEvent.reason": "a code of Stripe's, such as fraudulent",
    "payment.InquiryOpened.reason": "as ContestedEvent",
    "payment.ChargebackOpened.reason": "as ContestedEvent",
    "payment.EvidenceOutcomeUnknown.reason": "as IntentOutcomeUnknown",
    "escrow.FactRefused.reason": "our own sentence, that of the refusal",
    "payout_scheduler.WebhookReceived.notice.type": "Stripe's name of it",
    "payout_scheduler.SellerAccountRefused.reason": "what Stripe's API answered to a call of ours",
    "payout_scheduler.TransferOutcomeUnknown.reason": "as SellerAccountRefused",
    "payout_scheduler.TransferRefused.reason": "as SellerAccountRefused",
    "payout_scheduler.ReversalOutcomeUnknown.reason": "as SellerAccountRefused",
    "payout_scheduler.ReversalRefused.reason": "as SellerAccountRefused",
    "payout_scheduler.ReversalShort.reason": "as SellerAccountRefused",
    "payout_scheduler.PayoutOutcomeUnknown.reason": "as SellerAccountRefused",
    "payout_scheduler.PayoutFailed.reason": "Stripe's answer to a call, or our sentence; never the bank's words",
    "payout_scheduler.PayoutReturned.reason": "as PayoutFailed",
    "settings.SettingChanged.old": "checked against the setting's type, and no setting is a free text",
    "settings.SettingChanged.new": "as old",
}
# Where `Meta` is given a reason: it is stored in plain, so nobody's words may end there.
_REASONS: Final = {
    "services/audit/cli/periods.py": "why a month was closed: part of the books, and its help says to name no person",
    "services/audit/http/periods.py": "the same over HTTP",
}


def _events() -> list[tuple[str, type[Event]]]:
    """Every event that a domain defines, with its service."""
    modules = [each.name for each in walk_packages(services.__path__, "services.") if ".domain" in each.name]
    return [
        (name.split(".")[1], value)
        for name in modules
        for value in vars(import_module(name)).values()
        if isinstance(value, type) and issubclass(value, Event) and value.__module__ == name
    ]


def _open_fields(service: str, event: type[Event]) -> Iterator[str]:
    """The fields that could hold what a person typed, as service.Event.path."""
    for path in _open(event, ()):
        if path[-1] not in _NAMES:
            yield ".".join((service, event.__name__, *path))


def _open(kind: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if kind in _HARMLESS or getattr(kind, "__name__", "") in _HARMLESS or get_origin(kind) in (ClassVar, Literal):
        return
    if is_dataclass(kind):
        for name, part in get_type_hints(kind).items():
            yield from _open(part, (*path, name))
    elif parts := [part for part in get_args(kind) if part is not ...]:
        for part in parts:
            yield from _open(part, path)
    else:
        yield path


def test_no_event_has_room_for_what_somebody_typed() -> None:
    events = _events()
    assert {service for service, _ in events} == {"payment", "escrow", "payout_scheduler", "settings", "audit"}
    found = {name for service, event in events for name in _open_fields(service, event)}
    assert found - _FIELDS.keys() == set(), "Make it a FreeText, leave it out, or say in this file why it is none."
    assert _FIELDS.keys() - found == set(), "These are not needed any more."


def test_no_reason_of_an_append_is_what_somebody_typed() -> None:
    found = {
        str(path.relative_to(_REPOSITORY))
        for folder in ("services", "libs")
        for path in (_REPOSITORY / folder).rglob("*.py")
        if any(_gives_reason(node) for node in ast.walk(ast.parse(path.read_text())))
    }
    assert found == _REASONS.keys()


def _gives_reason(node: ast.AST) -> bool:
    """Whether this is a `Meta(...)` with a reason that is no literal of ours."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Meta"):
        return False
    given = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "reason")]
    return any(not isinstance(reason, ast.Constant | ast.JoinedStr) for reason in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    street: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved(Event):
    seller: str
    note: FreeText | None
    to: tuple[_Address, ...]
    remarks: dict[str, Any]


def test_planted_free_text_is_found_wherever_it_lies() -> None:
    assert set(_open_fields("planted", _Moved)) == {"planted._Moved.to.street", "planted._Moved.remarks"}
    assert _gives_reason(ast.parse("Meta(a, message.reason)").body[0].value)  # type: ignore[attr-defined]  # an expression
    assert not _gives_reason(ast.parse("Meta(a, reason=f'due at {t}')").body[0].value)  # type: ignore[attr-defined]  # the same

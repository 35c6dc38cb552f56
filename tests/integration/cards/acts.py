"""What a row's people do, as data: each is made with its particulars and done later, in a case."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx
import stripe

from libs.devstack.stripe_twin.faults import FaultKind
from libs.devstack.stripe_twin.objects.event import Event
from tests.integration.cards.market import PLATFORM_SECRET
from tests.integration.cards.rows import Act, Case

VISA: Final = "pm_card_visa"
DECLINED: Final = "pm_card_chargeDeclined"
POOR: Final = "pm_card_chargeDeclinedInsufficientFunds"
CHALLENGED: Final = "pm_card_threeDSecure2Required"
SLOW_REFUND: Final = "pm_card_pendingRefund"
FAILING_REFUND: Final = "pm_card_refundFail"
DEBIT: Final = "pm_usBankAccount_success"
EMPTY_DEBIT: Final = "pm_usBankAccount_insufficientFunds"

Particulars = Callable[[Case, Mapping[str, Any]], Mapping[str, Any]]
"""The body of a request about an escrow, which is given as it is shown."""


# -- the shop


def order(currency: str = "USD", buyer: str | None = None, number: str = "", **lines: int) -> Act:
    """One line a seller. Several orders of a row differ by `number`, and may have a buyer in common."""

    async def act(case: Case) -> None:
        named = [(case.seller(name), minor) for name, minor in lines.items()]
        known = buyer and f"{buyer}-of-{case.order}"
        await case.market.place(case.order + number, *named, currency=currency, buyer=known)

    return act


def delivered(seller: str | None = None) -> Act:
    return lambda case: case.market.deliver(case.order, seller and case.seller(seller))


def cancelled() -> Act:
    return lambda case: case.market.cancel(case.order)


def disputed(seller: str | None = None) -> Act:
    return lambda case: case.market.dispute(case.order, seller and case.seller(seller))


# -- buyers and their banks


def paid(by: str = VISA, number: str = "") -> Act:
    return lambda case: case.market.pay(case.order + number, by)


def bought(by: str = VISA, currency: str = "USD", number: str = "", **lines: int) -> Act:
    return both(order(currency, None, number, **lines), paid(by, number))


def authenticated(*, succeeds: bool = True) -> Act:
    async def act(case: Case) -> None:
        await case.market.twin.authenticate(await case.market.intent(case.order), succeeds=succeeds)
        await case.market.settle()

    return act


def contested(amount_minor: int | None = None, reason: Any = "fraudulent", *, inquiry: bool = False) -> Act:
    async def act(case: Case) -> None:
        await case.market.twin.open_dispute(await case.market.intent(case.order), amount_minor, reason, inquiry=inquiry)
        await case.market.settle()

    return act


def escalated() -> Act:
    async def act(case: Case) -> None:
        await case.market.twin.escalate_dispute(case.disputes()[-1].id)
        await case.market.settle()

    return act


def bank_decided(*, won: bool) -> Act:
    async def act(case: Case) -> None:
        await case.market.twin.close_dispute(case.disputes()[-1].id, won=won)
        await case.market.settle()

    return act


def warned_of_fraud() -> Act:
    async def act(case: Case) -> None:
        await case.market.twin.warn_of_fraud(await case.market.intent(case.order))
        await case.market.settle()

    return act


def refund_sent_back() -> Act:
    """The buyer's bank will not have it."""

    async def act(case: Case) -> None:
        await case.market.twin.fail_refund(case.refunds()[-1].id)
        await case.market.settle()

    return act


# -- sellers and their banks


def registered(*names: str, country: str = "US") -> Act:
    async def act(case: Case) -> None:
        for name in names:
            await case.market.register(case.seller(name), country)

    return act


def onboarded(*names: str, bank: str | None = None) -> Act:
    """Registered sellers give Stripe what it asks for."""

    async def act(case: Case) -> None:
        for name in names:
            await case.market.twin.complete_account(await case.market.account(case.seller(name)), bank)
        await case.market.settle()

    return act


def sellers(*names: str, bank: str | None = None, country: str = "US") -> Act:
    return both(registered(*names, country=country), onboarded(*names, bank=bank))


def at_account(name: str, control: str, *args: Any, **kwargs: Any) -> Act:
    """One of the twin's controls of a seller's account: `restrict_account`, `deauthorize`, `set_payout_schedule`."""

    async def act(case: Case) -> None:
        account_id = await case.market.account(case.seller(name))
        await getattr(case.market.twin, control)(account_id, *args, **kwargs)
        await case.market.settle()

    return act


def payout_bounced(name: str, code: Any = "account_closed") -> Act:
    async def act(case: Case) -> None:
        [*_, payout] = [payout for seller, payout in case.payouts() if seller == name]
        await case.market.twin.bounce_payout(payout.id, payout.owner, code)
        await case.market.settle()

    return act


# -- people at the service desk


def released(
    seller: str | None = None, amount_minor: int | None = None, refused: str | None = None, number: str = ""
) -> Act:
    return _escrow("releases", refused, lambda case, _shown: _part(case, seller, amount_minor), number=number)


def refunded(
    seller: str | None = None, amount_minor: int | None = None, refused: str | None = None, key: str | None = None
) -> Act:
    return _escrow("refunds", refused, lambda case, _shown: _part(case, seller, amount_minor), key=key)


def unfrozen(refused: str | None = None) -> Act:
    """A person looked into the issuer's warning, or tries to lift what the bank froze."""
    why = {"reason": "it is their sister's card"}
    return _escrow("unfreeze", refused, lambda _case, shown: why | {"cause_id": shown["freezes"][-1]["cause_id"]})


def refund_retried(refused: str | None = None) -> Act:
    async def act(case: Case) -> None:
        shown = await case.market.payment(case.order)
        path = f"/payments/{shown['payment_id']}/refunds/{shown['refunds'][-1]['refund_id']}/retry"
        _check(await case.market.post(path, {}), refused)

    return act


def evidence_given(submit: bool, text: str = "a receipt", refused: str | None = None) -> Act:
    body = {"texts": {"uncategorized_text": text}, "submit": submit}
    return _chargeback("evidence", body, refused)


def accepted(refused: str | None = None) -> Act:
    return _chargeback("accept", {}, refused)


def paid_out(seller: str, amount_minor: int | None = None, refused: str | None = None) -> Act:
    """A seller asks for their money."""

    async def act(case: Case) -> None:
        body = {"seller": case.seller(seller), "currency": "USD", "amount_minor": amount_minor}
        _check(await case.market.post("/payouts", {k: v for k, v in body.items() if v is not None}), refused)

    return act


def setting(key: str, value: Any) -> Act:
    """Changed for everybody: the row must change it back."""
    return lambda case: case.market.change(key, value)


# -- time and trouble


def waited(**ahead: float) -> Act:
    return lambda case: case.market.later(**ahead)


def job(name: str) -> Act:
    return lambda case: case.market.job(name)


def inspected() -> Act:
    """The time after the delivery in which the buyer may object, and the job that looks at it."""
    return both(waited(days=8), job("release-due"))


def payday() -> Act:
    return lambda case: case.market.payday()


def trouble(call: str, kind: FaultKind, count: int = 1) -> Act:
    return lambda case: case.market.twin.fault(call, kind, count)


def webhooks_lost(*acts: Act) -> Act:
    """All that Stripe tells meanwhile never comes."""

    async def act(case: Case) -> None:
        case.market.webhooks_lost = True
        await both(*acts)(case)
        case.market.webhooks_lost = False

    return act


def webhooks_reversed(*acts: Act) -> Act:
    """All that Stripe tells meanwhile comes late, the newest first, and each of it twice."""

    async def act(case: Case) -> None:
        held: list[Event] = []
        case.market.twin.world.announce = held.append
        await both(*acts)(case)
        case.market.twin.world.announce = case.market.hear
        case.market.undelivered += [event for event in reversed(held) for _ in range(2)]
        await case.market.settle()

    return act


def notice_posted(*, refused: str, secret: str = PLATFORM_SECRET, thin: bool = False) -> Act:
    """News of the intent, as Stripe would send it but for what is wrong with it."""

    async def act(case: Case) -> None:
        about = {"id": await case.market.intent(case.order), "object": "payment_intent"}
        body = json.dumps(
            {"id": "evt_1", "object": "v2.core.event", "type": "v1.payment_intent.succeeded", "related_object": about}
            if thin
            else {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "data": {"object": about}}
        )
        signature = stripe.WebhookSignature.generate_signature_header(body, secret)
        headers = {"stripe-signature": signature}
        _check(await case.market.http.post("/webhooks/stripe", content=body, headers=headers), refused)

    return act


def both(*acts: Act) -> Act:
    async def act(case: Case) -> None:
        for each in acts:
            await each(case)

    return act


def _part(case: Case, seller: str | None, amount_minor: int | None) -> Mapping[str, Any]:
    body = {"seller": seller and case.seller(seller), "amount_minor": amount_minor, "reason": "asked for"}
    return {name: value for name, value in body.items() if value is not None}


def _escrow(what: str, refused: str | None, body: Particulars, *, number: str = "", key: str | None = None) -> Act:
    async def act(case: Case) -> None:
        shown = await case.market.escrow(case.order + number)
        path, once = f"/escrows/{shown['escrow_id']}/{what}", key and f"{key}-{case.order}"
        _check(await case.market.post(path, body(case, shown), once), refused)

    return act


def _chargeback(what: str, body: Mapping[str, Any], refused: str | None) -> Act:
    async def act(case: Case) -> None:
        shown = await case.market.payment(case.order)
        path = f"/payments/{shown['payment_id']}/chargebacks/{shown['chargebacks'][-1]['chargeback_id']}/{what}"
        _check(await case.market.post(path, body), refused)

    return act


def _check(answer: httpx.Response, refused: str | None) -> None:
    code = answer.json().get("code") if answer.status_code >= HTTPStatus.BAD_REQUEST else None
    assert code == refused, answer.text

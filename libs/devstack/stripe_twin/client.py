"""A test's or a demo's hands on a running twin, in this process or another: the controls as typed methods."""

import asyncio
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from libs.devstack.stripe_twin.chaos import Chaos
from libs.devstack.stripe_twin.config import Endpoint
from libs.devstack.stripe_twin.faults import FaultKind
from libs.devstack.stripe_twin.mishaps import DisputeReason, FraudType, Interval, Pausable, RefundFailure
from libs.devstack.stripe_twin.objects.bank_account import FailureCode
from libs.devstack.stripe_twin.overview import Kind
from libs.devstack.stripe_twin.tables import Json

_ORDER_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.02


class TwinControlError(Exception):
    """The twin refused a control; the message says why."""


class TwinClient:
    """Speaks to `/_twin` of the twin at `url`. Use as an async context manager, in one event loop."""

    def __init__(self, url: str) -> None:
        self.url = url
        # verify=False: plain HTTP needs no certificates, and loading them takes 25 ms
        self._http = httpx.AsyncClient(base_url=url, timeout=_ORDER_SECONDS, verify=False)  # noqa: S501  see above

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def summary(self) -> Json:
        """Per currency: captured, refunded, fees, transferred, reversed, paid_out, balances; per account; counts."""
        return await self._ask("GET", "summary")

    async def now(self) -> int:
        return int((await self._ask("GET", "clock"))["now"])

    async def advance(self, seconds: int) -> int:
        """Let time pass; everything due on the way happens. Returns the new time."""
        return int((await self._ask("POST", "clock", {"advance": seconds}))["now"])

    async def set_clock(self, moment: int) -> int:
        return int((await self._ask("POST", "clock", {"set": moment}))["now"])

    async def set_webhooks(
        self, *, platform: Endpoint | None = None, connect: Endpoint | None = None, extra_copies: int | None = None
    ) -> None:
        """Set what is given, leave the rest."""
        changes = {
            name: {"url": endpoint.url, "secret": endpoint.secret, "events": list(endpoint.events)}
            for name, endpoint in (("platform", platform), ("connect", connect))
            if endpoint
        }
        copies = {} if extra_copies is None else {"extra_copies": extra_copies}
        await self._ask("PUT", "webhooks", changes | copies)

    async def webhooks_idle(self, within_seconds: float = 30.0) -> None:
        """Wait until every event so far has been accepted by its endpoint; raises TimeoutError."""
        async with asyncio.timeout(within_seconds):
            while await self._outstanding():  # noqa: ASYNC110  the queue may be another process's
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def fault(self, call: str, kind: FaultKind, count: int = 1, seconds: float = 0.0) -> None:
        """Let the next `count` calls of that name (`transfers.create`, or `*` for any) suffer that fault."""
        await self._ask("POST", "faults", {"call": call, "kind": kind, "count": count, "seconds": seconds})

    async def clear_faults(self) -> None:
        await self._ask("DELETE", "faults")

    async def set_chaos(self, chaos: Chaos) -> None:
        """From now on, let that befall calls and webhooks; their counting begins anew."""
        await self._ask("PUT", "chaos", chaos.model_dump())

    async def end_chaos(self) -> None:
        await self._ask("DELETE", "chaos")

    async def objects(self, kind: Kind, limit: int = 20) -> list[Json]:
        """The newest of a kind, whoever they belong to: each with its `owner` and, as Stripe shows it, `object`."""
        answer = await self._ask("GET", f"objects?kind={kind}&limit={limit}")
        shown: list[Json] = answer[kind]["objects"]
        return shown

    async def complete_account(self, account_id: str, account_number: str | None = None) -> Json:
        """The seller finishes onboarding, with this bank account number if given. Returns the account."""
        number = {"account_number": account_number} if account_number else {}
        return await self._ask("POST", f"accounts/{account_id}/complete", number)

    async def confirm(self, intent_id: str, payment_method: str = "pm_card_visa") -> Json:
        """The buyer pays by that card. Returns the PaymentIntent, whose status tells how that went."""
        answer = await self._http.post(
            f"/_twin/payment_intents/{intent_id}/confirm", json={"payment_method": payment_method}
        )
        if answer.status_code == httpx.codes.PAYMENT_REQUIRED:
            return _json(answer)["error"]["payment_intent"]  # type: ignore[no-any-return]  # Stripe's own nesting
        return _checked(answer)

    async def authenticate(self, intent_id: str, *, succeeds: bool = True) -> Json:
        """The buyer answers the 3-D Secure challenge."""
        return await self._ask("POST", f"payment_intents/{intent_id}/authenticate", {"succeeds": succeeds})

    async def open_dispute(
        self,
        charge_or_intent: str,
        amount: int | None = None,
        reason: DisputeReason = "fraudulent",
        *,
        inquiry: bool = False,
    ) -> Json:
        """The buyer goes to their bank: a chargeback of that much (minor units; all, if not given), or an inquiry."""
        order = {"amount": amount, "reason": reason, "inquiry": inquiry}
        return await self._ask("POST", f"charges/{charge_or_intent}/dispute", order)

    async def close_dispute(self, dispute_id: str, *, won: bool) -> Json:
        """The bank decides. An inquiry ends as `warning_closed` either way."""
        return await self._ask("POST", f"disputes/{dispute_id}/close", {"won": won})

    async def escalate_dispute(self, dispute_id: str) -> Json:
        """An inquiry becomes a chargeback."""
        return await self._ask("POST", f"disputes/{dispute_id}/escalate")

    async def warn_of_fraud(self, charge_or_intent: str, fraud_type: FraudType = "misc") -> Json:
        """The card's issuer sends an early fraud warning."""
        return await self._ask("POST", f"charges/{charge_or_intent}/fraud_warning", {"fraud_type": fraud_type})

    async def fail_refund(self, refund_id: str, reason: RefundFailure = "expired_or_canceled_card") -> Json:
        """The buyer's bank sends a refund back, pending or succeeded."""
        return await self._ask("POST", f"refunds/{refund_id}/fail", {"reason": reason})

    async def bounce_payout(
        self, payout_id: str, account_id: str | None = None, code: FailureCode = "account_closed"
    ) -> Json:
        """The seller's bank sends a payout back, in transit or paid, and its bank account is `errored` from then on."""
        return await self._ask("POST", f"payouts/{payout_id}/bounce", {"account": account_id, "code": code})

    async def deauthorize(self, account_id: str) -> None:
        """The seller disconnects the platform."""
        await self._ask("POST", f"accounts/{account_id}/deauthorize")

    async def restrict_account(
        self, account_id: str, paused: Collection[Pausable] = (), due: Sequence[str] = ()
    ) -> Json:
        """Stripe pauses these capabilities (or `payouts`) and asks for these requirements; nothing given lifts all."""
        return await self._ask("POST", f"accounts/{account_id}/restrict", {"paused": list(paused), "due": list(due)})

    async def set_payout_schedule(self, account_id: str, interval: Interval = "daily") -> Json:
        """Somebody changes it behind the platform's back. Returns the balance settings."""
        return await self._ask("POST", f"accounts/{account_id}/payout_schedule", {"interval": interval})

    async def resend(self, event_id: str) -> None:
        """Deliver an event once more, as the Dashboard's button does."""
        await self._ask("POST", f"events/{event_id}/resend")

    async def _outstanding(self) -> int:
        return int((await self._ask("GET", "webhooks"))["outstanding"])

    async def _ask(self, method: str, path: str, order: dict[str, Any] | None = None) -> Json:
        return _checked(await self._http.request(method, f"/_twin/{path}", json=order))


def _json(answer: httpx.Response) -> Json:
    content: Json = answer.json()
    return content


def _checked(answer: httpx.Response) -> Json:
    content = _json(answer)
    if answer.is_error:
        raise TwinControlError(content["error"]["message"])
    return content

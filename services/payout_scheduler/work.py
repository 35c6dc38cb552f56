"""What an event leaves to be done at Stripe: one piece of work a stream, or none. Pure; `views` keeps the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter

from libs.eventstore.model import Recorded
from libs.ledger.decider import Event
from services.payout_scheduler.domain import payout as p
from services.payout_scheduler.domain import reversal as r
from services.payout_scheduler.domain import seller as s
from services.payout_scheduler.domain import transfer as t
from services.payout_scheduler.domain import webhook as w

CREATE_ACCOUNT: Final = "create_account"
CREATE_TRANSFER: Final = "create_transfer"
RESOLVE_TRANSFER: Final = "resolve_transfer"
REVERSE: Final = "reverse"
RESOLVE_REVERSAL: Final = "resolve_reversal"
SUBMIT_PAYOUT: Final = "submit_payout"
RESOLVE_PAYOUT: Final = "resolve_payout"
HANDLE_WEBHOOK: Final = "handle_webhook"

RESOLVE_KINDS: Final = (RESOLVE_TRANSFER, RESOLVE_REVERSAL, RESOLVE_PAYOUT)

RESOLVE_AFTER: Final = timedelta(seconds=15)  # longer than a call that we gave up on can still run at Stripe
KEEPS_WORK: Final = (
    s.SellerReadinessChanged,
    s.SellerDeauthorized,
    s.SellerOwnPayoutsFound,
    s.SellerScheduleChanged,
    t.TransferKeptBack,  # whoever makes the call looks at what is left
    r.ReversalTold,
)
"""Events that leave the work of their stream as it is."""

RELEASE: Final = TypeAdapter(t.Release)
CLAIM: Final = TypeAdapter(p.Claim)
NOTICE: Final = TypeAdapter(w.Notice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A row of the work list. `needs_ready` names the seller who must be ready before it may begin."""

    id: str
    kind: str
    due_at: datetime
    data: dict[str, Any]
    needs_ready: str | None = None


def work_after(event: Event, recorded: Recorded) -> Work | None:  # noqa: PLR0911 - one case an event
    """The work of a stream after its newest event, `KEEPS_WORK` apart.

    What is due at once is due when it was recorded: business times may lie in the future, and Stripe is asked now.
    """
    now = recorded.recorded_at
    if isinstance(event, r.ReversalEvent):
        return _reversal(event, recorded)
    match event:
        case s.SellerRegistered(seller=seller, country=country, attempt=attempt):
            data = {"seller": seller, "country": country, "attempt": attempt}
            return _work(CREATE_ACCOUNT, attempt, now, data, recorded)
        case t.TransferRequested(release=release):
            return _transfer(release, 1, now, recorded)
        case t.TransferRefused(release=release, attempt=attempt, retry_at=retry_at):
            return _transfer(release, attempt + 1, retry_at, recorded)
        case t.TransferOutcomeUnknown(release=release, attempt=attempt):
            data = {"release": RELEASE.dump_python(release, mode="json"), "attempt": attempt}
            return _work(RESOLVE_TRANSFER, attempt, now + RESOLVE_AFTER, data, recorded)
        case p.PayoutStarted(claim=claim):
            data = {"claim": CLAIM.dump_python(claim, mode="json")}
            return _work(SUBMIT_PAYOUT, claim.attempt, now, data, recorded)
        case p.PayoutOutcomeUnknown(claim=claim):
            data = {"claim": CLAIM.dump_python(claim, mode="json")}
            return _work(RESOLVE_PAYOUT, claim.attempt, now + RESOLVE_AFTER, data, recorded)
        case w.WebhookReceived(notice=notice):
            return _work(HANDLE_WEBHOOK, 1, now, {"notice": NOTICE.dump_python(notice, mode="json")}, recorded)
        case _:
            return None


def _reversal(event: r.ReversalEvent, recorded: Recorded) -> Work | None:
    """The stream itself says what comes next; the number of its event tells one piece of work from another."""
    now, number = recorded.recorded_at, recorded.version
    match event:
        case _ if not event.clawback.left_minor:
            return None
        case r.ReversalOutcomeUnknown():
            return _work(RESOLVE_REVERSAL, number, now + RESOLVE_AFTER, {}, recorded)
        case r.ReversalShort(retry_at=retry_at):
            return _work(REVERSE, number, retry_at, {}, recorded)
        case _:
            return _work(REVERSE, number, now, {}, recorded)


def _transfer(release: t.Release, attempt: int, due_at: datetime, recorded: Recorded) -> Work:
    # Only a call that may move money waits for the seller: what may have happened is looked up in any case.
    data = {"release": RELEASE.dump_python(release, mode="json"), "attempt": attempt}
    return _work(CREATE_TRANSFER, attempt, due_at, data, recorded, needs_ready=release.seller)


def _work(
    kind: str,
    attempt: int,
    due_at: datetime,
    data: dict[str, Any],
    recorded: Recorded,
    *,
    needs_ready: str | None = None,
) -> Work:
    cause = {"causation_id": recorded.id, "correlation_id": recorded.correlation_id}
    work_id = f"{kind}:{recorded.stream_id_text}:{attempt}"
    return Work(id=work_id, kind=kind, due_at=due_at, data=data | cause, needs_ready=needs_ready)

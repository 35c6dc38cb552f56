"""The work at Stripe: one method a kind. A worker calls them; each ends by recording the outcome.

Whoever is killed between a call and its record, or is told nothing, leaves a call that may have had its effect. So
every repetition first looks for that effect and only then makes the same call again, under the same key, for ever:
money that went out under one key must never go out under another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from libs.eventstore.execute import Executor, Step
from libs.eventstore.model import Meta
from libs.eventstore.worklist import Item, Perform
from libs.runtime.outcomes import Refused, Unknown
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.payout_scheduler import work
from services.payout_scheduler.domain import payout as p
from services.payout_scheduler.domain import transfer as t
from services.payout_scheduler.domain.seller import SELLER, NoteAccount, NoteAccountRefused, seller_id
from services.payout_scheduler.domain.webhook import WEBHOOK, Handle, Notice
from services.payout_scheduler.handlers.bank import AccountReport, Bank, PayoutReport, TransferCall
from services.payout_scheduler.handlers.incoming import Handlers

ACTOR: Final = "payout_scheduler"


class Performances:
    def __init__(
        self,
        executor: Executor,
        handlers: Handlers,
        bank: Bank,
        settings: LiveSettings,
        book: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._executor = executor
        self._handlers = handlers
        self._bank = bank
        self._settings = settings
        self._book = book
        self._clock = clock
        self._account_ids: dict[str, str] = {}  # a seller's account never changes

    def by_kind(self) -> Mapping[str, Perform]:
        return {
            work.CREATE_ACCOUNT: self.create_account,
            work.CREATE_TRANSFER: self.create_transfer,
            work.RESOLVE_TRANSFER: self.create_transfer,
            work.SUBMIT_PAYOUT: self.create_payout,
            work.RESOLVE_PAYOUT: self.create_payout,
            work.HANDLE_WEBHOOK: self.handle_webhook,
        }

    async def create_account(self, item: Item) -> None:
        seller, attempt = item.data["seller"], item.data["attempt"]
        found = await self._bank.find_account(seller) if _repeats(item) else None
        try:
            account_id = found or await self._bank.create_account(seller, item.data["country"], attempt)
        except Refused as no:
            refused = NoteAccountRefused(attempt=attempt, code=no.code, reason=no.text, at=self._clock())
            await self._record(item, Step(SELLER, item.subject, refused))
            return
        await self._bank.stop_own_payouts(account_id)
        # Read after all that: what a webhook told meanwhile was for nobody, the account being unknown until now.
        account = await self._bank.read_account(account_id)
        await self._record(item, Step(SELLER, item.subject, _note(account, account.created_at, opened=True)))

    async def create_transfer(self, item: Item) -> None:
        release = work.RELEASE.validate_python(item.data["release"])
        account_id = await self._account_id(release.seller)
        call = TransferCall(release=release, account_id=account_id, attempt=item.data["attempt"])
        report = await self._bank.find_transfer(call) if _repeats(item) else None
        try:
            report = report or await self._bank.create_transfer(call)
        except Refused as no:
            outcome: t.TransferCommand = t.NoteTransferRefused(
                attempt=call.attempt, code=no.code, reason=no.text, at=self._clock()
            )
        except Unknown as silence:
            if item.kind == work.RESOLVE_TRANSFER:
                raise
            outcome = t.NoteTransferUnknown(attempt=call.attempt, reason=silence.text, at=self._clock())
        else:
            outcome = t.NoteTransferSettled(stripe_transfer=report.stripe_transfer, at=report.created_at)
        await self._record(item, Step(t.TRANSFER, item.subject, outcome))

    async def create_payout(self, item: Item) -> None:
        claim = work.CLAIM.validate_python(item.data["claim"])
        report = await self._bank.find_payout(claim) if _repeats(item) else None
        try:
            report = report or await self._bank.create_payout(claim)
        except Refused as no:
            outcome: p.Outcome = self._failed(claim.attempt, no.code, no.text, self._clock())
        except Unknown as silence:
            if item.kind == work.RESOLVE_PAYOUT:
                raise
            outcome = p.NotePayoutUnknown(attempt=claim.attempt, reason=silence.text, at=self._clock())
        else:
            outcome = self._outcome(report, report.created_at)
        await self._record(item, Step(p.PAYOUT, claim.payout_id, outcome))

    async def handle_webhook(self, item: Item) -> None:
        """Read the object again and record what it is now, together with the notice being done."""
        notice = work.NOTICE.validate_python(item.data["notice"])
        done = Step(WEBHOOK, item.subject, Handle(notice.notice_id, self._clock()))
        await self._record(item, *await self._as_it_is_now(notice), done)

    async def _as_it_is_now(self, notice: Notice) -> list[Step]:
        if not notice.type.startswith("payout."):
            return await self._account(notice)
        report = await self._bank.read_payout(notice.account_id, notice.object_id)
        if report.payout_id is None:
            return []
        steps = [Step(p.PAYOUT, report.payout_id, self._outcome(report, notice.at))]
        # Stripe disables the bank account with the payout. Known later than the failure, a retry would go there.
        return steps + await self._account(notice) if report.status == "failed" else steps

    async def _account(self, notice: Notice) -> list[Step]:
        account = await self._bank.read_account(notice.account_id)
        if account.seller is None:
            return []
        return [Step(SELLER, seller_id(self._book, account.seller), _note(account, notice.at))]

    def _outcome(self, report: PayoutReport, at: datetime) -> p.Outcome:
        match report.status:
            case "pending":
                return p.NotePayoutSubmitted(attempt=report.attempt, stripe_payout=report.stripe_payout, at=at)
            case "paid":
                return p.NotePayoutPaid(attempt=report.attempt, stripe_payout=report.stripe_payout, at=at)
            case "failed":
                return self._failed(report.attempt, report.code, report.reason, at)

    def _failed(self, attempt: int, code: str, reason: str, at: datetime) -> p.NotePayoutFailed:
        attempts_max = self._settings.get(registry.PAYOUT_ATTEMPTS_MAX)
        return p.NotePayoutFailed(attempt=attempt, code=code, reason=reason, attempts_max=attempts_max, at=at)

    async def _account_id(self, seller: str) -> str:
        if seller not in self._account_ids:
            state = await self._handlers.seller(seller)
            if state.account_id is None:
                raise Unknown(f"{seller} has no account yet.")
            self._account_ids[seller] = state.account_id
        return self._account_ids[seller]

    async def _record(self, item: Item, *steps: Step) -> None:
        meta = Meta(ACTOR, correlation_id=item.data["correlation_id"], causation_id=item.data["causation_id"])
        await self._executor.run(*steps, meta=meta)


def _note(account: AccountReport, at: datetime, *, opened: bool = False) -> NoteAccount:
    return NoteAccount(account_id=account.account_id, readiness=account.readiness, at=at, opened=opened)


def _repeats(item: Item) -> bool:
    return item.attempts > 1 or item.kind in work.RESOLVE_KINDS

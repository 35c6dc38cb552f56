"""Payouts to banks."""

from __future__ import annotations

from datetime import datetime

from libs.eventstore.execute import Step
from libs.eventstore.worklist import Item
from libs.runtime.outcomes import Refused, Unknown
from libs.settings import registry
from services.payout_scheduler import work
from services.payout_scheduler.domain import payout as p
from services.payout_scheduler.handlers.bank import PayoutReport
from services.payout_scheduler.performances.accounts import Accounts
from services.payout_scheduler.performances.means import Means, repeats


class Payouts:
    def __init__(self, means: Means, accounts: Accounts) -> None:
        self._means = means
        self._bank = means.bank
        self._accounts = accounts

    async def create(self, item: Item) -> None:
        claim = work.CLAIM.validate_python(item.data["claim"])
        report = await self._bank.find_payout(claim) if repeats(item) else None
        also: list[Step] = []
        try:
            report = report or await self._bank.create_payout(claim)
        except Refused as no:
            at = self._means.clock()
            outcome: p.Outcome = self._failed(claim.attempt, no.code, no.text, at)
            also = await self._accounts.as_it_is_now(claim.account_id, at)
        except Unknown as silence:
            if item.kind == work.RESOLVE_PAYOUT:
                raise
            outcome = p.NotePayoutUnknown(attempt=claim.attempt, reason=silence.text, at=self._means.clock())
        else:
            outcome = self._outcome(report, report.created_at)
        await self._means.record(item, Step(p.PAYOUT, claim.payout_id, outcome), *also)

    async def as_it_is_now(self, account_id: str, stripe_payout: str, at: datetime) -> list[Step]:
        """What is to be recorded of a payout, as Stripe shows it."""
        report = await self._bank.read_payout(account_id, stripe_payout)
        if report is None:
            return await self._accounts.as_it_is_now(account_id, at)
        if report.payout_id is None:
            return []
        steps = [Step(p.PAYOUT, report.payout_id, self._outcome(report, at))]
        # Stripe disables the bank account with the payout. Known later than the failure, a retry would go there.
        return steps + await self._accounts.as_it_is_now(account_id, at) if report.status == "failed" else steps

    def _outcome(self, report: PayoutReport, at: datetime) -> p.Outcome:
        match report.status:
            case "pending":
                return p.NotePayoutSubmitted(attempt=report.attempt, stripe_payout=report.stripe_payout, at=at)
            case "paid":
                return p.NotePayoutPaid(attempt=report.attempt, stripe_payout=report.stripe_payout, at=at)
            case "failed":
                return self._failed(report.attempt, report.code, report.reason, at)

    def _failed(self, attempt: int, code: str, reason: str, at: datetime) -> p.NotePayoutFailed:
        attempts_max = self._means.settings.get(registry.PAYOUT_ATTEMPTS_MAX)
        return p.NotePayoutFailed(attempt=attempt, code=code, reason=reason, attempts_max=attempts_max, at=at)

"""Transfers to sellers: what is left of a release when its turn comes."""

from __future__ import annotations

from dataclasses import replace

from libs.eventstore.execute import Step
from libs.eventstore.worklist import Item
from libs.runtime.outcomes import Refused, Unknown
from services.payout_scheduler import work
from services.payout_scheduler.domain import transfer as t
from services.payout_scheduler.domain.reversal import REVERSAL, NoteKeptMoved
from services.payout_scheduler.handlers.bank import TransferCall, TransferReport
from services.payout_scheduler.performances.means import Means, repeats


class Transfers:
    def __init__(self, means: Means) -> None:
        self._means = means
        self._bank = means.bank

    async def create(self, item: Item) -> None:
        state: t.TransferState = await self._means.state(t.TRANSFER, item)
        if state.release is None or state.status in ("settled", "withdrawn"):
            return  # somebody else did it, whose record has yet to reach the work list
        call = await self._call(item, state.release)
        report = await self._bank.find_transfer(call) if repeats(item) else None
        if report is None and not call.release.amount_minor:
            await self._means.record(
                item, Step(t.TRANSFER, item.subject, t.NoteTransferWithdrawn(at=self._means.clock()))
            )
            return
        try:
            report = report or await self._bank.create_transfer(call)
        except Refused as no:
            outcome: t.TransferCommand = t.NoteTransferRefused(
                attempt=call.attempt, code=no.code, reason=no.text, at=self._means.clock()
            )
        except Unknown as silence:
            if item.kind == work.RESOLVE_TRANSFER:
                raise
            outcome = t.NoteTransferUnknown(attempt=call.attempt, reason=silence.text, at=self._means.clock())
        else:
            await self._settle(item, state, report)
            return
        await self._means.record(item, Step(t.TRANSFER, item.subject, outcome))

    async def _call(self, item: Item, left: t.Release) -> TransferCall:
        """The work has the release as it was asked for: what of it was clawed back meanwhile is not transferred."""
        release = replace(work.RELEASE.validate_python(item.data["release"]), amount_minor=left.amount_minor)
        seller = await self._means.seller(release.seller)
        if seller.account_id is None:
            raise Unknown(f"{release.seller} has no account yet.")
        return TransferCall(release=release, account_id=seller.account_id, attempt=item.data["attempt"])

    async def _settle(self, item: Item, state: t.TransferState, report: TransferReport) -> None:
        """With what moved although it was to be kept. Kept meanwhile, it is a conflict, and the next try finds it."""
        escaped, at = state.escaped(report.amount_minor), report.created_at
        settled = t.NoteTransferSettled(
            stripe_transfer=report.stripe_transfer, amount_minor=report.amount_minor, at=at, escaped=escaped
        )
        back = [
            (kept.clawback_id, NoteKeptMoved(transfer_id=item.subject, amount_minor=kept.amount_minor, at=at))
            for kept in escaped
        ]
        await self._means.record(
            item, Step(t.TRANSFER, item.subject, settled), *(Step(REVERSAL, *each) for each in back)
        )

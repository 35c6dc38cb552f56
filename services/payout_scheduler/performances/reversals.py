"""Clawbacks: one step at a time, each recorded before the next, from what has not moved yet to what must come back."""

from __future__ import annotations

from typing import Final

from libs.eventstore.execute import Step
from libs.eventstore.worklist import Item
from libs.ledger.errors import Unavailable
from libs.runtime.outcomes import Refused, TurnedAway, Unknown
from services.payout_scheduler import work
from services.payout_scheduler.domain import reversal as r
from services.payout_scheduler.domain.transfer import TRANSFER, KeepBack, Kept
from services.payout_scheduler.handlers.bank import ReversalCall
from services.payout_scheduler.performances.means import Means
from services.payout_scheduler.views.reads import Sent

NOTHING_LEFT: Final = "Nothing more of what was transferred to the seller can be brought back now."


class Reversals:
    def __init__(self, means: Means) -> None:
        self._means = means
        self._bank = means.bank

    async def go_on(self, item: Item) -> None:
        """Make the call that was decided, else decide the next one."""
        state: r.ReversalState = await self._means.state(r.REVERSAL, item)
        if state.clawback is None:
            return
        if state.call is not None:
            await self._call(item, ReversalCall(clawback=state.clawback, call=state.call))
        elif state.left_minor:
            await self._decide(item, state, state.clawback)

    async def _call(self, item: Item, call: ReversalCall) -> None:
        number, clock = call.call.number, self._means.clock
        report = await self._bank.find_reversal(call)  # always: clawbacks are few, and their work may change hands
        try:
            report = report or await self._bank.create_reversal(call)
        except Refused as no:
            answer: r.Answer = r.NoteReversalRefused(number=number, code=no.code, reason=no.text, at=clock())
        except TurnedAway as door:
            if not (await self._means.seller(call.clawback.seller)).deauthorized:
                raise
            # It may stay shut for ever, and a buyer waits for this clawback.
            answer = r.NoteReversalRefused(number=number, code="deauthorized", reason=door.text, at=clock())
        except Unknown as silence:
            if item.kind == work.RESOLVE_REVERSAL:
                raise
            answer = r.NoteReversalUnknown(number=number, reason=silence.text, at=clock())
        else:
            answer = r.NoteReversed(number=number, stripe_reversal=report.stripe_reversal, at=report.created_at)
        await self._means.record(item, Step(r.REVERSAL, item.subject, answer))

    async def _decide(self, item: Item, state: r.ReversalState, clawback: r.Clawback) -> None:
        if await self._means.views.release_unheard(clawback.allocation_id):
            raise Unavailable("The release that is clawed back has not been heard of yet.", code="release_unheard")
        available_minor = await self._available_minor(clawback) if state.refused else None
        at = self._means.clock()
        for sent in await self._means.views.sent(clawback.seller, clawback.currency, clawback.allocation_id):
            if sent.stripe_transfer is None:
                await self._keep(item, state, sent)
                return
            if amount_minor := state.asking(sent.transfer_id, sent.left_minor, available_minor):
                call = r.Call(
                    number=state.number,
                    transfer_id=sent.transfer_id,
                    stripe_transfer=sent.stripe_transfer,
                    amount_minor=amount_minor,
                )
                await self._means.record(item, Step(r.REVERSAL, item.subject, r.StartReversal(call=call, at=at)))
                return
        reason = state.refused[-1].reason if state.refused else NOTHING_LEFT
        await self._means.record(item, Step(r.REVERSAL, item.subject, r.NoteShort(reason=reason, at=at)))

    async def _keep(self, item: Item, state: r.ReversalState, sent: Sent) -> None:
        """Money that has not moved yet is the platform's still. A call may be moving it: then it is brought back."""
        amount_minor, at = min(state.left_minor, sent.left_minor), self._means.clock()
        kept = Kept(clawback_id=item.subject, amount_minor=amount_minor)
        noted = r.NoteKept(transfer_id=sent.transfer_id, amount_minor=amount_minor, at=at)
        await self._means.record(
            item,
            Step(TRANSFER, sent.transfer_id, KeepBack(kept=kept, at=at)),
            Step(r.REVERSAL, item.subject, noted),
        )

    async def _available_minor(self, clawback: r.Clawback) -> int:
        """What the seller has at Stripe, where it still shows us."""
        seller = await self._means.seller(clawback.seller)
        if seller.account_id is None or seller.deauthorized:
            return 0
        return await self._bank.available_minor(seller.account_id, clawback.currency)

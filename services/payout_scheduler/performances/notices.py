"""Stripe's notices: the object is read again, and what it is now is recorded together with the notice being done."""

from __future__ import annotations

from libs.eventstore.execute import Step
from libs.eventstore.worklist import Item
from services.payout_scheduler import work
from services.payout_scheduler.domain.webhook import WEBHOOK, Handle, Notice
from services.payout_scheduler.performances.accounts import Accounts
from services.payout_scheduler.performances.means import Means
from services.payout_scheduler.performances.payouts import Payouts


class Notices:
    def __init__(self, means: Means, accounts: Accounts, payouts: Payouts) -> None:
        self._means = means
        self._accounts = accounts
        self._payouts = payouts

    async def handle(self, item: Item) -> None:
        notice = work.NOTICE.validate_python(item.data["notice"])
        steps = await self._as_it_is_now(item, notice)
        done = Step(WEBHOOK, item.subject, Handle(notice.notice_id, self._means.clock()))
        await self._means.record(item, *steps, done)

    async def _as_it_is_now(self, item: Item, notice: Notice) -> list[Step]:
        if notice.type.startswith("payout."):
            return await self._payouts.as_it_is_now(notice.account_id, notice.object_id, notice.at)
        if notice.type == "account.updated":
            await self._accounts.stop_own_payouts(item, notice.account_id, notice.at)
        return await self._accounts.as_it_is_now(notice.account_id, notice.at)

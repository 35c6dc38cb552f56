"""The work at Stripe: one method a kind. A worker calls them; each ends by recording the outcome.

Whoever is killed between a call and its record, or is told nothing, leaves a call that may have had its effect. So
every repetition first looks for that effect and only then makes the same call again, under the same key, for ever:
money that went out under one key must never go out under another.
"""

from __future__ import annotations

from collections.abc import Mapping

from libs.eventstore.worklist import Perform
from services.payout_scheduler import work
from services.payout_scheduler.performances.accounts import Accounts
from services.payout_scheduler.performances.means import Means
from services.payout_scheduler.performances.notices import Notices
from services.payout_scheduler.performances.payouts import Payouts
from services.payout_scheduler.performances.reversals import Reversals
from services.payout_scheduler.performances.transfers import Transfers

__all__ = ["Means", "by_kind"]


def by_kind(means: Means) -> Mapping[str, Perform]:
    accounts, transfers, reversals = Accounts(means), Transfers(means), Reversals(means)
    payouts = Payouts(means, accounts)
    return {
        work.CREATE_ACCOUNT: accounts.create,
        work.CREATE_TRANSFER: transfers.create,
        work.RESOLVE_TRANSFER: transfers.create,
        work.REVERSE: reversals.go_on,
        work.RESOLVE_REVERSAL: reversals.go_on,
        work.SUBMIT_PAYOUT: payouts.create,
        work.RESOLVE_PAYOUT: payouts.create,
        work.HANDLE_WEBHOOK: Notices(means, accounts, payouts).handle,
    }

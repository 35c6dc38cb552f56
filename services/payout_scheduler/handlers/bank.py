"""What this service asks of whoever keeps the sellers' accounts, in its own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from services.payout_scheduler.domain.payout import Claim
from services.payout_scheduler.domain.reversal import Call, Clawback
from services.payout_scheduler.domain.seller import Readiness
from services.payout_scheduler.domain.transfer import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """A seller's account as Stripe shows it now. `seller` is whom it was made for, None if not for one of this book."""

    account_id: str
    seller: str | None
    readiness: Readiness
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferReport:
    stripe_transfer: str
    amount_minor: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalReport:
    stripe_reversal: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutReport:
    """A payout as Stripe shows it now. `payout_id` and `attempt` are ours; None if it is none of this book's."""

    stripe_payout: str
    payout_id: UUID | None
    attempt: int
    status: Literal["pending", "paid", "failed"]
    code: str
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCall:
    """A transfer to be made. The same attempt has the same key for ever."""

    release: Release
    account_id: str
    attempt: int

    @property
    def key(self) -> str:
        return f"tr:{self.release.allocation_id}:{self.release.release_id}:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalCall:
    """A reversal to be made. The same number has the same key and the same content for ever."""

    clawback: Clawback
    call: Call

    @property
    def key(self) -> str:
        return f"trr:{self.clawback.allocation_id}:{self.clawback.clawback_id}:{self.call.number}"


class Bank(Protocol):
    """Where sellers have their accounts. Every method raises `Refused`, `TurnedAway` or `Unknown`."""

    async def create_account(self, seller: str, country: str, attempt: int) -> str:
        """The id of the seller's account. The same attempt makes one account, however often it is called."""

    async def find_account(self, seller: str) -> str | None:
        """The account that was made for this seller, if any. Slow: Stripe cannot search for it."""

    async def stop_own_payouts(self, account_id: str, version: int) -> None:
        """From now on Stripe pays out of this account what we tell it to, and nothing by itself.

        `version` counts how often it is told: the same one again would only bring back the answer it got before.
        """

    async def own_payouts(self, account_id: str) -> str | None:
        """How often Stripe pays out of this account by itself; None if it does not."""

    async def read_account(self, account_id: str) -> AccountReport | None:
        """None when the account is no longer connected to us."""

    async def set_email(self, account_id: str, email: str) -> None: ...

    async def onboarding_link(self, account_id: str, refresh_url: str, return_url: str) -> str:
        """Where the seller gives Stripe what it asks for; for one visit within minutes."""

    async def create_transfer(self, call: TransferCall) -> TransferReport: ...

    async def find_transfer(self, call: TransferCall) -> TransferReport | None:
        """The transfer of this release, by whichever attempt, if there is one."""

    async def create_reversal(self, call: ReversalCall) -> ReversalReport: ...

    async def find_reversal(self, call: ReversalCall) -> ReversalReport | None:
        """The reversal of this clawback and number, if there is one."""

    async def create_payout(self, claim: Claim) -> PayoutReport: ...

    async def find_payout(self, claim: Claim) -> PayoutReport | None:
        """The payout of this attempt, if there is one."""

    async def read_payout(self, account_id: str, stripe_payout: str) -> PayoutReport | None:
        """None when the account is no longer connected to us."""

    async def available_minor(self, account_id: str, currency: str) -> int:
        """What the account may pay out now."""

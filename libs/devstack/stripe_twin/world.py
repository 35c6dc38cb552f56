"""Everything that one twin knows: its tables, its money, its time, and what is happening right now."""

import random
import string
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

import stripe

from libs.devstack.stripe_twin.books import PLATFORM, Books, Place
from libs.devstack.stripe_twin.chaos import Lots
from libs.devstack.stripe_twin.clock import Agenda, Clock
from libs.devstack.stripe_twin.config import TwinConfig
from libs.devstack.stripe_twin.errors import forbidden
from libs.devstack.stripe_twin.faults import Faults
from libs.devstack.stripe_twin.objects.account import Account
from libs.devstack.stripe_twin.objects.balance_transaction import BalanceTransaction, TransactionType
from libs.devstack.stripe_twin.objects.bank_account import BankAccount
from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.objects.dispute import Dispute
from libs.devstack.stripe_twin.objects.event import Event
from libs.devstack.stripe_twin.objects.fraud_warning import FraudWarning
from libs.devstack.stripe_twin.objects.payment_intent import PaymentIntent
from libs.devstack.stripe_twin.objects.payment_method import PaymentMethod
from libs.devstack.stripe_twin.objects.payout import Payout
from libs.devstack.stripe_twin.objects.refund import Refund
from libs.devstack.stripe_twin.objects.transfer import Reversal, Transfer
from libs.devstack.stripe_twin.tables import Json, Record, Table
from libs.devstack.stripe_twin.wire import to_json

API_VERSION: str = stripe.api_version
_ID_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 24


class World:
    """One Stripe. Calls run one after another and never wait in the middle, so each is atomic."""

    def __init__(self, config: TwinConfig) -> None:
        self.config = config
        self.clock = Clock(config.start, ticking=config.ticking)
        self.agenda = Agenda(self.clock)
        self.books = Books()
        self.faults = Faults()
        self.lots = Lots(config.chaos)
        self.announce: Callable[[Event], None] = lambda _event: None
        self.listeners: Callable[[Event], int] = lambda _event: 0
        self.request_id: str | None = None
        self.idempotency_key: str | None = None
        self._random = random.Random(config.seed)  # noqa: S311  ids need to be distinct here, not secret
        self._settled_owners: set[str] = set()
        self.platform_balance_settings: Json = {}
        self.disconnected: set[str] = set()
        """Accounts that revoked the platform's access: it can neither call for them nor hear of them."""
        self.waiting_refunds: defaultdict[tuple[str, str], deque[Refund]] = defaultdict(deque)
        self._make_tables()

    def _make_tables(self) -> None:
        self.payment_methods = Table[PaymentMethod]("PaymentMethod", "payment_method")
        self.payment_intents = Table[PaymentIntent]("payment_intent", "intent")
        self.charges = Table[Charge]("charge", "charge", ("payment_intent", "transfer_group"))
        self.refunds = Table[Refund]("refund", "refund", ("charge", "payment_intent"))
        self.disputes = Table[Dispute]("dispute", "dispute", ("charge", "payment_intent"))
        self.fraud_warnings = Table[FraudWarning](
            "early fraud warning", "early_fraud_warning", ("charge", "payment_intent")
        )
        self.transfers = Table[Transfer]("transfer", "transfer", ("transfer_group", "destination"))
        self.reversals = Table[Reversal]("transfer_reversal", "id", ("transfer",))
        self.accounts = Table[Account]("account", "account")
        self.bank_accounts = Table[BankAccount]("external_account", "id", ("account",))
        self.payouts = Table[Payout]("payout", "payout", ("destination",))
        self.balance_transactions = Table[BalanceTransaction]("balance transaction", "id", ("source", "type"))
        self.events = Table[Event]("event", "id", ("type",))
        self._by_prefix: dict[str, Table[Any]] = {
            "pm": self.payment_methods, "pi": self.payment_intents, "ch": self.charges, "py": self.charges,
            "re": self.refunds, "pyr": self.refunds, "tr": self.transfers, "trr": self.reversals,
            "acct": self.accounts, "ba": self.bank_accounts, "po": self.payouts, "txn": self.balance_transactions,
            "du": self.disputes, "issfr": self.fraud_warnings,
        }  # fmt: skip

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{''.join(self._random.choices(_ID_ALPHABET, k=_ID_LENGTH))}"

    def resolve(self, object_id: str) -> Record | None:
        """The object behind any id, for `expand`."""
        table = self._by_prefix.get(object_id.partition("_")[0])
        return table.find(object_id) if table else None

    def account(self, account_id: str, param: str = "account") -> Account:
        return self.accounts.get(PLATFORM, account_id, param)

    def reachable(self, account_id: str) -> Account:
        """An account that the platform may act for, or the refusal that Stripe gives once it may not."""
        account = self.accounts.find(account_id)
        if account is None or account_id in self.disconnected:
            message = (
                f"The provided key does not have access to account '{account_id}' (or that account does not exist). "
                "Application access may have been revoked."
            )
            raise forbidden(message, code="account_invalid")
        return account

    def emit(self, kind: str, owner: str, snapshot: Record | Json, previous: Json | None = None) -> Event:
        """Record an event and hand it to whoever delivers it."""
        shown = snapshot.render() if isinstance(snapshot, Record) else snapshot
        event = Event(
            id=self.new_id("evt"),
            owner=owner,
            created=self.clock.now(),
            type=kind,
            snapshot=to_json(shown),
            account=None if owner == PLATFORM else owner,
            api_version=API_VERSION,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
            pending_webhooks=0,
            previous=previous,
        )
        self.events.add(event)
        if owner not in self.disconnected:
            event.pending_webhooks = self.listeners(event)
            self.announce(event)
        return event

    def place(self, owner: str, available_on: int) -> Place:
        """Where funds of an owner are that become available at that time."""
        return Place(owner, "pending" if available_on > self.clock.now() else "available")

    def post(
        self,
        owner: str,
        kind: TransactionType,
        amount_minor: int,
        currency: str,
        source: str,
        *,
        available_on: int | None = None,
        fee_minor: int = 0,
        description: str | None = None,
    ) -> BalanceTransaction:
        """Write a line of an owner's balance, and plan the hour when its net leaves pending for available.

        The money itself is moved by the caller, in `books`, between this owner's `place` and where it comes from.
        """
        now = self.clock.now()
        line = BalanceTransaction(
            id=self.new_id("txn"),
            owner=owner,
            created=now,
            type=kind,
            amount_minor=amount_minor,
            fee_minor=fee_minor,
            currency=currency,
            source=source,
            available_on=now if available_on is None else max(now, available_on),
            available=available_on is None or available_on <= now,
            description=description,
        )
        if not line.available:
            self.agenda.at(line.available_on, lambda: self._settle(line))
        return self.balance_transactions.add(line)

    def _settle(self, line: BalanceTransaction) -> None:
        line.available = True
        pending, available = Place(line.owner, "pending"), Place(line.owner, "available")
        source, target = (pending, available) if line.net_minor >= 0 else (available, pending)
        self.books.move("settle", source, target, abs(line.net_minor), line.currency)
        self._settled_owners.add(line.owner)

    def take_settled_owners(self) -> set[str]:
        owners, self._settled_owners = self._settled_owners, set()
        return owners

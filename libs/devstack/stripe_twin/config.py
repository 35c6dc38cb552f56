"""What can be set about a twin. Every delay is in seconds of the twin's own clock; zero means at once."""

from dataclasses import dataclass, field

from libs.devstack.stripe_twin.chaos import Chaos

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class CardFee:
    """Stripe's price for a card charge; the default is the US list price (2.9 % + 30 minor units)."""

    basis_points: int = 290
    fixed_minor: int = 30

    def on(self, amount_minor: int) -> int:
        return (amount_minor * self.basis_points + 5_000) // 10_000 + (self.fixed_minor if amount_minor else 0)


NO_FEE = CardFee(basis_points=0, fixed_minor=0)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook endpoint: where, signed with which secret, and which event types (`*`, `payout.*`, `payout.paid`)."""

    url: str
    secret: str
    events: tuple[str, ...] = ("*",)

    def wants(self, event_type: str) -> bool:
        family = event_type.rpartition(".")[0] + ".*"
        return any(wanted in ("*", event_type, family) for wanted in self.events)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Delivery: the platform's endpoint hears the platform's events, the connect endpoint those of connected accounts.

    `retry_*_seconds` are real seconds (a service restarts in real time), unlike all other delays.
    """

    platform: Endpoint | None = None
    connect: Endpoint | None = None
    extra_copies: int = 0
    concurrency: int = 8
    retry_first_seconds: float = 0.2
    retry_most_seconds: float = 5.0
    answer_within_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class TwinConfig:
    start: int | None = None
    """Unix time at which the twin's clock starts; now, if not given."""
    ticking: bool = True
    """Whether the clock runs by itself as well; if not, it moves by `advance` and `set` alone."""
    card_fee: CardFee = field(default_factory=CardFee)
    settlement_seconds: int = 2 * DAY_SECONDS
    """From a charge to its funds being available."""
    debit_seconds: int = 4 * DAY_SECONDS
    """From the debit of a buyer's bank account to the bank's answer."""
    refund_seconds: int = 5 * DAY_SECONDS
    """From a refund that takes its time to its end, and from one that the bank sends back to its return."""
    trouble_seconds: int = 0
    """From a payment by a test number that brings a dispute or a fraud warning to that trouble."""
    dispute_fee_minor: int = 1_500
    """What Stripe takes for a dispute besides, in the charge's currency. It stays when the dispute is won."""
    dispute_answer_days: int = 8
    """Evidence counts until the end (UTC) of this day after a dispute came."""
    dispute_review_seconds: int = 0
    """From evidence that decides a dispute (`winning_evidence` and its like) to the decision."""
    inquiry_seconds: int = 120 * DAY_SECONDS
    """From an inquiry that never became a chargeback to its end."""
    payout_submit_seconds: int = 3_600
    """From a payout's creation to its leaving for the bank: until then it can be canceled."""
    payout_arrival_seconds: int = 2 * DAY_SECONDS
    payout_return_seconds: int = 0
    """From the arrival of a payout that bounces to its return; meanwhile it counts as paid, as at Stripe."""
    refunds_wait_for_funds: bool = False
    """What a refund does beyond the balance. Stripe lets the balance go negative and debits the platform's bank, or,
    where it cannot, keeps the refund pending until there are funds (https://docs.stripe.com/refunds)."""
    check_responses: bool = False
    """Check every answer against the SDK's resource types before sending it (slow: for tests and debugging)."""
    latency_seconds: float = 0.0
    """Real seconds that every call takes, its idempotency key being in use for as long."""
    requests_per_second: float | None = None
    """Limit of each operation of the API, as Stripe counts them; Stripe's is 25. None sets none, as for tests."""
    requests_per_second_in_all: float | None = None
    """Limit of all operations together; Stripe's is 100 in live mode and 25 in a sandbox."""
    lock_wait_seconds: float = 2.0
    """Real seconds that a request waits for an object which another changes, before its `lock_timeout`."""
    chaos: Chaos | None = None
    """What goes wrong with calls and webhooks by seed."""
    seed: int | None = None
    """Of the generator of ids; two twins with one seed give the same ids to the same calls."""
    webhooks: Webhooks = field(default_factory=Webhooks)

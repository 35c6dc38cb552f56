"""Every business setting: its key, type and default. Values and their history are events of the settings service.

Amounts are written once, in USD minor units, and mean the same nominal amount in every currency: 500 is 5.00 USD,
5.00 EUR and 5 JPY (`amount_in`). That needs no rate of exchange, and no currency is without its limit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final, Generic, Literal, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, model_validator

from libs.ledger.errors import NotFound, Rejected
from libs.ledger.money import BASIS_POINTS, currency

T = TypeVar("T")

Days = Annotated[int, Field(ge=0, le=3_650)]
NominalAmount = Annotated[int, Field(ge=0, le=10**15, description="USD minor units, see amount_in")]
PayoutFrequency = Literal["weekly", "on_demand"]


class Commission(BaseModel):
    """What the marketplace takes of an amount: a part of it, within a floor and a cap (nominal amounts)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    basis_points: Annotated[int, Field(ge=0, le=BASIS_POINTS)]
    min_minor: NominalAmount
    max_minor: NominalAmount

    @model_validator(mode="after")
    def _floor_is_below_cap(self) -> Commission:
        if self.min_minor > self.max_minor:
            raise ValueError("min_minor must not be above max_minor")
        return self


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One business setting. A `public` one may be shown to anybody, only an `editable` one changes while we run."""

    key: str
    type: TypeAdapter[T]
    default: T
    category: str
    label: str
    description: str
    public: bool = False
    editable: bool = True

    def parse(self, value: JsonValue) -> T:
        """The typed value of a JSON value; raises `Rejected` (`bad_setting`). Strict: `"7"` is not 7."""
        try:
            return self.type.validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            faults = "; ".join(": ".join([*map(str, fault["loc"]), fault["msg"]]) for fault in error.errors())
            raise Rejected(f"{self.key} cannot be {value!r}. {faults}.", code="bad_setting", key=self.key) from None

    def dump(self, value: T) -> JsonValue:
        """The JSON value of a typed one; the reverse of `parse`."""
        plain: JsonValue = self.type.dump_python(value, mode="json")
        return plain

    @property
    def json_schema(self) -> dict[str, Any]:
        """What `parse` accepts, for whoever draws a form."""
        return self.type.json_schema()


ESCROW_ENABLED: Final[Setting[bool]] = Setting(
    key="escrow.enabled",
    type=TypeAdapter(bool),
    default=True,
    category="escrow",
    label="Hold money in escrow",
    description="When off, a seller's money is released as soon as the payment is captured.",
    public=True,
)
ESCROW_INSPECTION_DAYS: Final[Setting[int]] = Setting(
    key="escrow.inspection_days",
    type=TypeAdapter(Days),
    default=7,
    category="escrow",
    label="Inspection time (days)",
    description="Days from the confirmed delivery to the release of the money.",
    public=True,
)
ESCROW_DELIVER_BY_DAYS: Final[Setting[int]] = Setting(
    key="escrow.deliver_by_days",
    type=TypeAdapter(Days),
    default=30,
    category="escrow",
    label="Delivery expected within (days)",
    description="Days from the capture after which a delivery that nobody confirmed counts as confirmed.",
    public=True,
)
ESCROW_HOLD_DAYS_MAX: Final[Setting[int]] = Setting(
    key="escrow.hold_days_max",
    type=TypeAdapter(Annotated[int, Field(ge=1, le=3_650)]),
    default=90,
    category="escrow",
    label="Longest hold (days)",
    description="Days for which the rail may lawfully hold a buyer's money; decide before they are over.",
)
COMMISSION_CARD: Final[Setting[Commission]] = Setting(
    key="commission.card",
    type=TypeAdapter(Commission),
    default=Commission(basis_points=2_000, min_minor=100, max_minor=50_000),
    category="commission",
    label="Commission on card payments",
    description="Taken of each seller's part of an order, shipping left out; frozen when the escrow opens.",
)
PAYMENT_AMOUNT_MIN: Final[Setting[int]] = Setting(
    key="payment.amount_min",
    type=TypeAdapter(NominalAmount),
    default=500,
    category="payment",
    label="Smallest payment",
    description="An order below this nominal amount (USD minor units) is refused.",
    public=True,
)
PAYMENT_AMOUNT_MAX: Final[Setting[int]] = Setting(
    key="payment.amount_max",
    type=TypeAdapter(NominalAmount),
    default=1_000_000,
    category="payment",
    label="Largest payment",
    description="An order above this nominal amount (USD minor units) is refused.",
    public=True,
)
PAYMENT_DAILY_LIMIT: Final[Setting[int]] = Setting(
    key="payment.daily_limit",
    type=TypeAdapter(NominalAmount),
    default=5_000_000,
    category="payment",
    label="Largest total of a buyer's day",
    description="An order that would lift a buyer's orders of one day (UTC) above this nominal amount is refused.",
)
PAYMENT_MONTHLY_LIMIT: Final[Setting[int]] = Setting(
    key="payment.monthly_limit",
    type=TypeAdapter(NominalAmount),
    default=20_000_000,
    category="payment",
    label="Largest total of a buyer's month",
    description="An order that would lift a buyer's orders of one month (UTC) above this nominal amount is refused.",
)
PAYMENT_DAILY_COUNT_MAX: Final[Setting[int]] = Setting(
    key="payment.daily_count_max",
    type=TypeAdapter(Annotated[int, Field(ge=1, le=1_000_000)]),
    default=20,
    category="payment",
    label="Most orders of a buyer's day",
    description="An order beyond so many of one buyer on one day (UTC) is refused.",
)
PAYMENT_EXPIRE_HOURS: Final[Setting[int]] = Setting(
    key="payment.expire_hours",
    type=TypeAdapter(Annotated[int, Field(ge=1, le=8_760)]),
    default=24,
    category="payment",
    label="Time to pay (hours)",
    description="A payment that nobody paid after so many hours expires, unless a bank still works on it.",
    public=True,
)
PAYMENT_STATEMENT_DESCRIPTOR: Final[Setting[str]] = Setting(
    key="payment.statement_descriptor",
    type=TypeAdapter(Annotated[str, Field(pattern=r"^$|^[A-Za-z][A-Za-z0-9 .,+-]{1,20}$")]),
    default="",
    category="payment",
    label="Words on the buyer's statement",
    description="Follow the platform's own on card statements: 2 to 21 characters, a letter first; empty for none.",
)
RISK_FRAUD_WARNING: Final[Setting[Literal["freeze", "ignore"]]] = Setting(
    key="risk.fraud_warning",
    type=TypeAdapter(Literal["freeze", "ignore"]),
    default="freeze",
    category="risk",
    label="When an issuer warns of fraud",
    description="freeze: nothing is released of what is still held until a person decides. ignore: only tell of it.",
)
REFUND_WINDOW_DAYS: Final[Setting[int]] = Setting(
    key="refund.window_days",
    type=TypeAdapter(Days),
    default=30,
    category="refund",
    label="Refund after release within (days)",
    description="For so many days after its release, money may be taken back from a seller to refund the buyer.",
    public=True,
)
CHARGEBACK_BORNE_BY: Final[Setting[Literal["seller", "platform"]]] = Setting(
    key="chargeback.borne_by",
    type=TypeAdapter(Literal["seller", "platform"]),
    default="seller",
    category="chargeback",
    label="Who bears a lost chargeback",
    description="seller: out of what is held or was released, without commission. platform: the marketplace.",
)
PAYOUT_FREQUENCY: Final[Setting[PayoutFrequency]] = Setting(
    key="payout.frequency",
    type=TypeAdapter(PayoutFrequency),
    default="weekly",
    category="payout",
    label="Payout frequency",
    description="For sellers who have not chosen their own: weekly (Mondays, UTC) or on_demand.",
    public=True,
)
PAYOUT_MINIMUM: Final[Setting[int]] = Setting(
    key="payout.minimum",
    type=TypeAdapter(NominalAmount),
    default=1_000,
    category="payout",
    label="Smallest payout",
    description="A balance below this nominal amount (USD minor units) is carried over to the next payout.",
    public=True,
)
PAYOUT_ATTEMPTS_MAX: Final[Setting[int]] = Setting(
    key="payout.attempts_max",
    type=TypeAdapter(Annotated[int, Field(ge=1, le=10)]),
    default=3,
    category="payout",
    label="Attempts at a payout",
    description="After so many failures the money stays available to the seller and a person has to look.",
)
JOB_BATCH_SIZE: Final[Setting[int]] = Setting(
    key="job.batch_size",
    type=TypeAdapter(Annotated[int, Field(ge=1, le=10_000)]),
    default=50,
    category="jobs",
    label="Batch size of jobs",
    description="How many due things a job takes at a time; it goes on until nothing is due.",
)

SETTINGS: Final[Mapping[str, Setting[Any]]] = MappingProxyType(
    {
        setting.key: setting
        for setting in (
            ESCROW_ENABLED,
            ESCROW_INSPECTION_DAYS,
            ESCROW_DELIVER_BY_DAYS,
            ESCROW_HOLD_DAYS_MAX,
            COMMISSION_CARD,
            PAYMENT_AMOUNT_MIN,
            PAYMENT_AMOUNT_MAX,
            PAYMENT_DAILY_LIMIT,
            PAYMENT_MONTHLY_LIMIT,
            PAYMENT_DAILY_COUNT_MAX,
            PAYMENT_EXPIRE_HOURS,
            PAYMENT_STATEMENT_DESCRIPTOR,
            RISK_FRAUD_WARNING,
            REFUND_WINDOW_DAYS,
            CHARGEBACK_BORNE_BY,
            PAYOUT_FREQUENCY,
            PAYOUT_MINIMUM,
            PAYOUT_ATTEMPTS_MAX,
            JOB_BATCH_SIZE,
        )
    }
)


_CENTS: Final[int] = 10 ** currency("USD").exponent


def find(key: str) -> Setting[Any]:
    """The setting of that key; raises `NotFound` (`unknown_setting`)."""
    try:
        return SETTINGS[key]
    except KeyError:
        raise NotFound(
            f"There is no setting {key!r}; GET /settings lists them.", code="unknown_setting", key=key
        ) from None


def setting_id(book: int, key: str) -> UUID:
    """The id of the stream (kind `setting`) that holds a setting's history in a book."""
    return uuid5(NAMESPACE_OID, f"holdfast/setting/{book}/{key}")


def amount_in(nominal_minor: int, code: str) -> int:
    """A setting's amount (USD minor units) in minor units of a currency: 500 -> 500 EUR cents, 5 yen, 5,000 fils.

    What is less than the currency's minor unit is rounded up.
    """
    scaled: int = nominal_minor * 10 ** currency(code).exponent
    return -(-scaled // _CENTS)


def nominal_of(amount_minor: int, code: str) -> int:
    """Minor units of a currency as a setting's amount, the reverse of `amount_in`: 5 yen -> 500, 5,000 fils -> 500.

    What is less than a hundredth of the currency's unit is rounded up: a limit that is passed by a little is passed.
    """
    unit: int = 10 ** currency(code).exponent
    return -(-amount_minor * _CENTS // unit)

"""A connected account: what it was told, what it still needs, and what it may therefore do."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from libs.devstack.stripe_twin.tables import Json, Record

CAPABILITIES = ("card_payments", "transfers")
"""Those the twin models."""


@dataclass(kw_only=True)
class Account(Record):
    KIND: ClassVar[str] = "account"
    type: str
    controller: Json
    country: str
    default_currency: str
    email: str | None = None
    business_type: str | None = None
    business_profile: Json = field(default_factory=dict)
    person: Json = field(default_factory=dict)
    """What was said of the individual or the company behind the account."""
    tos_acceptance: Json = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    balance_settings: Json = field(default_factory=dict)
    requested: dict[str, int] = field(default_factory=dict)
    """Capability -> when it was asked for."""
    onboarded: bool = False
    """Completed in Stripe's hosted form (`/_twin/accounts/{id}/complete`), whatever the API was told."""
    has_usable_bank: bool = False
    paused: frozenset[str] = frozenset()
    """What Stripe took away again: capabilities, or `payouts`."""
    asked_for: tuple[str, ...] = ()
    """Requirements that came up later, such as another document."""
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def hosted(self) -> bool:
        """Whether Stripe collects the requirements itself, so that the API cannot satisfy them."""
        return bool(self.controller.get("requirement_collection", "stripe") == "stripe")

    def due(self) -> list[str]:
        """The requirements still missing, by Stripe's names."""
        needs = {} if self.onboarded else self._needs()
        return [name for name, given in needs.items() if not given] + self._bank_due() + list(self.asked_for)

    def _bank_due(self) -> list[str]:
        return [] if self.has_usable_bank else ["external_account"]

    def _needs(self) -> dict[str, bool]:
        profile, person, terms = self.business_profile, self.person, self.tos_acceptance
        company = self.business_type not in (None, "individual")
        names = ("company.name",) if company else ("individual.first_name", "individual.last_name")
        return {
            "business_profile.mcc": bool(profile.get("mcc")) or self._transfers_only(),
            "business_profile.url": bool(profile.get("url") or profile.get("product_description")),
            "business_type": self.business_type is not None,
            **{name: bool(person.get(name.partition(".")[2])) for name in names},
            "tos_acceptance.date": bool(terms.get("date")),
            "tos_acceptance.ip": bool(terms.get("ip")),
        }

    def _transfers_only(self) -> bool:
        return "card_payments" not in self.requested

    @property
    def verified(self) -> bool:
        """Everything but the bank account, which payouts alone depend on once it had been given."""
        return self.onboarded or (not self.hosted and all(self._needs().values()))

    def capability(self, name: str) -> str:
        return "active" if self.verified and name in self.requested and name not in self.paused else "inactive"

    @property
    def charges_enabled(self) -> bool:
        return self.capability("card_payments") == "active"

    @property
    def may_pay_out(self) -> bool:
        """But for a bank account to pay out to."""
        return self.capability("transfers") == "active" and "payouts" not in self.paused

    @property
    def payouts_enabled(self) -> bool:
        return self.may_pay_out and self.has_usable_bank

    def requirements(self) -> Json:
        due = self.due()
        # what came up later has time until Stripe pauses something for it
        past = due if self.paused else [name for name in due if name not in self.asked_for]
        return {
            "alternatives": [],
            "current_deadline": None,
            "currently_due": due,
            "disabled_reason": "requirements.past_due" if past else "under_review" if self.paused else None,
            "errors": [],
            "eventually_due": due,
            "past_due": past,
            "pending_verification": [],
        }

    def render_capability(self, name: str) -> Json:
        return {
            "id": name,
            "object": "capability",
            "account": self.id,
            "future_requirements": NOTHING_DUE,
            "requested": name in self.requested,
            "requested_at": self.requested.get(name),
            "requirements": self.requirements() if self.capability(name) != "active" else NOTHING_DUE,
            "status": self.capability(name) if name in self.requested else "unrequested",
        }

    def render(self) -> Json:
        return {
            "id": self.id,
            "object": "account",
            "business_profile": _PROFILE | self.business_profile,
            "business_type": self.business_type,
            "capabilities": {name: self.capability(name) for name in self.requested},
            "charges_enabled": self.charges_enabled,
            "controller": self.controller,
            "country": self.country,
            "created": self.created,
            "default_currency": self.default_currency,
            "details_submitted": self.verified,
            "email": self.email,
            "future_requirements": NOTHING_DUE,
            "metadata": self.metadata,
            "payouts_enabled": self.payouts_enabled,
            "requirements": self.requirements(),
            "settings": merged(_SETTINGS, self.settings),
            "tos_acceptance": {"date": None, "ip": None, "user_agent": None} | self.tos_acceptance,
            "type": self.type,
        }


NOTHING_DUE: Json = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}
_PROFILE: Json = {
    "annual_revenue": None,
    "estimated_worker_count": None,
    "mcc": None,
    "minority_owned_business_designation": None,
    "name": None,
    "product_description": None,
    "support_address": None,
    "support_email": None,
    "support_phone": None,
    "support_url": None,
    "url": None,
}
_SETTINGS: Json = {
    "bacs_debit_payments": {"display_name": None, "service_user_number": None},
    "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
    "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
    "card_payments": {
        "decline_on": {"avs_failure": False, "cvc_failure": False},
        "statement_descriptor_prefix": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
    "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
    "payments": {
        "statement_descriptor": None,
        "statement_descriptor_kana": None,
        "statement_descriptor_kanji": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "payouts": {
        "debit_negative_balances": True,
        "schedule": {"delay_days": 2, "interval": "daily"},
        "statement_descriptor": None,
    },
    "sepa_debit_payments": {},
}


def merged(base: Json, change: Json) -> Json:
    """`base` with `change` laid over it, mapping by mapping."""
    result: dict[str, Any] = dict(base)
    for key, value in change.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result

"""disputes: read, answered with evidence, or accepted."""

import stripe.params as sdk

from libs.devstack.stripe_twin import disputing
from libs.devstack.stripe_twin.errors import invalid, unmodelled
from libs.devstack.stripe_twin.objects.dispute import EVIDENCE_TEXTS, Dispute
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json, merge_metadata
from libs.devstack.stripe_twin.world import World

_EVIDENCE_CHARACTERS_MOST = 150_000


def retrieve(world: World, call: Call) -> Dispute:
    return world.disputes.get(call.owner, call.id)


def list_(world: World, call: Call) -> Json:
    return world.disputes.page(call.owner, call.params).render(call.path)


def update(world: World, call: Call) -> Dispute:
    """Evidence is submitted with the call, unless `submit` is false: then it is kept until a later call submits it."""
    dispute = world.disputes.get(call.owner, call.id)
    disputing.check_open(dispute)
    evidence, submits = call.params.get("evidence"), call.params.get("submit", "evidence" in call.params)
    if evidence or submits:
        _take(dispute, evidence or {})
    dispute.metadata = merge_metadata(dispute.metadata, call.params.get("metadata"))
    if submits:
        disputing.submit(world, dispute)
    else:
        world.emit("charge.dispute.updated", dispute.owner, dispute)
    return dispute


def close(world: World, call: Call) -> Dispute:
    dispute = world.disputes.get(call.owner, call.id)
    disputing.check_open(dispute)
    if not dispute.awaits_answer:
        raise invalid(f"This dispute cannot be closed: its evidence was submitted, and it is {dispute.status}.")
    return disputing.decide(world, dispute, won=False)


def _take(dispute: Dispute, evidence: dict[str, str]) -> None:
    if other := sorted(evidence.keys() - set(EVIDENCE_TEXTS)):
        raise unmodelled(f"evidence other than text ({other[0]})", f"evidence[{other[0]}]")
    if not dispute.awaits_answer:
        raise invalid(f"Evidence can be submitted once, and the dispute is {dispute.status} already.", param="evidence")
    together = {name: text for name, text in {**dispute.evidence, **evidence}.items() if text}
    if sum(map(len, together.values())) > _EVIDENCE_CHARACTERS_MOST:
        raise invalid(f"Evidence can have up to {_EVIDENCE_CHARACTERS_MOST} characters in all.", param="evidence")
    dispute.evidence = together


_PATH = "/v1/disputes"
ROUTES = (
    Route("disputes.retrieve", "GET", f"{_PATH}/{{dispute}}", sdk.DisputeRetrieveParams, retrieve, models()),
    Route("disputes.list", "GET", _PATH, sdk.DisputeListParams, list_, lists("created", "charge", "payment_intent")),
    Route(
        "disputes.update", "POST", f"{_PATH}/{{dispute}}", sdk.DisputeUpdateParams, update,
        models("evidence", "metadata", "submit"),
    ),
    Route("disputes.close", "POST", f"{_PATH}/{{dispute}}/close", sdk.DisputeCloseParams, close, models()),
)  # fmt: skip

"""Time passing in the twin: what is due happens, and is told."""

from libs.devstack.stripe_twin import refunding
from libs.devstack.stripe_twin.calls.balances import balance_of
from libs.devstack.stripe_twin.world import World


def catch_up(world: World) -> None:
    """Do everything that is due by now. Cheap when nothing is, so every call ends with it."""
    ran = world.agenda.run_due()
    if world.waiting_refunds:
        refunding.perform_waiting(world)
    if ran:
        for owner in sorted(world.take_settled_owners()):
            world.emit("balance.available", owner, balance_of(world, owner))


def advance(world: World, seconds: int) -> int:
    """Move the clock, stopping at every due moment on the way so that events bear the time they happened."""
    target = world.clock.now() + seconds
    while (due := world.agenda.next_due()) is not None and due <= target:
        world.clock.advance(max(0, due - world.clock.now()))
        _without_request(world)
    world.clock.advance(max(0, target - world.clock.now()))
    _without_request(world)
    return world.clock.now()


def _without_request(world: World) -> None:
    # what time brings about was caused by no request, and its events say so
    world.request_id = world.idempotency_key = None
    catch_up(world)

"""Faults on demand: what the next calls of a name are to suffer."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

FaultKind = Literal[
    "error_500", "error_500_after_effect", "error_503", "rate_limit_429", "lock_timeout_429",
    "timeout_before_effect", "timeout_after_effect", "slow",
]  # fmt: skip
"""
error_500               the call began and failed without effect; its key replays the 500, as Stripe documents
error_500_after_effect  the call had its effect and answers 500; its key replays the 500
error_503               turned away before it began: no effect, nothing remembered under its key
rate_limit_429          the same, by the rate limiter
lock_timeout_429        the same, since another request held the object (code `lock_timeout`)
timeout_before_effect   lost on the way in: no effect, no answer
timeout_after_effect    done, remembered under its key, and the answer lost on the way out
slow                    takes `seconds` longer; its key is in use for as long
"""

ANY_CALL = "*"


@dataclass(frozen=True, slots=True)
class Fault:
    kind: FaultKind
    seconds: float = 0.0


class Faults:
    """A queue per call name, and one for any call (`*`). Each entry is used up by one call."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def add(self, call: str, kind: str, count: int = 1, seconds: float = 0.0) -> None:
        known = {name: name for name in get_args(FaultKind)}
        if kind not in known:
            raise ValueError(f"{kind!r} is not a fault of the twin; use one of {', '.join(known)}.")
        self._queues[call].extend([Fault(known[kind], seconds)] * count)

    def take(self, call: str) -> Fault | None:
        if not self._queues:
            return None
        for name in (call, ANY_CALL):
            if queue := self._queues.get(name):
                return queue.popleft()
        return None

    def clear(self) -> None:
        self._queues.clear()

    def waiting(self) -> Mapping[str, list[str]]:
        return {call: [fault.kind for fault in queue] for call, queue in self._queues.items() if queue}

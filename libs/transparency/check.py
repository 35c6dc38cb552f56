"""What files prove to somebody who has only a log's public key and, if they were careful, a head that they kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from libs.transparency.checkpoint import Checkpoint, opened
from libs.transparency.errors import Refused
from libs.transparency.keys import VerifierKey
from libs.transparency.note import Note
from libs.transparency.proof import Consistency, Inclusion, Proof, parse

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Checked:
    """A proof that holds: what it is, the heads it rests on, oldest first, and who signed the newest of them."""

    proof: Proof
    heads: Sequence[Checkpoint]
    signers: Sequence[VerifierKey]

    @property
    def sentence(self) -> str:
        newest = self.heads[-1]
        keys = ", ".join(f"{key.name}+{key.id.hex()}" for key in self.signers)
        log = f"the log {newest.origin} of {newest.size} events with the root {newest.root.hex()}, signed by {keys}"
        if isinstance(self.proof, Inclusion):
            event = self.proof.entry
            recorded = (_EPOCH + timedelta(microseconds=event.recorded_at_microseconds)).isoformat(" ")
            what = f"{event.type} in {event.stream}, recorded {recorded}"
            return f"Proven: event {event.position} ({what}) is in {log}."
        return f"Proven: what {self.heads[0].size} events were is unchanged at the beginning of {log}."


def check(files: Mapping[str, str], keys: Collection[VerifierKey], kept: str | None = None) -> list[Checked]:
    """Check proofs (file name to content), and that all of them agree with the head that was `kept`, if one was.

    Raises `Refused` for the first thing that is wrong, its text beginning with the name of the file: what the proofs'
    `parse` and `check` and `checkpoint.opened` raise, `forked` where two signed heads of one size differ, and
    `unconnected` where nothing leads from the kept head to a proof's.
    """
    with _named("the kept head"):
        known = [opened(Note.parse(kept), keys)[0]] if kept is not None else []
    found: list[Checked] = []
    for name, text in files.items():
        with _named(name):
            checked = _checked(parse(text), keys)
            for head in checked.heads:
                _check_fork(head, known)
                known.append(head)
            found.append(checked)
    if kept is not None:
        _check_connected(known[0], found)
    return found


def _checked(proof: Proof, keys: Collection[VerifierKey]) -> Checked:
    proof.check()
    heads = [opened(note, keys) for note in proof.heads]
    return Checked(proof, [head for head, _ in heads], heads[-1][1])


def _check_fork(head: Checkpoint, known: Sequence[Checkpoint]) -> None:
    for other in known:
        if other.origin != head.origin:
            raise Refused("wrong_origin", f"This is about the log {head.origin}, the rest about {other.origin}.")
        if other.size == head.size and other.root != head.root:
            raise Refused(
                "forked",
                f"{head.origin} signed two different histories of {head.size} events, "
                f"with the roots {other.root.hex()} and {head.root.hex()}; keep both heads, they are the evidence.",
            )


def _check_connected(kept: Checkpoint, found: Sequence[Checked]) -> None:
    reached, before = {kept.size}, 0
    while len(reached) > before:
        before = len(reached)
        for checked in found:
            sizes = {head.size for head in checked.heads}
            if isinstance(checked.proof, Consistency) and sizes & reached:
                reached |= sizes
    for size in sorted({head.size for checked in found for head in checked.heads} - reached):
        older, newer = sorted((kept.size, size))
        raise Refused(
            "unconnected",
            f"Nothing here shows that the head of {size} events and the kept one of {kept.size} are of one history; "
            f"ask for the proof that does (holdfast audit prove --consistency {older} {newer}).",
        )


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise Refused(error.code, f"{name}: {error.text}") from error

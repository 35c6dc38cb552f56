"""The money of one allocation: where every minor unit of it is, and how the commission follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from libs.ledger.errors import Corrupt
from libs.ledger.money import split


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of an allocation. gross = net + commission."""

    gross_minor: int
    commission_minor: int

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.commission_minor

    def less(self, gross_minor: int) -> Part:
        """What is left of it without so much of it, the commission in proportion."""
        left_minor = self.gross_minor - gross_minor
        return Part(gross_minor=left_minor, commission_minor=self.commission_minor * left_minor // self.gross_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """One release, and what the seller still has of it."""

    at: datetime
    kept_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """gross = held + released + refunded, at any time; released = kept by the seller + clawed back.

    `commission_minor` is what the frozen terms give for the whole, `taken_minor` what was taken with releases and not
    given back since. Changing it beyond what is there raises `Corrupt`: the decider asks first.
    """

    gross_minor: int
    commission_minor: int
    refunded_minor: int = 0
    """Out of what was held, to the buyer or to the buyer's bank."""
    releases: tuple[Released, ...] = ()
    clawed_back_minor: int = 0
    taken_minor: int = 0

    def __post_init__(self) -> None:
        sound = (
            0 <= self.commission_minor <= self.gross_minor
            and self.refunded_minor >= 0
            and self.clawed_back_minor >= 0
            and all(release.kept_minor >= 0 for release in self.releases)
            and self.held_minor >= 0
            and 0 <= self.taken_minor <= self.kept_minor
        )
        if not sound:
            raise Corrupt(f"An allocation cannot come to {self}.", code="bad_allocation")

    @property
    def kept_minor(self) -> int:
        """What the seller got and still has, commission included."""
        return sum(release.kept_minor for release in self.releases)

    @property
    def released_minor(self) -> int:
        return self.kept_minor + self.clawed_back_minor

    @property
    def held_minor(self) -> int:
        return self.gross_minor - self.released_minor - self.refunded_minor

    @property
    def left_minor(self) -> int:
        """What could still go back to the buyer."""
        return self.held_minor + self.kept_minor

    def kept_since(self, earliest: datetime) -> int:
        """What the seller still has of the releases from a time on."""
        return sum(release.kept_minor for release in self.releases if release.at >= earliest)

    def of_held(self, gross_minor: int) -> Part:
        """So much of what is held, with its part of the commission.

        What is left keeps the commission in proportion, rounded once; so the parts sum to the frozen commission
        however often an allocation is divided.
        """
        left_minor = self.held_minor - gross_minor
        commission_minor = self._in_proportion(self.held_minor) - self._in_proportion(left_minor)
        return Part(gross_minor=gross_minor, commission_minor=commission_minor)

    def of_kept(self, gross_minor: int) -> Part:
        """So much of what the seller has, with the commission that was taken of it.

        Several releases may have taken one unit more or less than the proportion of what is kept, so the commission
        stays within what was taken, and the rest within what the seller got.
        """
        left_minor = self.kept_minor - gross_minor
        most_minor = min(gross_minor, self.taken_minor)
        least_minor = max(0, self.taken_minor - left_minor)
        wanted_minor = self.taken_minor - self._in_proportion(left_minor)
        return Part(gross_minor=gross_minor, commission_minor=min(max(wanted_minor, least_minor), most_minor))

    def with_release(self, part: Part, at: datetime) -> Money:
        releases = (*self.releases, Released(at=at, kept_minor=part.gross_minor))
        return replace(self, releases=releases, taken_minor=self.taken_minor + part.commission_minor)

    def with_refund(self, gross_minor: int) -> Money:
        return replace(self, refunded_minor=self.refunded_minor + gross_minor)

    def with_clawback(self, part: Part) -> Money:
        """Taken of the newest releases first, as their transfers are reversed."""
        rest_minor, releases = part.gross_minor, list(self.releases)
        for index in reversed(range(len(releases))):
            taken_minor = min(rest_minor, releases[index].kept_minor)
            releases[index] = replace(releases[index], kept_minor=releases[index].kept_minor - taken_minor)
            rest_minor -= taken_minor
        if rest_minor:
            raise Corrupt(f"{part} cannot be taken back out of {self}.", code="bad_allocation")
        return replace(
            self,
            releases=tuple(releases),
            clawed_back_minor=self.clawed_back_minor + part.gross_minor,
            taken_minor=self.taken_minor - part.commission_minor,
        )

    def _in_proportion(self, gross_minor: int) -> int:
        """The frozen commission's part of so much of the gross amount, half a unit rounded up."""
        return (2 * self.commission_minor * gross_minor + self.gross_minor) // (2 * self.gross_minor)


def shared_out(total_minor: int, left_minor: Sequence[int]) -> list[int]:
    """`total_minor`, or all that is left if that is less, by what is left of each (largest remainder).

    No share exceeds what is left of it: the rounded-up share of a part is at most that part.
    """
    all_minor = sum(left_minor)
    if not all_minor:
        return [0 for _ in left_minor]
    return split(min(total_minor, all_minor), left_minor)

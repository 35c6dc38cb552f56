"""How a payment is shared out: one allocation a seller, each with the commission that is frozen for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger.money import portion


def escrow_id_of(book: int, order_id: str) -> UUID:
    """The escrow of an order. Derived, so that whatever is heard of the order first meets the same stream."""
    return uuid5(NAMESPACE_OID, f"holdfast/escrow/{book}/{order_id}")


def allocation_id_of(escrow_id: UUID, seller: str) -> UUID:
    return uuid5(escrow_id, seller)


def release_id_of(allocation_id: UUID, number: int) -> UUID:
    """`number` counts the releases of an allocation from 1."""
    return uuid5(allocation_id, str(number))


def refund_id_of(escrow_id: UUID, number: int) -> UUID:
    """`number` counts the refunds of an escrow from 1."""
    return uuid5(escrow_id, f"refund/{number}")


def clawback_id_of(allocation_id: UUID, cause_id: UUID) -> UUID:
    """`cause_id` is that of the refund, or of the chargeback that was lost."""
    return uuid5(allocation_id, f"clawback/{cause_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a buyer paid for goods of one seller; minor units of the payment's currency."""

    seller: str
    amount_minor: int
    shipping_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionTerms:
    """A part of the goods' amount within a floor and a cap; minor units of the escrow's currency."""

    basis_points: int
    min_minor: int
    max_minor: int

    def of(self, amount_minor: int, gross_minor: int) -> int:
        """The commission on goods of `amount_minor`. The floor never makes it more than the seller's `gross_minor`."""
        wanted = portion(amount_minor, self.basis_points)
        return min(max(wanted, self.min_minor), self.max_minor, gross_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """One seller's part of an escrow, shipping included. gross = net + commission."""

    allocation_id: UUID
    seller: str
    gross_minor: int
    commission_minor: int


def allocate(escrow_id: UUID, lines: Iterable[Line], terms: CommissionTerms) -> tuple[Allocation, ...]:
    """An allocation for each seller, in the order of the lines; the gross amounts sum to that of all lines."""
    by_seller: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_seller[line.seller].append(line)
    return tuple(_allocation(escrow_id, seller, part, terms) for seller, part in by_seller.items())


def _allocation(escrow_id: UUID, seller: str, lines: list[Line], terms: CommissionTerms) -> Allocation:
    amount_minor = sum(line.amount_minor for line in lines)
    gross_minor = amount_minor + sum(line.shipping_minor for line in lines)
    return Allocation(
        allocation_id=allocation_id_of(escrow_id, seller),
        seller=seller,
        gross_minor=gross_minor,
        commission_minor=terms.of(amount_minor, gross_minor),  # none on shipping, the seller only passes that on
    )

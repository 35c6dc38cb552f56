"""Records and the tables that hold them: by id, by owner, and by the few fields that lists are filtered by."""

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from libs.devstack.stripe_twin.errors import invalid, missing

Json = dict[str, Any]


@dataclass(kw_only=True)
class Record:
    """One Stripe object. `owner` is the account in whose scope it lives; `order` its place among its kind."""

    KIND: ClassVar[str]
    id: str
    owner: str
    created: int
    order: int = field(default=0, repr=False)

    def render(self) -> Json:
        """The object as Stripe shows it, with ids in place of everything expandable."""
        raise NotImplementedError


R = TypeVar("R", bound=Record)
_PAGE_DEFAULT, _PAGE_MOST = 10, 100


class Table(Generic[R]):
    """All records of one kind. Nothing is ever deleted, and lists are newest first, as at Stripe."""

    def __init__(self, kind: str, param: str, indexed: Sequence[str] = ()) -> None:
        self.kind = kind
        self._param = param
        self._indexed = tuple(indexed)
        self._rows: dict[str, R] = {}
        self._lists: defaultdict[tuple[str, ...], list[R]] = defaultdict(list)

    def add(self, record: R) -> R:
        record.order = len(self._rows)
        self._rows[record.id] = record
        self._lists[(record.owner,)].append(record)
        for name in self._indexed:
            if (value := getattr(record, name)) is not None:
                self._lists[record.owner, name, value].append(record)
        return record

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        return iter(self._rows.values())

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._rows

    def newest(self, limit: int) -> Iterator[R]:
        return itertools.islice(reversed(self._rows.values()), limit)

    def all(self, owner: str) -> list[R]:
        """Everything in one account's scope, oldest first."""
        return self._lists.get((owner,), [])

    def find(self, record_id: str) -> R | None:
        return self._rows.get(record_id)

    def get(self, owner: str, record_id: str, param: str | None = None) -> R:
        """Raise `resource_missing` for an unknown id and for one that belongs to another account, alike."""
        record = self._rows.get(record_id)
        if record is None or record.owner != owner:
            raise missing(self.kind, record_id, param or self._param)
        return record

    def where(self, owner: str, name: str, value: str) -> list[R]:
        """All records with this value of an indexed field, oldest first."""
        return self._lists.get((owner, name, value), [])

    def page(self, owner: str, params: Mapping[str, Any], keep: Callable[[R], bool] | None = None) -> "Page":
        """One page of a list call: `limit`, cursors, `created`, and every filter that is an indexed field."""
        rows = self._narrowest(owner, params)
        filters = [(name, params[name]) for name in self._indexed if name in params]
        created = params.get("created")

        def wanted(row: R) -> bool:
            return (
                all(getattr(row, name) == value for name, value in filters)
                and (created is None or within(row.created, created))
                and (keep is None or keep(row))
            )

        limit = params.get("limit", _PAGE_DEFAULT)
        if not 1 <= limit <= _PAGE_MOST:
            raise invalid(f"Invalid integer: limit must be between 1 and {_PAGE_MOST}.", param="limit")
        if "ending_before" in params:
            start = bisect_right(rows, self._cursor(owner, params, "ending_before"), key=_order)
            found, more = _take((row for row in rows[start:] if wanted(row)), limit)
            return Page(found[::-1], more)
        stop = len(rows)
        if "starting_after" in params:
            stop = bisect_left(rows, self._cursor(owner, params, "starting_after"), key=_order)
        return Page(*_take((rows[i] for i in range(stop - 1, -1, -1) if wanted(rows[i])), limit))

    def _narrowest(self, owner: str, params: Mapping[str, Any]) -> list[R]:
        candidates = [self.all(owner)]
        candidates += [self.where(owner, name, params[name]) for name in self._indexed if name in params]
        return min(candidates, key=len)

    def _cursor(self, owner: str, params: Mapping[str, Any], name: str) -> int:
        return self.get(owner, params[name], name).order


@dataclass(frozen=True)
class Page:
    rows: Sequence[Record]
    has_more: bool

    def render(self, url: str) -> Json:
        return {"object": "list", "data": [row.render() for row in self.rows], "has_more": self.has_more, "url": url}


def within(moment: int, bounds: int | Mapping[str, int]) -> bool:
    """Stripe's time filters: an exact second, or any of gt, gte, lt, lte."""
    if isinstance(bounds, int):
        return moment == bounds
    return bounds.get("gt", moment - 1) < moment < bounds.get("lt", moment + 1) and bounds.get(
        "gte", moment
    ) <= moment <= bounds.get("lte", moment)


def merge_metadata(old: Mapping[str, str], new: Mapping[str, str] | str | None) -> dict[str, str]:
    """Empty values unset a key; an empty string in place of the mapping unsets all of them."""
    if new is None:
        return dict(old)
    if isinstance(new, str):
        return {}
    return {key: value for key, value in {**old, **new}.items() if value != ""}


def _order(record: Record) -> int:
    return record.order


def _take(rows: Iterator[R], limit: int) -> tuple[list[R], bool]:
    found: list[R] = []
    for row in rows:
        if len(found) == limit:
            return found, True
        found.append(row)
    return found, False

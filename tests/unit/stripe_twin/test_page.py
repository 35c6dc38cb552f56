"""The page forgets no control, no field of one, and no value of a field; and what it shows cannot become markup."""

import re
import shutil
import subprocess
import types
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from libs.devstack.stripe_twin import page
from libs.devstack.stripe_twin.calls import ROUTES
from libs.devstack.stripe_twin.control import CONTROLS
from libs.devstack.stripe_twin.objects.cards import TOKENS
from libs.devstack.stripe_twin.objects.debits import DEBIT_TOKENS
from libs.devstack.stripe_twin.overview import KINDS
from libs.devstack.stripe_twin.page import asset
from tests.unit.stripe_twin.fixtures import resource_class

_VOID = {"meta", "link", "input", "br"}


class _Page(HTMLParser):
    """Everything that these tests ask about, read from the page in one pass."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fields: dict[str, dict[str, set[str]]] = {}
        self.unlabelled: list[str] = []
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.columns: dict[str, list[Mapping[str, str | None]]] = {}
        self.lists: dict[str, set[str]] = {}
        self._options: set[str] = set()
        self._form: str | None = None
        self._kind: str | None = None
        self.feed(_text("/"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag not in _VOID:
            self.open.append(tag)
        if identity := found.get("id"):
            self.ids.append(identity)
        self.links |= {found["href"] or ""} if tag == "a" else set()
        if tag == "form":
            self._form = found["data-control"] or ""
            self.fields[self._form] = {}
        if tag == "table":
            self._kind = found.get("data-kind")
        if tag == "th" and self._kind:
            self.columns.setdefault(self._kind, []).append(found)
        if tag == "datalist":
            self._options = self.lists[found["id"] or ""] = set()
        if tag in {"input", "select"}:
            self._field(found)

    def _field(self, found: Mapping[str, str | None]) -> None:
        assert self._form, "a field outside of every form"
        if "label" not in self.open:
            self.unlabelled.append(f"{self._form} {found['name']}")
        if "data-path" not in found:
            self._options = self.fields[self._form].setdefault(found["name"] or "", set())
            if found.get("data-as") == "member":
                self._options.add(found["value"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "option":
            self._options.add(data)


def _text(path: str) -> str:
    found = asset(path)
    assert found
    return found.content.decode()


def _values(annotation: Any) -> set[str]:
    """Every word that a field may be, if it may be certain words only."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType, frozenset):
        return set().union(*(_values(member) for member in get_args(annotation)))
    return set()


def _declared(order: type[BaseModel]) -> Iterator[tuple[str, set[str]]]:
    for name, field in order.model_fields.items():
        nested = [kind for kind in get_args(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if nested:
            yield from ((f"{name}.{inner}", values) for inner, values in _declared(nested[0]))
        else:
            yield name, _values(field.annotation)


_PAGE = _Page()


def test_every_control_that_does_something_has_a_form_and_every_other_a_link() -> None:
    forms = {control.replace("/{id}", "") for control in _PAGE.fields}
    acting = {f"{method} {address}" for method, address in CONTROLS if method != "GET"}
    assert forms == acting
    reading = {address for method, address in CONTROLS if method == "GET" and ("POST", address) not in CONTROLS}
    reading |= {"clock", "faults", "webhooks", "chaos"}
    assert {link.removeprefix("/_twin/") for link in _PAGE.links if link.startswith("/_twin/")} == reading


def test_every_form_has_the_fields_of_its_control_and_their_words() -> None:
    for control, fields in _PAGE.fields.items():
        method, address = control.replace("/{id}", "").split()
        declared = dict(_declared(CONTROLS[method, address][1]))
        assert fields.keys() == declared.keys(), control
        for name, values in declared.items():
            assert not values or fields[name] == values, f"{control} {name}"


def test_the_page_suggests_every_test_method_and_every_call() -> None:
    assert _PAGE.lists["methods"] == {f"pm_card_{token}" for token in TOKENS} | DEBIT_TOKENS.keys()
    assert _PAGE.lists["calls"] == {"*"} | {route.name for route in ROUTES}


def test_every_kind_of_object_has_a_table_whose_columns_stripe_shows() -> None:
    published = {"reversals": "transfer_reversal", "fraud_warnings": "radar.early_fraud_warning"}
    assert _PAGE.columns.keys() == set(KINDS)
    for kind, columns in _PAGE.columns.items():
        shown = vars(resource_class(published.get(kind, kind.removesuffix("s"))))["__annotations__"]
        own = {
            str(column["data-field"]) for column in columns if column.get("data-as") not in {"owner", "disconnected"}
        }
        assert {field.partition(".")[0] for field in own} <= shown.keys(), kind


def test_every_field_has_a_label_and_every_id_is_its_own() -> None:
    assert _PAGE.unlabelled == []
    assert _PAGE.open == []
    assert len(_PAGE.ids) == len(set(_PAGE.ids))
    sections = {link.removeprefix("#") for link in _PAGE.links if link.startswith("#")}
    assert sections <= set(_PAGE.ids)
    assert set(re.findall(r'getElementById\("(\w+)"\)', _text("/_twin/page.js"))) <= set(_PAGE.ids)


def test_nothing_of_what_is_shown_can_become_markup_or_leave_the_machine() -> None:
    script, markup = _text("/_twin/page.js"), _text("/")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|\.href|srcdoc", script
    )
    assert not re.search(r"<script>|\son\w+=|style=|https?://", markup)
    served = asset("/")
    assert served
    assert served.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")


def test_the_script_is_javascript() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("There is no `node` to check the page's script with: install Node 20 or newer.")
    script = Path(page.__file__).with_name("page_files") / "page.js"
    checked = subprocess.run([node, "--check", script], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_other_addresses_are_no_part_of_the_page() -> None:
    assert [asset(path) for path in ("/v1/charges", "/_twin/summary", "/_twin/../page.py", "")] == [None] * 4

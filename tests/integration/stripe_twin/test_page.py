"""The page is served beside the API, and what it asks for is answered."""

import re
from pathlib import Path

import httpx
import pytest

from libs.devstack.stripe_twin import Twin
from libs.devstack.stripe_twin.overview import KINDS
from tests.integration.stripe_twin.desk import Desk


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/_twin/page.js", "text/javascript"), ("/_twin/page.css", "text/css")],
)
async def test_its_files_are_served_and_may_load_nothing_from_elsewhere(twin: Twin, path: str, kind: str) -> None:
    async with httpx.AsyncClient(base_url=twin.url) as http:
        served = await http.get(path)
    assert served.status_code == 200
    assert served.headers["content-type"].startswith(kind)
    assert served.headers["content-security-policy"].startswith("default-src 'none'")
    if path == "/":
        assert set(re.findall(r'(?:src|rel="stylesheet" href)="(/[^"]*)"', served.text)) == {
            "/_twin/page.js",
            "/_twin/page.css",
        }


async def test_everything_that_it_reads_or_links_to_is_answered(twin: Twin, desk: Desk) -> None:
    await desk.funded_seller()
    async with httpx.AsyncClient(base_url=twin.url) as http:
        for path in ("summary", "objects?limit=20", "faults", "chaos", "health", "clock", "webhooks", "objects"):
            answer = await http.get(f"/_twin/{path}")
            assert answer.status_code == 200, path
            assert isinstance(answer.json(), dict), path


def test_these_are_all_that_its_script_reads() -> None:
    script = (Path(__file__).parents[3] / "libs/devstack/stripe_twin/page_files/page.js").read_text()
    assert '["summary", "objects?limit=20", "faults", "chaos"].map((path) => ask("GET", path))' in script
    assert script.count("ask(") == 3  # its definition, this, and the forms


async def test_objects_are_shown_newest_first_with_who_has_them(twin: Twin, desk: Desk) -> None:
    seller = await desk.funded_seller()
    payout = await desk.payout(seller, 1_000)
    async with httpx.AsyncClient(base_url=twin.url) as http:
        everything = (await http.get("/_twin/objects")).json()
        charges = (await http.get("/_twin/objects", params={"kind": "charges", "limit": 1})).json()
        refused = [
            (await http.get("/_twin/objects", params=wrong)).status_code
            for wrong in ({"kind": "customers"}, {"limit": "0"}, {"colour": "red"})
        ]
    assert everything.keys() == set(KINDS)
    [shown] = everything["payouts"]["objects"]
    assert (shown["owner"], shown["object"]["id"]) == (seller.id, payout.id)
    assert charges.keys() == {"charges"}
    assert charges["charges"]["total"] == 2
    [newest] = charges["charges"]["objects"]
    assert newest["owner"] == seller.id
    assert refused == [400, 400, 400]


async def test_a_seller_who_left_is_marked(twin: Twin, desk: Desk) -> None:
    gone, stayed = await desk.seller(), await desk.seller()
    await twin.deauthorize(gone.id)
    shown = {found["object"]["id"]: found["disconnected"] for found in await twin.objects("accounts")}
    assert shown == {gone.id: True, stayed.id: False}

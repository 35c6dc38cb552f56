"""Names for other tools: legal there, reversible, and no two alike."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from beancount.core import account as beancount_accounts
from beancount.core import amount as beancount_amounts
from hypothesis import given
from hypothesis import strategies as st

from libs.ledger import chart
from libs.ledger.errors import Rejected
from libs.ledger.money import CURRENCIES
from services.audit.export import names
from services.audit.export.files import CONTENTS
from services.audit.export.tables import KINDS
from services.audit.http.export import MEDIA_TYPES, File

NAMES = st.text("abzABZ019_.@-", min_size=1, max_size=8)
ACCOUNTS = st.builds(lambda rule, name: rule.pattern.replace("{}", name), st.sampled_from(chart.CHART), NAMES)
CODES = st.sampled_from(sorted(CURRENCIES)) | st.text("abzXABZ019_.@-", min_size=1, max_size=8)


@given(ACCOUNTS)
def test_an_account_is_legal_in_beancount_and_comes_back(account: str) -> None:
    name = names.beancount_account(account)
    assert beancount_accounts.is_valid(name)
    assert names.account_of_beancount(name) == account


@given(ACCOUNTS)
def test_an_account_comes_back_from_hledger(account: str) -> None:
    name = names.hledger_account(account)
    assert "  " not in name
    assert names.account_of_hledger(name) == account


@given(CODES)
def test_a_currency_is_legal_in_beancount_and_comes_back(code: str) -> None:
    commodity = names.beancount_commodity(code)
    assert re.fullmatch(beancount_amounts.CURRENCY_RE, commodity)
    assert commodity[-1] not in "._-"
    assert names.currency_of_beancount(commodity) == code


@given(CODES)
def test_a_currency_comes_back_from_hledger(code: str) -> None:
    commodity = names.hledger_commodity(code)
    assert commodity.isalpha() or commodity == f'"{code}"'
    assert names.currency_of_hledger(commodity) == code


@given(st.text())
def test_other_text_holds_nothing_that_a_tool_reads_into_it_and_comes_back(text: str) -> None:
    written = names.written(text)
    assert not set(written) & set(' \t\r\n;,|"\\()[]{}*!#^')
    assert names.text_of(written) == text


@pytest.mark.parametrize(
    ("account", "beancount"),
    [
        ("stripe:platform", "Assets:Stripe:Platform"),
        ("revenue:commission", "Income:Revenue:Commission"),
        ("expense:processor_fees", "Expenses:Expense:Processor-5Ffees"),
        ("seller:ada_b.c@d-e:available", "Liabilities:Seller:Ada-5Fb-2Ec-40d--e:Available"),
        ("seller:Ada:available", "Liabilities:Seller:X-xAda:Available"),
        ("seller:7:available", "Liabilities:Seller:7:Available"),
    ],
)
def test_names_stay_readable(account: str, beancount: str) -> None:
    assert names.beancount_account(account) == beancount


def test_an_account_that_the_chart_has_not_is_refused() -> None:
    for mapping in (names.beancount_account, names.hledger_account):
        with pytest.raises(Rejected, match="not in the chart"):
            mapping("cash:drawer")


@given(ACCOUNTS)
def test_the_first_part_of_an_account_tells_its_kind(account: str) -> None:
    assert KINDS[account.partition(":")[0]] == chart.rule(account).kind


def test_every_file_is_offered_over_http() -> None:
    assert list(get_args(File)) == list(CONTENTS)
    assert {name.partition(".")[2] for name in CONTENTS} == set(MEDIA_TYPES)

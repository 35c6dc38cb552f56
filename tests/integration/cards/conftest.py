"""Helpers assert as tests do, and are explained as tests are."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(*(f"tests.integration.cards.{name}" for name in ("acts", "laws", "looks", "walk")))

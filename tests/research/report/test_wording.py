from __future__ import annotations

import pytest

from daemon.research.report.wording import significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0014987, "0.00150"),
        (0.5, "0.500"),
        (2.134, "2.13"),
        (11270.985, "11,271"),
        (None, "n/a"),
    ],
)
def test_a_figure_of_any_size_keeps_three_digits_that_count(value: float | None, text: str) -> None:
    assert significant(value) == text

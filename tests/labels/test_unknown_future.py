"""An unknown future is missing, and labels do not change when more of it becomes known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import labels

HORIZON = 6


def thresholds(market):
    return labels.regime_thresholds(market, 0.01, 0.03, window=3, history=10)


def sides(market):
    return np.sign(market.close - market.close.shift(3))


KINDS = {
    "direction": lambda market: labels.direction(market, HORIZON),
    "direction from the close": lambda market: labels.direction(market, HORIZON, 0.01, entry="close"),
    "direction by regime": lambda market: labels.direction(market, HORIZON, thresholds(market)),
    "drawdown": lambda market: labels.drawdown_risk(market, (2, HORIZON))[HORIZON],
    "drawdown by regime": lambda market: labels.drawdown_risk(market, (HORIZON,), thresholds(market))[HORIZON],
    "barriers": lambda market: labels.triple_barrier(market, HORIZON),
    "barriers of a side": lambda market: labels.triple_barrier(market, HORIZON, 1.0, 3.0, side=sides(market)),
    "meta": lambda market: labels.meta(sides(market), labels.direction(market, HORIZON), 0.001),
    "meta of barriers": lambda market: labels.meta(
        sides(market), labels.triple_barrier(market, HORIZON, side=sides(market)), 0.001
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(0, 10_000), st.integers(1, 25))
def test_fewer_rows_change_only_labels_whose_horizon_lies_beyond(random_market, kind, seed, cut):
    market = random_market(seed)
    whole, part = KINDS[kind](market), KINDS[kind](market.rows(0, len(market) - cut))
    complete = len(market) - cut - HORIZON  # rows that have their whole horizon in the part
    pd.testing.assert_frame_equal(part.values.iloc[:complete], whole.values.iloc[:complete])
    assert part.values.iloc[complete:].isna().all(axis=None)
    assert (part.end[:complete] == whole.end[:complete]).all()
    assert (part.end[complete:] == -1).all()
    if part.returns is not None:
        pd.testing.assert_frame_equal(part.returns.iloc[:complete], whole.returns.iloc[:complete])
    # So what changed rests on rows that were cut off, or would have: its horizon does.
    changed = whole.known[: len(part.values)] & ~part.known
    assert (np.nonzero(changed)[0] + HORIZON >= len(part.values)).all()


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(0, 10_000), st.integers(0, 59))
def test_a_label_rests_on_no_bar_after_its_end(random_market, kind, seed, row):
    """Bars after a row are made into others: labels that end up to it are the same."""
    market = random_market(seed, gaps=0.0)
    rng = np.random.default_rng(seed + 1)
    later = np.arange(len(market)) > row
    factor = np.where(later[:, None], np.exp(rng.normal(0.0, 0.2, (len(market), 1))), 1.0)
    arrays = {field: market.array(field) * factor for field in ("open", "high", "low", "close")}
    other = market.with_values({**arrays, "volume": market.array("volume")})
    whole, changed = KINDS[kind](market), KINDS[kind](other)
    settled = whole.known & (whole.end <= row)
    np.testing.assert_array_equal(whole.values.to_numpy()[settled], changed.values.to_numpy()[settled])
    assert (whole.end[settled] == changed.end[settled]).all()

"""Laguerre lines that cross, against Ehlers' recursion written out."""

from __future__ import annotations

import numpy as np
import pytest
from quantstrats_plugins.laguerre_cross import LaguerreCross, LaguerreLine

from quantstrats import load_market
from quantstrats.evaluation import details_of, evaluate


def states(closes, gamma):
    """Return Ehlers' four states on each bar, all at the first close to begin with."""
    now, out = [closes[0]] * 4, []
    for close in closes:
        was = now
        now = [(1 - gamma) * close + gamma * was[0]]
        for stage in range(1, 4):
            now.append(-gamma * now[stage - 1] + was[stage - 1] + gamma * was[stage])
        out.append(now)
    return np.array(out)


def filtered(closes, gamma):
    return states(closes, gamma) @ [1, 2, 2, 1] / 6


def strength(closes, gamma):
    steps = -np.diff(states(closes, gamma), axis=1)  # of each state over the next, which is later
    rises, falls = np.clip(steps, 0, None).sum(axis=1), np.clip(-steps, 0, None).sum(axis=1)
    with np.errstate(invalid="ignore"):  # on the first bar nothing has moved
        return rises / (rises + falls)


@pytest.mark.parametrize(("line", "by_hand"), [("filter", filtered), ("rsi", strength)])
def test_the_forecast_compares_a_fast_line_with_a_slow_one(nasdaq, line, by_hand):
    market, signal = nasdaq.rows(0, 900), LaguerreCross(line=line)
    closes = market.close["NASDAQ"].tolist()
    fast, slow = by_hand(closes, 0.2), by_hand(closes, 0.8)
    expected = (fast / slow - 1 if line == "filter" else fast - slow)[500:]  # what came before has faded
    found = evaluate(signal, market)["NASDAQ"]
    assert found.iloc[500:].tolist() == pytest.approx(expected.tolist(), rel=1e-6, abs=1e-9)
    assert found.isna().sum() == signal.warmup() - 1


def test_the_line_compares_the_close_with_its_filter(nasdaq):
    market = nasdaq.rows(0, 600)
    closes = market.close["NASDAQ"]
    expected = closes / filtered(closes.tolist(), 0.8) - 1
    found = evaluate(LaguerreLine(), market)["NASDAQ"]
    assert found.iloc[400:].tolist() == pytest.approx(expected.iloc[400:].tolist(), rel=1e-6, abs=1e-9)


def test_a_steady_rise_is_up_and_a_steady_fall_is_down(market_of):
    rise = [100.0 + day for day in range(80)]
    for signal in (LaguerreCross(0.1, 0.3), LaguerreLine(0.3), LaguerreCross(0.1, 0.3, "rsi")):
        found = evaluate(signal, market_of({"UP": rise, "DOWN": rise[::-1]})).iloc[-10:]
        if signal != LaguerreCross(0.1, 0.3, "rsi"):  # of a straight line both indexes are 1, or both 0
            assert (found["UP"] > 0).all()
            assert (found["DOWN"] < 0).all()
        else:
            assert found.abs().max(axis=None) < 1e-9


def test_the_price_chart_shows_the_lines(nasdaq):
    market = nasdaq.rows(0, 600)
    overlays = details_of(LaguerreCross(line="rsi"), market).overlays
    assert list(overlays) == ["Laguerre 0.2", "Laguerre 0.8"]
    closes = market.close["NASDAQ"].tolist()
    assert overlays["Laguerre 0.8"]["NASDAQ"].iloc[-1] == pytest.approx(filtered(closes, 0.8)[-1], rel=1e-9)
    assert list(details_of(LaguerreLine(0.5), market).overlays) == ["Laguerre 0.5"]


def test_planted_momentum_is_followed():
    agree = []
    for seed in (1, 2, 3):
        market = load_market("synthetic", seed=seed, count=20, bars=1000, momentum=0.4)
        forecast = evaluate(LaguerreCross(), market)
        earned = np.sign(forecast).shift(2) * market.open.pct_change(fill_method=None)
        agree.append(earned.stack().mean() * 252)
    assert min(agree) > 0.02


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: LaguerreCross(0.8, 0.2), r"fast \(0\.8\) must be at least 0 and below slow \(0\.2\)"),
        (lambda: LaguerreCross(-0.1, 0.2), r"fast \(-0\.1\) must be at least 0"),
        (lambda: LaguerreCross(0.2, 1.0), r"which is below 1"),
        (lambda: LaguerreLine(1.0), r"gamma \(1\.0\) must be at least 0 and below 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make, line):
    with pytest.raises(ValueError, match=line):
        make()

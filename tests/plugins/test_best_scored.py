"""The signal that follows another where it has been right lately: by hand, and that no row knows more than it may."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.best_scored import BestScored
from quantstrats_plugins.buy_and_hold import BuyAndHold
from quantstrats_plugins.momentum import Momentum

from quantstrats import Learner, Market, Plugins, Signal, backtest
from quantstrats.evaluation import evaluate
from quantstrats.guard.check import check_lookahead

NAN = float("nan")


@dataclass(frozen=True)
class ByHand(Signal):
    """What the volumes say: 3 is +1, 1 is -1, 2 is flat, anything else is no opinion."""

    name = "by_hand"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.volume.where(market.volume.isin([1, 2, 3])) - 2


@dataclass(frozen=True)
class Mean(Learner):
    """Half a year's mean return, as a forecast."""

    name = "mean"
    refit: str = "month"
    train: int = 60

    def warmup(self):
        return 2

    def fit(self, market):
        return Fixed(tuple(market.close.pct_change(fill_method=None).mean().items()))


@dataclass(frozen=True)
class Fixed(Signal):
    means: tuple
    name = "fixed"

    def warmup(self):
        return 2

    def forecast(self, market):
        row = pd.Series(dict(self.means)).reindex(market.symbols)
        return pd.DataFrame([row] * len(market), index=market.index) * np.sign(market.close.diff())


def market_with(sessions, opens, opinions):
    """Make a market whose opens are given, and whose volumes are opinions; the closes tell nothing."""
    index = sessions(len(next(iter(opens.values()))))
    open_ = pd.DataFrame(opens, index=index, dtype="float64")
    close = open_.notna().astype("float64").mask(open_.isna()) * 50
    high, low = open_.where(open_ > close, close), open_.where(open_ < close, close)
    volume = (pd.DataFrame(opinions, index=index, dtype="float64") + 2).fillna(9).mask(open_.isna())
    return Market.from_frames(
        open=open_, high=high.mask(open_.isna()), low=low.mask(open_.isna()), close=close, volume=volume
    )


def chosen(forecast):
    return ["".join(row.index[row.notna()]) for _, row in forecast.iterrows()]


def test_a_symbol_is_scored_by_what_an_order_on_each_forecast_earned_from_open_to_open(sessions):
    # From open to open: A +10%, 0, -50%, +100%; B the same the other way round.
    opens = {"A": [10, 10, 11, 11, 5.5, 11], "B": [10, 10, 9, 9, 13.5, 6.75]}
    opinions = {"A": [1, 1, 1, -1, 1, 1], "B": [1, -1, 1, -1, 1, -1]}
    market = market_with(sessions, opens, opinions)
    found = evaluate(BestScored(ByHand(), top=1, window=2), market)
    # Row 3: A was long from the open of 1 to that of 2 (+10%), then flat: 5%; B: -10%, 0: -5%.
    # Row 4: A long from 2 to 3 (0), long from 3 to 4 (-50%); B short (0), long (+50%). Row 5: A -50%, short +100%:
    # -75%; B +50%, short -50%: +50%.
    assert chosen(found) == ["", "", "", "A", "B", "B"]
    assert found["A"].tolist() == pytest.approx([NAN, NAN, NAN, -1, NAN, NAN], nan_ok=True)
    assert found["B"].tolist() == pytest.approx([NAN, NAN, NAN, NAN, 1, -1], nan_ok=True)


def test_a_forecast_does_not_earn_what_happened_before_its_order_is_filled(sessions):
    # A doubles overnight after the first forecast, at whose open the order is filled, and falls from there on.
    market = market_with(sessions, {"A": [10, 20, 19, 18, 17], "B": [10, 10, 10, 10, 10]}, {"A": [1] * 5, "B": [1] * 5})
    assert chosen(evaluate(BestScored(ByHand(), top=1, window=1), market)) == ["", "", "B", "B", "B"]


def test_flat_earns_nothing_and_beats_a_loss(sessions):
    market = market_with(sessions, {"A": [10, 10, 9, 8], "B": [10, 10, 9, 8]}, {"A": [1] * 4, "B": [0] * 4})
    assert chosen(evaluate(BestScored(ByHand(), top=1, window=1), market)) == ["", "", "B", "B"]


def test_of_equal_scores_the_first_symbols_are_chosen(sessions):
    bars = {symbol: [10, 11, 12, 13] for symbol in "CAB"}
    market = market_with(sessions, bars, {symbol: [1] * 4 for symbol in "CAB"})
    assert chosen(evaluate(BestScored(ByHand(), top=2, window=1), market)) == ["", "", "CA", "CA"]


def test_a_symbol_competes_with_an_opinion_now_and_on_half_of_the_window(sessions):
    # Windows of four, so from row 5 on. A has no opinion on row 6; B's are too few on row 5; C earns less than both.
    opens = {"A": [10, 11, 12, 13, 14, 15, 16, 17], "B": [10, 11, 12, 13, 14, 15, 16, 17], "C": [10] * 8}
    none = None
    opinions = {"A": [1, 1, 1, 1, 1, 1, none, 1], "B": [none, none, none, 1, 1, 1, 1, 1], "C": [1] * 8}
    found = chosen(evaluate(BestScored(ByHand(), top=1, window=4), market_with(sessions, opens, opinions)))
    assert found == ["", "", "", "", "", "A", "B", "A"]


def test_a_missing_bar_is_no_bar_to_score(sessions):
    # B's return over the gap counts nowhere, and none after it before there is a forecast to earn it.
    opens = {"A": [10, 11, 12, 13, 14, 15, 16], "B": [10, 11, None, 40, 41, 42, 43]}
    market = market_with(sessions, opens, {symbol: [1] * 7 for symbol in "AB"})
    signal = BestScored(ByHand(), top=2, window=4)
    assert chosen(evaluate(signal, market)) == ["", "", "", "", "", "A", "AB"]
    score = signal.score(ByHand().forecast(market), market)["B"]
    assert score.iloc[-1] == pytest.approx(((42 / 41 - 1) + (43 / 42 - 1)) / 2)


def test_warm_up_is_what_the_first_forecast_needs(nasdaq):
    signal = BestScored(BuyAndHold(), window=63)
    assert signal.warmup() == 65
    assert evaluate(signal, nasdaq.rows(0, 70))["NASDAQ"].isna().sum() == 64


@pytest.mark.parametrize("fields", [{"top": 0}, {"window": 0}])
def test_parameters_that_make_no_sense_are_refused(fields):
    with pytest.raises(ValueError, match=r"top \(\d+\) and window \(\d+\) must be at least 1"):
        BestScored(BuyAndHold(), **fields)


def many(seed, rows=260, width=12):
    """Make bars of so many symbols, with gaps and late listings."""
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2015-02-02", periods=rows + 20).difference(
        pd.to_datetime(["2015-02-16", "2015-04-03", "2015-05-25", "2015-07-03", "2015-09-07", "2015-11-26"])
    )[:rows]
    index = index.difference(pd.to_datetime(["2015-12-25", "2016-01-01", "2016-01-18", "2016-02-15"]))
    names = [f"S{number:02}" for number in range(width)]
    close = pd.DataFrame(50 * np.exp(rng.normal(0, 0.02, (len(index), width)).cumsum(0)), index=index, columns=names)
    open_ = close * np.exp(rng.normal(0, 0.01, close.shape))
    gone = rng.random(close.shape) < 0.03
    gone[:90, 0] = gone[200:, 1] = True
    high, low = close.where(close > open_, open_) * 1.01, close.where(close < open_, open_) * 0.99
    frames = {"open": open_, "high": high, "low": low, "close": close}
    return Market.from_frames(**{name: frame.mask(gone) for name, frame in frames.items()})


@pytest.mark.parametrize("part", [Momentum(lookback=10), Mean()])
def test_the_guard_finds_nothing(part):
    market, signal = many(1), BestScored(part, top=3, window=21)
    forecast = evaluate(signal, market)
    assert forecast.notna().sum(axis=1).max() == 3
    report = check_lookahead(signal, market, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows > 100


def test_a_later_start_of_the_data_gives_the_same_forecasts():
    market, signal = many(2), BestScored(Momentum(lookback=10), top=3, window=21)
    whole = evaluate(signal, market)
    needed = signal.warmup() + signal.signal.warmup() - 1
    for row in range(needed - 1, len(market), 7):
        alone = evaluate(signal, market.rows(row - needed + 1, row + 1)).iloc[-1]
        pd.testing.assert_series_equal(alone, whole.iloc[row], rtol=1e-9, atol=1e-12)


def test_prices_in_another_unit_change_nothing():
    market, signal = many(3), BestScored(Momentum(lookback=10), top=3, window=21)
    factor = pd.Series(2.0 ** np.arange(len(market.symbols)), index=market.symbols)
    frames = {field: getattr(market, field) * factor for field in ("open", "high", "low", "close")}
    pd.testing.assert_frame_equal(evaluate(signal, Market.from_frames(**frames)), evaluate(signal, market), rtol=1e-9)


def test_it_is_asked_for_by_name_with_its_part_nested():
    import quantstrats_plugins.best_scored
    import quantstrats_plugins.momentum

    from quantstrats.market.sources import sample
    from quantstrats.portfolio import allocators

    plugins = Plugins()
    for module in (quantstrats_plugins.best_scored, quantstrats_plugins.momentum, sample, allocators):
        plugins.register(module)
    nested = {"name": "best_scored", "signal": {"name": "momentum", "lookback": 10}, "top": 2, "window": 21}
    run = backtest(nested, many(4), plugins=plugins)
    assert (run.targets.iloc[40:] > 0).sum(axis=1).max() == 2
    assert run.metrics["orders"] > 10

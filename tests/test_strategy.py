"""The one decision path: what targets a decision has, and that a restart computes the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from quantstrats import Costs, Market, RiskPolicy, Schedule, Signal, Universe, backtest
from quantstrats.portfolio.allocators import LongFlat, LongShort, Proportional, TopQuantile
from quantstrats.strategy import Strategy


@dataclass(frozen=True)
class Band(Signal):
    """Long above the last month's mean and until the close falls below its lowest; it remembers within a quarter."""

    name = "band"
    resets = "quarter"

    def warmup(self):
        return 21

    def forecast(self, market):
        close, mean = market.close, market.close.rolling(21).mean()
        state = pd.DataFrame(np.nan, index=close.index, columns=close.columns)
        return state.mask(close > mean, 1.0).mask(close <= close.rolling(21).min(), -1.0).ffill()


@dataclass(frozen=True)
class Patient(Signal):
    """Up while there was a bar within `reach` rows."""

    name = "patient"
    reach: int

    def warmup(self):
        return self.reach

    def forecast(self, market):
        return market.close.ffill(limit=self.reach - 1).notna().astype(float)


@pytest.fixture(scope="module")
def stocks(installed):
    pytest.importorskip("skfolio", reason="skfolio is not installed")
    return (
        installed.find("source", "sample")
        .cls()
        .load(["AAPL", "AMD", "KO", "XOM", "JPM", "WMT", "GE"])
        .between("2008", "2012")
    )


def test_a_decision_has_a_number_for_each_symbol_with_a_bar_and_other_rows_have_none(market_of, installed):
    hold = installed.signal("buy_and_hold")()
    market = market_of({"A": [10.0] * 8, "B": [None, None, 5, 5, 5, None, 5, 5]})
    targets = Strategy(hold, LongFlat(cash_buffer=0.0), Schedule("week")).targets(market)
    # 2 January is the first session of the year, not of its week; the 5th and the 12th are.
    expected = pd.DataFrame(np.nan, index=market.index, columns=["A", "B"])
    expected.loc["2015-01-05", "A"] = 1.0  # B is not listed yet
    expected.loc["2015-01-12"] = [0.5, 0.5]
    pd.testing.assert_frame_equal(targets, expected, check_freq=False)


def test_every_bar_is_decided_by_default(market_of, installed):
    market = market_of({"A": [10.0, None, 10.0]})
    targets = Strategy(installed.signal("buy_and_hold")()).targets(market)
    assert targets["A"].tolist() == pytest.approx([0.95, np.nan, 0.95], nan_ok=True)


def test_an_opinion_that_stands_over_a_missing_bar_keeps_its_slot(market_of):
    market = market_of({"A": [10.0] * 7, "B": [10.0, 10, 10, None, None, None, 10]})
    targets = Strategy(Patient(3), LongFlat(cash_buffer=0.0)).targets(market)
    nothing = np.nan
    # B's opinion stands for the two rows that its last bar reaches; on the third it is no longer in the window.
    expected = {
        "A": [0.0, 0.0, 0.5, 0.5, 0.5, 1.0, 0.5],
        "B": [0.0, 0.0, 0.5, nothing, nothing, nothing, 0.5],
    }
    pd.testing.assert_frame_equal(targets, pd.DataFrame(expected, index=market.index), check_freq=False)


def test_a_market_without_a_decision_row_has_no_targets(market_of, installed):
    market = market_of({"A": [10.0] * 5}).rows(1, 5)
    assert Strategy(installed.signal("buy_and_hold")(), schedule=Schedule("year")).targets(market).isna().all(axis=None)


def test_a_symbol_outside_the_universe_is_wanted_at_zero_and_takes_no_slot(market_of):
    market = market_of({"A": [10.0] * 6, "B": [6.0, 6.0, 6.0, 6.0, None, 4.0]})
    strategy = Strategy(Patient(2), LongFlat(cash_buffer=0.0), universe=Universe(min_price=5, window=2))
    targets = strategy.targets(market)
    # Two rows of warm-up on a universe of two rows. B's missing bar leaves it where its last close put it.
    expected = {"A": [0.0, 0.0, 0.5, 0.5, 0.5, 1.0], "B": [0.0, 0.0, 0.5, 0.5, np.nan, 0.0]}
    pd.testing.assert_frame_equal(targets, pd.DataFrame(expected, index=market.index), check_freq=False)
    assert market.universe is None


def test_a_signal_sees_the_universe(market_of):
    @dataclass(frozen=True)
    class Members(Signal):
        """Long what is in the universe."""

        name = "members"

        def warmup(self):
            return 1

        def forecast(self, market):
            return market.universe.astype(float)

    strategy = Strategy(Members(), LongFlat(cash_buffer=0.0), universe=Universe(min_price=5, window=1))
    assert strategy.targets(market_of({"A": [4.0, 6.0]}))["A"].tolist() == [0.0, 1.0]


def test_a_backtest_obeys_and_keeps_the_universe_and_the_risk_policy(market_of, tmp_path):
    (tmp_path / "members.csv").write_text("symbol,start,end\nA,2015-01-02,2015-01-05\nB,2015-01-06,\n")
    closes = {"A": [10, 10, 20, 20, 20, 20], "B": [10, 10, 10, 7, 7, 70]}
    opens = {"A": [10, 10, 20, 20, 20, 20], "B": [10, 10, 10, 10, 7, 70]}
    run = backtest(
        "buy_and_hold",
        market_of(closes, opens),
        universe=Universe(members=tmp_path / "members.csv"),
        risk=RiskPolicy(max_drawdown=0.2),
        costs=Costs(0, slippage_bps=0),
        cash=1000,
        fractional=True,
    )
    assert run.targets["A"].tolist() == [0.95, 0.95, 0, 0, 0, 0]
    assert run.targets["B"].tolist() == [0, 0, 0.95, 0.95, 0.95, 0.95]
    # 95 shares of A double: 1950. 95% of that are 185.25 shares of B, and 3 lost on each are 28.5% of the account.
    assert run.transactions["price"].tolist() == [10, 20, 10, 7]
    assert run.equity.tolist() == pytest.approx([1000, 1000, 1950, 1394.25, 1394.25, 1394.25])
    told = [line["message"] for line in run.log if "risk" in line["message"]]
    assert told == ["risk: drawdown of 28.5% reached on 2015-01-07, positions closed; no further decision is traded"]
    assert run.config["universe"]["members"] == str(tmp_path / "members.csv")
    assert run.config["risk"] == {"max_drawdown": 0.2}


STRATEGIES = [
    ("sma_cross", {}, LongShort(), Schedule()),
    ("sma_cross", {"fast": 5, "slow": 200}, LongFlat(), Schedule(10)),
    ("momentum", {"lookback": 60, "skip": 5}, TopQuantile(quantile=0.3), Schedule("month")),
    ("momentum", {"lookback": 20}, Proportional(), Schedule("week")),
    ("buy_and_hold", {}, LongFlat(), Schedule(21)),
]


def compare(strategy, market, start, first):
    """Compare the targets of a later start with those of the whole, from row ``first`` of the later one on."""
    whole, part = strategy.targets(market), strategy.targets(market.rows(start, len(market)))
    left, right = part.iloc[first:].to_numpy(), whole.iloc[start + first :].to_numpy()
    np.testing.assert_array_equal(np.isnan(left), np.isnan(right))
    assert (np.abs(left - right)[~np.isnan(left)] <= 1e-9 + 1e-6 * np.abs(right[~np.isnan(right)])).all()
    assert np.nansum(np.abs(right)) > 0


@pytest.mark.parametrize(("name", "parameters", "allocator", "schedule"), STRATEGIES)
def test_targets_of_a_later_start_agree_past_the_warm_up(stocks, installed, name, parameters, allocator, schedule):
    strategy = Strategy(installed.signal(name)(**parameters), allocator, schedule)
    for start in np.random.default_rng(11).integers(1, 900, 4).tolist():
        compare(strategy, stocks, start, strategy.signal.warmup() - 1)


@pytest.mark.parametrize("rules", [{"min_price": 8}, {"min_dollar_volume": 2e6, "window": 15}, {"members": True}])
def test_targets_of_a_later_start_agree_under_a_universe(real_bars, installed, tmp_path, rules):
    market = Market.from_frames(**real_bars("daily_small_illiquid")).between("2010-01-01", "2012-12-31")
    market = market.with_listed_symbols()
    if "members" in rules:
        dates = [
            (day, market.index[place * 40 + 90].date()) for place, day in enumerate(market.session[::40][:15].date)
        ]
        lines = [f"{s},{day},{end}\n" for s, (day, end) in zip(market.symbols, dates, strict=False)]
        (tmp_path / "members.csv").write_text("symbol,start,end\n" + "".join(lines))
        rules = {"members": tmp_path / "members.csv"}
    universe = Universe(**rules)
    inside = universe.applied(market).universe.to_numpy()
    assert 0.0 < inside.mean() < 0.9
    strategy = Strategy(installed.signal("momentum")(lookback=30), LongShort(), Schedule("week"), universe=universe)
    for start in (17, 333):
        compare(strategy, market, start, 30 + universe.warmup() - 1)


def test_targets_of_a_resets_signal_agree_from_the_first_whole_period_on(stocks):
    strategy = Strategy(Band(), LongShort())
    for start in np.random.default_rng(12).integers(1, 900, 4).tolist():
        starts = np.flatnonzero(stocks.starts_period("quarter")[start:])
        compare(strategy, stocks, start, int(starts[starts >= 20][0]))


def test_targets_of_a_later_start_agree_on_real_bars_with_gaps_and_late_listings(real_bars, installed):
    frames = real_bars("daily_small_illiquid")
    market = Market.from_frames(**frames).between("2009-01-01", "2012-12-31").with_listed_symbols()
    assert not market.present.all()
    strategy = Strategy(
        installed.signal("momentum")(lookback=30), TopQuantile(quantile=0.2, short=True), Schedule("week")
    )
    for start in (17, 333):
        compare(strategy, market, start, 30)
    compare(Strategy(Band(), LongShort()), market, 100, 83)

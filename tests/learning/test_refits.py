"""What a learner learned reaches its details: the very fits that served, each with the rows and bars it served on."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest

from quantstrats import Details, Learner, Market, Signal, Universe, backtest
from quantstrats.evaluation import details_of, evaluate
from quantstrats.learning.fits import Fits

shown: list[Market] = []  # what details() got


@pytest.fixture(autouse=True)
def _forget():
    shown.clear()


@dataclass(frozen=True)
class Level(Signal):
    """Forecasts the last close that was learned."""

    name = "level"
    close: float

    def warmup(self):
        return 3

    def forecast(self, market):
        return pd.DataFrame(self.close, index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class LastClose(Learner):
    """Learns the last close of its rows, or nothing where that is below `least`."""

    name = "last_close"
    least: float = 0.0

    def warmup(self):
        return 3

    def fit(self, market):
        close = float(market.close.iloc[-1, 0])
        return Level(close) if close >= self.least else None

    def details(self, market):
        shown.append(market)
        learned = [refit.signal.close for refit in market.refits if refit.signal is not None]
        return Details(tables={"Learned": pd.DataFrame({"Close": learned})})


def test_a_learners_details_have_each_refit_with_the_rows_it_served(nasdaq):
    market = nasdaq.between("2010-01-01", "2010-06-30")
    learner = LastClose(refit="month", train=40)
    details_of(learner, market)
    refits = shown[0].refits
    # Of the months of 2010 those whose 40 rows and 2 of warm-up lie after 4 January.
    assert [str(refit.start.date()) for refit in refits] == ["2010-04-01", "2010-05-03", "2010-06-01"]
    assert [str(refit.stop.date()) for refit in refits] == ["2010-04-30", "2010-05-28", "2010-06-30"]
    closes = market.close["NASDAQ"]
    expected = [closes[:day].iloc[-1] for day in ("2010-03-31", "2010-04-30", "2010-05-28")]
    assert [refit.signal.close for refit in refits] == expected
    for refit in refits:
        assert refit.market.index[2] == refit.start
        assert refit.market.index[-1] == refit.stop
        assert not refit.market.ended


def test_the_forecast_that_was_traded_is_there_too(nasdaq):
    market = nasdaq.between("2010-01-01", "2010-06-30")
    learner = LastClose(refit="month", train=40)
    details_of(learner, market)
    pd.testing.assert_frame_equal(shown[0].forecast, evaluate(learner, market))
    given = evaluate(learner, market) * 2
    details_of(learner, market, forecast=given)
    pd.testing.assert_frame_equal(shown[1].forecast, given)


def test_a_refit_that_learned_nothing_is_there_without_a_signal(nasdaq):
    market = nasdaq.between("2010-01-01", "2010-06-30")
    details_of(LastClose(refit="month", train=40, least=2400.0), market)  # 2,397.96, 2,461.19, 2,257.04
    assert [refit.signal is None for refit in shown[0].refits] == [True, False, True]


def test_a_signal_that_is_no_learner_has_its_forecast_and_no_refits(nasdaq):
    @dataclass(frozen=True)
    class Shown(Level):
        def details(self, market):
            shown.append(market)
            return Details()

    market = nasdaq.rows(0, 10)
    details_of(Shown(5.0), market)
    assert shown[0].refits == ()
    pd.testing.assert_frame_equal(shown[0].forecast, evaluate(Level(5.0), market))
    assert market.forecast is None


def test_a_run_shows_the_fits_that_it_traded_and_makes_none_for_it(nasdaq):
    market = nasdaq.between("2010-01-01", "2010-06-30")
    fits = Fits()
    run = backtest(
        LastClose(refit="month", train=40),
        market,
        fits=fits,
        guard="off",
        # Its window takes the first opinion from April to May.
        universe=Universe(min_price=1.0, window=25),
    )
    assert fits.made == 2
    assert run.details.tables["Learned"]["Close"].tolist() == [2461.189941, 2257.040039]
    assert [str(refit.start.date()) for refit in shown[0].refits] == ["2010-05-03", "2010-06-01"]

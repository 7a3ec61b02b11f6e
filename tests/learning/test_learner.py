"""The walk forward: what a learner gets to see and when, what serves which rows, and what breaks the contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quantstrats import Learner, Market, SideSeries, Signal, backtest
from quantstrats.errors import ConfigError, DataError, SignalError
from quantstrats.evaluation import check_needs, evaluate
from quantstrats.learning.fits import Fits
from quantstrats.learning.learner import check_recipe
from quantstrats.signals import needs_of, parts_of

NAN = float("nan")
PERIODS = {"week": "W", "month": "M", "quarter": "Q", "year": "Y"}

fitted_on: list[Market] = []  # what fit() got, in order
served: list[tuple[int, Market]] = []  # what forecast() got, and by the signal of which fit


@pytest.fixture(autouse=True)
def _forget():
    fitted_on.clear()
    served.clear()


@dataclass(frozen=True)
class Remembering(Signal):
    """Forecasts the number of the fit that it came from."""

    name = "remembering"
    number: int
    rows: int

    def warmup(self):
        return self.rows

    def forecast(self, market):
        served.append((self.number, market))
        return pd.DataFrame(float(self.number), index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class Recorder(Learner):
    """Keeps what it is fitted on."""

    name = "recorder"
    rows: int = 1

    def warmup(self):
        return self.rows

    def fit(self, market):
        fitted_on.append(market)
        return Remembering(len(fitted_on), self.rows)


@dataclass(frozen=True)
class Closes(Signal):
    """The closes of `back` rows before."""

    name = "closes"
    back: int = 0

    def warmup(self):
        return self.back + 1

    def forecast(self, market):
        return market.close.shift(self.back)


def first_rows(market, period):
    """Return the first row of each period that begins after the market's first row, from the rows themselves."""
    key = market.session.to_period(PERIODS[period])
    return (np.flatnonzero(key[1:] != key[:-1]) + 1).tolist()


def spans(markets):
    return [(market.index[0], market.index[-1], len(market)) for market in markets]


# ------------------------------------------------------------------------------------------- which rows, and when


@pytest.mark.parametrize("period", list(PERIODS))
@pytest.mark.parametrize(("train", "rows"), [(5, 1), (40, 4)])
def test_a_fit_gets_its_training_rows_and_a_warm_up_all_before_the_refit(nasdaq, period, train, rows):
    market = nasdaq.between("2009-03-03", "2011-06-30")
    forecast = evaluate(Recorder(refit=period, train=train, rows=rows), market)["NASDAQ"].to_numpy()
    refits = [row for row in first_rows(market, period) if row >= train + rows - 1]
    assert len(refits) >= 2
    assert spans(fitted_on) == [
        (market.index[row - train - rows + 1], market.index[row - 1], train + rows - 1) for row in refits
    ]
    # Each fit serves from its refit to the row before the next, and nothing serves before the first.
    expected = np.full(len(market), NAN)
    for number, row in enumerate(refits, start=1):
        expected[row:] = number
    np.testing.assert_array_equal(forecast, expected)
    # It is asked on those rows and the warm-up before them.
    ends = [row - 1 for row in refits[1:]] + [len(market) - 1]
    assert spans(market for _, market in served) == [
        (market.index[row - rows + 1], market.index[end], end - row + rows)
        for row, end in zip(refits, ends, strict=True)
    ]


def test_training_rows_from_a_date_expand(nasdaq):
    market = nasdaq.between("2009-03-03", "2011-06-30")
    # 5 September 2009 was a Saturday, the 7th Labor Day. The first refit is that of 2010.
    evaluate(Recorder(refit="year", train=date(2009, 9, 5), rows=4), market)
    start = market.index.get_loc(pd.Timestamp("2009-09-08")) - 3
    year = {day.year: market.index.get_loc(day) for day in market.index[first_rows(market, "year")]}
    assert spans(fitted_on) == [(market.index[start], market.index[row - 1], row - start) for row in year.values()]
    assert list(year) == [2010, 2011]


def test_a_market_that_begins_after_the_date_of_training_has_no_opinion(nasdaq):
    learner = Recorder(refit="month", train=date(2010, 1, 4))
    assert evaluate(learner, nasdaq.between("2010-01-05", "2010-06-30")).isna().all(axis=None)
    assert not fitted_on
    assert evaluate(learner, nasdaq.between("2010-01-04", "2010-06-30")).notna().any(axis=None)
    # A warm-up before the date's row must be there too.
    longer = Recorder(refit="month", train=date(2010, 1, 4), rows=2)
    assert evaluate(longer, nasdaq.between("2010-01-04", "2010-06-30")).isna().all(axis=None)
    assert evaluate(longer, nasdaq.between("2009-12-31", "2010-06-30")).notna().any(axis=None)


def test_a_refit_on_the_date_of_training_itself_has_no_row_to_learn_from(nasdaq):
    market = nasdaq.between("2010-01-04", "2010-03-31")
    # 1 February is the first session of its month, 26 February the last one.
    forecast = evaluate(Recorder(refit="month", train=date(2010, 2, 1), rows=3), market)["NASDAQ"]
    assert forecast[:"2010-02-28"].isna().all()
    assert (forecast["2010-03-01":] == 1).all()
    assert evaluate(Recorder(refit="month", train=date(2010, 2, 26)), market)["NASDAQ"]["2010-03-01"] == 2
    assert len(fitted_on[-1]) == 1


def test_a_date_of_training_after_the_last_row_is_no_opinion(nasdaq):
    market = nasdaq.between("2010-01-05", "2010-06-30")
    assert evaluate(Recorder(refit="month", train=date(2030, 1, 1)), market).isna().all(axis=None)


def test_the_first_row_of_a_market_is_no_refit(nasdaq):
    # Both begin on the first session of January and a week; one row to train on is not there.
    market = nasdaq.between("2010-01-04", "2010-01-15")
    forecast = evaluate(Recorder(refit="week", train=1), market)["NASDAQ"]
    assert forecast[:"2010-01-08"].isna().all()
    assert (forecast["2010-01-11":] == 1).all()
    # Nor is the first row of one that begins within a period, where every truncated history seems to begin one.
    assert len(first_rows(nasdaq.between("2010-01-06", "2010-01-15"), "week")) == 1
    forecast = evaluate(Recorder(refit="week", train=1), nasdaq.between("2010-01-06", "2010-01-15"))["NASDAQ"]
    assert forecast[:"2010-01-08"].isna().all()


def test_a_period_that_began_before_the_market_has_no_opinion_without_any_warm_up_too(nasdaq):
    signal = type("Resetting", (Closes,), {"resets": "month"})()
    forecast = evaluate(signal, nasdaq.between("2010-01-05", "2010-02-26"))["NASDAQ"]
    assert forecast[:"2010-01-31"].isna().all()
    assert forecast["2010-02-01":].notna().all()


def test_refits_fall_on_exchange_sessions_whether_or_not_there_are_bars(market_of):
    # The week begins on Monday 5 January, when neither has a bar; there nobody is asked.
    market = market_of({"A": [1.0, None, 3, 4, 5, 6, 7], "B": [1.0, None, None, 4, 5, 6, 7]})
    forecast = evaluate(Recorder(refit="week", train=1), market)
    assert [seen.index[-1].day for seen in fitted_on] == [2, 9]
    assert [seen.index[-1].day for _, seen in served] == [6, 9, 12]
    assert forecast["A"].tolist() == pytest.approx([NAN, NAN, 1, 1, 1, 1, 2], nan_ok=True)
    assert forecast["B"].tolist() == pytest.approx([NAN, NAN, NAN, 1, 1, 1, 2], nan_ok=True)


def test_a_learner_is_the_same_whenever_the_data_begin(nasdaq):
    market = nasdaq.between("2009-01-05", "2010-12-31")
    learner = Means(refit="month", train=40)
    whole = evaluate(learner, market)
    for start in (1, 30, 111):
        part = evaluate(learner, market.rows(start, len(market)))
        first = next(row for row in first_rows(market, "month") if row >= start + 40)
        pd.testing.assert_frame_equal(part.loc[market.index[first] :], whole.iloc[first:], check_freq=False)
        assert part.loc[: market.index[first - 1]].isna().all(axis=None)


# ------------------------------------------------------------------------------------------- what can be seen


def test_labels_that_reach_beyond_the_slice_are_missing(nasdaq):
    evaluate(Recorder(refit="month", train=40), nasdaq.between("2010-01-04", "2010-12-31"))
    for market in fitted_on:
        label = market.close.shift(-3)["NASDAQ"]
        assert label.isna().tolist() == [False] * 37 + [True] * 3


def test_no_publication_after_the_last_row_is_in_a_fit(nasdaq):
    market = nasdaq.between("2015-01-02", "2015-12-31")
    assert market.side.series["vix"].known_at.max() > market.decided_at[200]
    evaluate(Recorder(refit="month", train=40, rows=3), market)
    for seen in fitted_on + [window for _, window in served]:
        assert seen.side.series["vix"].known_at.max() <= seen.decided_at[-1]
        assert seen.side["vix"].tolist() == market.side["vix"].loc[seen.index].tolist()


def test_which_symbols_end_is_kept_from_fit_and_forecast(market_of):
    # The last bar of B, on 6 January, is the first of four training rows before the 12th.
    closes = {"A": [1.0] * 12, "B": [1.0] * 3 + [None] * 9}
    market = market_of(closes, ended={"B": "2015-01-06"}, delisting_return={"B": -1.0})
    evaluate(Recorder(refit="week", train=4), market)
    assert list(fitted_on[0].symbols) == ["A", "B"]
    for seen in fitted_on + [window for _, window in served]:
        assert not seen.ended
        assert not seen.delisting_return


def test_windows_hold_only_symbols_with_a_bar_in_them(market_of):
    # Weeks begin on the 5th and the 12th. B has its last bar on the 6th, C its first on the 14th.
    market = market_of({"A": [1.0] * 12, "B": [1.0] * 3 + [None] * 9, "C": [None] * 8 + [1.0] * 4})
    forecast = evaluate(Recorder(refit="week", train=4, rows=2), market)
    assert [(seen.index[-1].day, list(seen.symbols)) for seen in fitted_on] == [(9, ["A", "B"]), (16, ["A", "C"])]
    # Before the 14th nothing tells that C will be listed in this week.
    windows = [(number, seen.index[0].day, seen.index[-1].day, list(seen.symbols)) for number, seen in served]
    assert windows == [(1, 9, 13, ["A"]), (1, 9, 16, ["A", "C"]), (2, 16, 20, ["A", "C"])]
    assert forecast["A"].tolist() == pytest.approx([NAN] * 6 + [1] * 5 + [2], nan_ok=True)
    assert forecast["C"].tolist() == pytest.approx([NAN] * 8 + [1] * 3 + [2], nan_ok=True)
    assert forecast["B"].isna().all()


def test_a_fit_without_any_bar_is_not_asked_for(market_of):
    market = market_of({"A": [None] * 6 + [1.0] * 6})
    forecast = evaluate(Recorder(refit="week", train=3), market)["A"]
    assert len(fitted_on) == 1
    assert forecast.tolist() == pytest.approx([NAN] * 11 + [1], nan_ok=True)


def test_a_universe_masks_forecasts_and_reaches_the_fit(market_of, sessions):
    universe = pd.DataFrame({"A": [True, False] * 4}, index=sessions(8))
    forecast = evaluate(Recorder(refit="week", train=2), market_of({"A": [1.0] * 8}, universe=universe))["A"]
    assert forecast.tolist() == pytest.approx([NAN] * 6 + [1, NAN], nan_ok=True)
    assert fitted_on[0].universe["A"].tolist() == [True, False]


# ------------------------------------------------------------------------------------------- values


@dataclass(frozen=True)
class Above(Signal):
    """The close less a level."""

    name = "above"
    level: tuple[tuple[str, float], ...]

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close - pd.Series(dict(self.level)).reindex(market.symbols)


@dataclass(frozen=True)
class Means(Learner):
    """Learns each symbol's mean close."""

    name = "means"

    def warmup(self):
        return 1

    def fit(self, market):
        return Above(tuple(market.close.mean().items()))


def test_a_whole_walk_forward_has_the_values_that_one_computes_by_hand(market_of):
    #  January 2015:  2   5   6   7   8   9  12  13  14  15  16  20 (the 19th is a holiday)
    market = market_of(
        {
            "A": [10.0, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 50],
            "B": [None, None, None, 5, 5, None, 6, 6, 6, 6, 9, 1],
        }
    )
    forecast = evaluate(Means(refit="week", train=3), market)
    # 5 January: one row is before it, too few. 12 January: A's mean over the 7th to the 9th is 18, B's 5.
    # 20 January: over the 14th to the 16th 28 and 7.
    assert forecast["A"].tolist() == pytest.approx([NAN] * 6 + [4, 6, 8, 10, 12, 22], nan_ok=True)
    assert forecast["B"].tolist() == pytest.approx([NAN] * 6 + [1, 1, 1, 1, 4, -6], nan_ok=True)


def test_from_rows_of_which_nothing_can_be_learned_there_is_no_opinion(market_of):
    @dataclass(frozen=True)
    class Choosy(Means):
        def fit(self, market):
            return None if market.close["A"].iloc[-1] < 20.5 else super().fit(market)

    market = market_of({"A": [10.0, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 50]})
    forecast = evaluate(Choosy(refit="week", train=3), market)["A"]
    assert forecast.tolist() == pytest.approx([NAN] * 11 + [22], nan_ok=True)


def test_one_slice_is_fitted_once_in_a_run(nasdaq):
    market, fits = nasdaq.between("2010-01-04", "2010-12-31"), Fits()
    first = evaluate(Recorder(refit="month", train=40), market, fits=fits)
    again = evaluate(Recorder(refit="month", train=40), market.rows(3, len(market)), fits=fits)
    assert fits.made == len(fitted_on) == 9  # 38 rows are before March, April is the first
    pd.testing.assert_frame_equal(again.dropna(), first.dropna(), check_freq=False)


# ------------------------------------------------------------------------------------------- parts


@dataclass(frozen=True)
class Sum(Signal):
    """The sum of its parts."""

    name = "sum"
    left: Signal = field(default_factory=Closes)
    others: tuple[Signal, ...] = ()
    rows: int = 1

    def warmup(self):
        return self.rows

    def forecast(self, market):
        served.append((0, market))
        return sum(market.parts.values())


@dataclass(frozen=True)
class Meta(Recorder):
    """Learns from the forecasts of a part."""

    name = "meta"
    primary: Signal = field(default_factory=Closes)


def test_parts_bear_the_names_of_their_fields():
    left, first, second = Closes(1), Closes(2), Closes(3)
    assert parts_of(Sum(left, (first, second))) == {"left": left, "others[0]": first, "others[1]": second}
    assert parts_of(Closes()) == {}


def test_a_composition_gets_the_forecasts_of_its_parts_aligned(market_of):
    market = market_of({"A": [1.0, 2, 3, 4, 5], "B": [None, 20.0, 30, 40, 50]})
    forecast = evaluate(Sum(Closes(1), (Closes(0),)), market)
    # No row has an opinion before all parts may have one.
    assert forecast["A"].tolist() == pytest.approx([NAN, 3, 5, 7, 9], nan_ok=True)
    assert forecast["B"].tolist() == pytest.approx([NAN, NAN, 50, 70, 90], nan_ok=True)
    ((_, seen),) = served
    assert list(seen.parts) == ["left", "others[0]"]
    assert seen.parts["left"]["A"].tolist() == pytest.approx([NAN, 1, 2, 3, 4], nan_ok=True)
    assert seen.parts["others[0]"].index.equals(market.index)
    assert list(seen.parts["others[0]"].columns) == ["A", "B"]


def test_a_composition_has_no_opinion_until_its_whole_window_has_parts(market_of):
    forecast = evaluate(Sum(Closes(1), rows=3), market_of({"A": [1.0, 2, 3, 4, 5]}))["A"]
    # The part speaks from the second row on, a window of three rows of it is whole on the fourth.
    assert forecast.tolist() == pytest.approx([NAN, NAN, NAN, 3, 4], nan_ok=True)


def test_what_a_signal_writes_into_its_parts_stays_with_it(market_of):
    class Careless(Sum):
        def forecast(self, market):
            left = market.parts["left"]
            left.iloc[:] = 7.0
            return market.parts["left"]

    assert evaluate(Careless(), market_of({"A": [1.0, 2]}))["A"].tolist() == [1, 2]


def test_compositions_nest(market_of):
    inner = Sum(Closes(0), (Closes(1),))
    forecast = evaluate(Sum(inner, (Closes(2),)), market_of({"A": [1.0, 2, 3, 4, 5]}))["A"]
    assert forecast.tolist() == pytest.approx([NAN, NAN, 3 + 2 + 1, 4 + 3 + 2, 5 + 4 + 3], nan_ok=True)


def test_a_learner_gets_its_parts_forecasts_in_fit_and_in_forecast(nasdaq):
    market = nasdaq.between("2009-06-01", "2010-12-31")
    primary = Means(refit="quarter", train=30)
    evaluate(Meta(refit="month", train=20, rows=3, primary=primary), market)
    alone = evaluate(primary, market)
    assert len(fitted_on) >= 10
    for seen in fitted_on + [window for _, window in served]:
        pd.testing.assert_frame_equal(seen.parts["primary"], alone.loc[seen.index], check_freq=False)
    # Each of them is out of sample: fitted on rows before its own.
    first = fitted_on[0]
    assert first.parts["primary"].notna().all(axis=None)
    assert alone.loc[: first.index[0]].notna().sum().item() == 1


def test_a_part_that_has_no_opinion_is_missing_in_the_fit(market_of):
    market = market_of({"A": [1.0] * 12, "B": [None, 1.0, 1, 1, None, 1, None, 1, 1, 1, 1, 1]})
    evaluate(Meta(refit="week", train=5), market)
    # The week before 12 January. A bar that is missing on the 8th takes the opinion of the day away.
    assert fitted_on[0].parts["primary"]["B"].tolist() == pytest.approx([1, 1, 1, NAN, 1], nan_ok=True)


def test_a_part_with_resets_reaches_a_learner(nasdaq):
    @dataclass(frozen=True)
    class SinceMonth(Signal):
        """How many rows the month is old, where the row before it counts as the first."""

        name = "since_month"
        resets = "month"

        def warmup(self):
            return 2

        def forecast(self, market):
            return (market.close * 0 + 1).cumsum()

    market = nasdaq.between("2010-01-04", "2010-12-31")
    evaluate(Meta(refit="quarter", train=30, primary=SinceMonth()), market)
    age = pd.Series(1, index=market.index).groupby(market.session.to_period("M")).cumsum() + 1
    for seen in fitted_on:
        assert seen.parts["primary"]["NASDAQ"].tolist() == age.loc[seen.index].tolist()


def test_needs_are_those_of_all_parts(market_of, sessions):
    first = type("First", (Closes,), {"needs": ("vix",)})()
    second = type("Second", (Closes,), {"needs": ("put_call", "vix")})()
    whole = Sum(first, (Sum(Closes(), (second,)),))
    assert needs_of(whole) == ("vix", "put_call")
    days = sessions(3)
    vix = SideSeries(pd.Series([1.0, 2, 3], index=days), days.tz_localize("UTC"))
    market = market_of({"A": [1.0, 2, 3]}, side={"vix": vix})
    told = r"^signal 'closes' needs the side series 'put_call' \(the market has: vix\); say where"
    with pytest.raises(DataError, match=told):
        evaluate(whole, market)
    assert evaluate(Sum(first), market).notna().all(axis=None)


def test_a_parts_resets_and_recipe_are_checked(market_of):
    market = market_of({"A": [1.0, 2]})
    with pytest.raises(SignalError, match="signal 'closes' resets every 'day'"):
        evaluate(Sum(type("Daily", (Closes,), {"resets": "day"})()), market)
    with pytest.raises(SignalError, match=r"signal 'closes': warmup\(\) returned 0; it counts rows, at least 1"):
        evaluate(Sum(Closes(-1)), market)


# ------------------------------------------------------------------------------------------- what breaks the contract


def refusal(learner, market):
    with pytest.raises(SignalError) as told:
        evaluate(learner, market)
    assert "\n" not in str(told.value)
    return str(told.value)


def giving(result, **fields):
    @dataclass(frozen=True)
    class Giving(Recorder):
        name = "giving"

        def fit(self, market):
            return result

    return Giving(refit="week", train=1, **fields)


WRONG = [
    (3, "fit() returned int, not a Signal (or None, where nothing is learned)"),
    (Closes, "fit() returned ABCMeta, not a Signal (or None, where nothing is learned)"),
    (Recorder(), "fit() returned Recorder, not a Signal (or None, where nothing is learned)"),
    (Sum(), "fit() returned a signal with parts; name them in the learner and use market.parts"),
    (Closes(2), "fit() returned a signal with a warm-up of 3 rows; the learner's own, 2, must be at least that"),
    (
        type("Yearly", (Closes,), {"resets": "year"})(),
        "fit() returned a signal with resets; it starts afresh at each refit as it is",
    ),
]


@pytest.mark.parametrize(("result", "message"), WRONG)
def test_a_fit_that_returns_what_cannot_serve_is_told(market_of, result, message):
    assert refusal(giving(result, rows=2), market_of({"A": [1.0] * 12})) == f"learner 'giving': {message}"


def test_a_fitted_signal_may_look_back_less_far_than_the_learner(market_of):
    forecast = evaluate(giving(Closes(0), rows=3), market_of({"A": [1.0, 2, 3, 4, 5, 6, 7, 8]}))["A"]
    assert forecast.tolist() == pytest.approx([NAN] * 6 + [7, 8], nan_ok=True)


def test_a_fit_that_fails_says_on_which_rows(market_of):
    class Failing(Recorder):
        def fit(self, market):
            return {}["coefficient"]

    told = refusal(Failing(refit="week", train=2), market_of({"A": [1.0] * 12}))
    on = "signal 'recorder' failed in fit() on the bars 2015-01-08 to 2015-01-09: KeyError: 'coefficient'"
    assert told.startswith(on)
    assert "test_learner.py line" in told


def test_a_fitted_signal_that_fails_says_where(market_of):
    @dataclass(frozen=True)
    class Failing(Closes):
        name = "failing"

        def forecast(self, market):
            return market.close / {4: 1, 5: 1}.get(len(market), 0).real.as_integer_ratio()["x"]

    assert refusal(giving(Failing()), market_of({"A": [1.0] * 12})).startswith("signal 'failing' failed in forecast()")


def test_a_learner_has_no_forecast_before_it_is_fitted(nasdaq):
    told = r"^learner 'recorder' must be fitted; ask evaluate\(\), not forecast\(\)$"
    with pytest.raises(SignalError, match=told):
        Recorder().forecast(nasdaq)


def test_a_learner_with_resets_is_refused(market_of):
    learner = type("Resetting", (Recorder,), {"resets": "month"})()
    told = "learner 'recorder' has resets; it starts afresh at each refit as it is"
    assert refusal(learner, market_of({"A": [1.0]})) == told


RECIPES = [
    ({"refit": "day"}, "refit is 'day'; it can be week, month, quarter, year"),
    ({"refit": None}, "refit is None; it can be week, month, quarter, year"),
    ({"train": 0}, "train is 0; it is a number of rows, at least 1, or a date"),
    ({"train": -5}, "train is -5; it is a number of rows, at least 1, or a date"),
    ({"train": 2.5}, "train is 2.5; it is a number of rows, at least 1, or a date"),
    ({"train": True}, "train is True; it is a number of rows, at least 1, or a date"),
    ({"train": "2015-01-01"}, "train is '2015-01-01'; it is a number of rows, at least 1, or a date"),
    ({"train": None}, "train is None; it is a number of rows, at least 1, or a date"),
]


@pytest.mark.parametrize(("recipe", "message"), RECIPES)
def test_a_recipe_that_makes_no_sense_is_refused(market_of, recipe, message):
    with pytest.raises(ConfigError) as told:
        Recorder(**recipe)
    assert str(told.value) == message

    class Unchecked(Recorder):
        def __post_init__(self):
            """Check nothing."""

    # Where a subclass forgets the check, the framework does not.
    with pytest.raises(ConfigError) as told:
        check_needs(Unchecked(**recipe), market_of({"A": [1.0]}))
    assert str(told.value) == message


@pytest.mark.parametrize("train", [1, np.int64(7), date(2015, 1, 1), pd.Timestamp("2015-01-01")])
def test_a_recipe_is_a_number_of_rows_or_a_date(train):
    check_recipe(Recorder(train=train))


def test_a_learner_is_made_from_plain_data(installed, nasdaq):
    installed.register(_plugin())
    settings = {"name": "means", "refit": "quarter", "train": "2009-05-01"}
    run = backtest(settings, nasdaq.between("2009-01-02", "2010-06-30"), allocator="long_flat", plugins=installed)
    assert run.config["signal"] == {"name": "means", "refit": "quarter", "train": "2009-05-01"}
    assert run.manifest["fits"] == {"made": 4, "recalled": 0}
    again = backtest(settings, nasdaq.between("2009-01-02", "2010-06-30"), allocator="long_flat", plugins=installed)
    assert again.manifest["fits"] == {"made": 0, "recalled": 4}
    assert again.manifest["content"] == run.manifest["content"]


def _plugin() -> Any:
    from types import ModuleType

    from quantstrats import hookimpl

    module = ModuleType("learning_plugin")

    @hookimpl
    def register_signals(register):
        register(Means)

    module.register_signals = register_signals
    return module

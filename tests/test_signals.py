"""How a signal is evaluated: what is masked, what periods do, and what breaks the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quantstrats import Details, Market, SideSeries, Signal
from quantstrats.errors import DataError, SignalError
from quantstrats.evaluation import check_needs, details_of, evaluate

NAN = float("nan")


@dataclass(frozen=True)
class Inline(Signal):
    """A signal made of a function of the market."""

    name = "inline"
    function: Any = None
    rows: Any = 1

    def warmup(self):
        return self.rows

    def forecast(self, market):
        return self.function(market)


@dataclass(frozen=True)
class Hysteresis(Signal):
    """Long from a rise above `high` until a fall below `low`; it remembers."""

    name = "hysteresis"
    high: float = 1.0
    low: float = -1.0
    memory: int = 20

    def warmup(self):
        return self.memory

    def forecast(self, market):
        close = market.close
        score = (close - close.rolling(self.memory).mean()) / close.rolling(self.memory).std()
        state = pd.DataFrame(NAN, index=close.index, columns=close.columns)
        return state.mask(score > self.high, 1.0).mask(score < self.low, 0.0).ffill()


@dataclass(frozen=True)
class Weekly(Hysteresis):
    name = "weekly"
    resets = "week"
    memory: int = 5


@dataclass(frozen=True)
class Monthly(Hysteresis):
    name = "monthly"
    resets = "month"


@dataclass(frozen=True)
class Quarterly(Hysteresis):
    name = "quarterly"
    resets = "quarter"


CLOSES = {"A": [10.0, 11, 12, 13, 14, 15], "B": [20.0, None, 22, 23, 24, 25]}


@pytest.fixture
def market(market_of):
    return market_of(CLOSES)


def column(frame, symbol):
    return frame[symbol].tolist()


def refusal(signal, market):
    with pytest.raises((DataError, SignalError)) as told:
        evaluate(signal, market)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_there_is_no_opinion_before_the_warm_up_is_complete(market):
    forecast = evaluate(Inline(lambda m: m.close, rows=3), market)
    assert column(forecast, "A") == pytest.approx([NAN, NAN, 12, 13, 14, 15], nan_ok=True)


def test_a_market_shorter_than_the_warm_up_has_no_opinion(market):
    assert evaluate(Inline(lambda m: m.close, rows=7), market).isna().all(axis=None)


def test_there_is_no_opinion_where_there_is_no_bar(market):
    forecast = evaluate(Inline(lambda m: m.close.ffill()), market)
    assert column(forecast, "B") == pytest.approx([20, NAN, 22, 23, 24, 25], nan_ok=True)


def test_there_is_no_opinion_outside_the_universe_but_bars_are_not_masked(market_of, sessions):
    universe = pd.DataFrame({"A": [False, True] * 3, "B": True}, index=sessions(6))
    forecast = evaluate(Inline(lambda m: m.close.shift(1)), market_of(CLOSES, universe=universe))
    assert column(forecast, "A") == pytest.approx([NAN, 10, NAN, 12, NAN, 14], nan_ok=True)


def test_symbols_that_are_left_out_have_no_opinion(market):
    forecast = evaluate(Inline(lambda m: m.close[["A"]]), market)
    assert forecast.columns.tolist() == ["A", "B"]
    assert forecast["B"].isna().all()


def test_symbols_stand_in_the_markets_order(market):
    assert evaluate(Inline(lambda m: m.close[["B", "A"]]), market).columns.tolist() == ["A", "B"]


@pytest.mark.parametrize("kind", ["bool", "int64", "float32", "object"])
def test_every_kind_of_number_becomes_float64(market, kind):
    forecast = evaluate(Inline(lambda m: (m.close[["A"]] > 12).astype(kind)), market)
    assert column(forecast, "A") == [0, 0, 0, 1, 1, 1]
    assert set(forecast.dtypes) == {np.dtype("float64")}


def test_what_a_signal_writes_into_its_frames_does_not_reach_the_market(market):
    def overwrite(market):
        close = market.close
        close.iloc[:] = 1.0
        return close

    evaluate(Inline(overwrite), market)
    assert column(market.close, "A") == CLOSES["A"]


def test_a_warm_up_of_numpy_counts_too(market):
    assert check_needs(Inline(lambda m: m.close, rows=np.int64(2)), market) == 2


CONTRACT = [
    (lambda m: m.close.to_numpy(), "forecast() returned ndarray, not a DataFrame of rows x symbols"),
    (lambda m: m.close["A"], "forecast() returned Series, not a DataFrame"),
    (lambda m: m.close.iloc[1:], "forecast() returned 5 rows where the market has 6; keep its index"),
    (lambda m: m.close.set_axis(range(6)), "forecast() returned rows with other labels than the market's; keep"),
    (lambda m: m.close.assign(C=1.0), "forecast() returned the symbol 'C', which the market does not have"),
    (lambda m: m.close.set_axis(["A", 1], axis=1), "forecast() returned the symbol 1, which the market does not have"),
    (lambda m: m.close[["A", "A"]], "forecast() returned the symbol 'A' twice"),
    (lambda m: 1 / (m.close - 12), "forecast() is infinite at 2015-01-06 A"),
    (lambda m: m.close.astype(str), "forecast() returned values that are not numbers (str)"),
    (lambda m: m.close.astype(str).astype(object), "forecast() returned values that are not numbers (str)"),
    (lambda m: m.close.astype("datetime64[ns]"), "forecast() returned values that are not numbers (datetime64[ns])"),
    (lambda m: m.side["vix"], "failed in forecast() at 2015-01-02: DataError: no side series called 'vix'"),
]


@pytest.mark.parametrize(("function", "message"), CONTRACT)
def test_a_forecast_that_breaks_the_contract_is_refused_in_one_line(market, function, message):
    told = refusal(Inline(function), market)
    assert told.startswith("signal 'inline'")
    assert message in told


@pytest.mark.parametrize("rows", [0, -1, 2.0, True, None, "3"])
def test_a_warm_up_that_counts_nothing_is_refused(market, rows):
    message = f"signal 'inline': warmup() returned {rows!r}; it counts rows, at least 1"
    assert refusal(Inline(lambda m: m.close, rows=rows), market) == message


def test_unknown_resets_are_refused(market):
    class Daily(Inline):
        resets = "day"

    message = "signal 'inline' resets every 'day'; it can be week, month, quarter, year"
    assert refusal(Daily(lambda m: m.close), market) == message


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        (("vic",), "needs the side series 'vic'; did you mean 'vix'? (the market has: vix)"),
        (("put_call",), "needs the side series 'put_call' (the market has: vix); say where"),
        ("vix", "needs is text; write needs = ('vix',)"),
    ],
)
def test_a_missing_side_series_is_told_before_anything_runs(nasdaq, needs, message):
    needy = type("Needy", (Inline,), {"needs": needs})
    assert message in refusal(needy(lambda m: 1 / 0), nasdaq)


def test_a_market_without_side_series_says_so(market):
    needy = type("Needy", (Inline,), {"needs": ("vix",)})
    told = "signal 'inline' needs the side series 'vix' (the market has: none)"
    assert refusal(needy(None), market) == f"{told}; say where it comes from in data.side.vix"


def test_an_error_inside_names_the_line_of_the_signals_own_file(market):
    def fail(market):
        return market.close["missing"]

    told = refusal(Inline(fail), market)
    line = fail.__code__.co_firstlineno + 1
    assert (
        told == f"signal 'inline' failed in forecast() at 2015-01-02: KeyError: 'missing' (test_signals.py line {line})"
    )


def test_an_error_of_several_lines_is_told_in_one(market):
    def fail(market):
        raise ValueError("shapes differ:\n  (3,)\n  (4,)")

    assert "ValueError: shapes differ: (3,) (4,) (test_signals.py line" in refusal(Inline(fail), market)


def test_an_error_in_warmup_is_told(market):
    class Broken(Inline):
        def warmup(self):
            return self.lookback

    assert "signal 'inline' failed in warmup(): AttributeError" in refusal(Broken(None), market)


def test_an_interrupt_is_no_error_of_the_signal(market):
    def interrupt(market):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(Inline(interrupt), market)


def by_hand(signal, market, period):
    """Evaluate each period on its slice: warm-up rows before its first row, to its last."""
    key = market.session.to_period(period)
    expected = pd.DataFrame(NAN, index=market.index, columns=market.symbols)
    whole = np.append(False, key[1:] != key[:-1])
    for start in np.flatnonzero(whole):
        first = start - signal.warmup() + 1
        if first < 0:
            continue
        stop = start + int((key == key[start]).sum())
        piece = Market.from_frames(close=market.close.iloc[first:stop].dropna(axis=1, how="all"))
        expected.iloc[start:stop] = signal.forecast(piece).iloc[start - first :].reindex(columns=market.symbols)
    return expected.where(market.close.notna())


@pytest.mark.parametrize(("signal", "period"), [(Weekly(), "W"), (Monthly(), "M"), (Quarterly(), "Q")])
def test_resets_evaluate_each_period_on_its_own_slice(nasdaq, signal, period):
    market = nasdaq.between("2009-03-03", "2010-06-30")  # neither a week, a month nor a quarter begins there
    expected = by_hand(signal, market, period)
    pd.testing.assert_frame_equal(evaluate(signal, market), expected, check_freq=False, rtol=1e-9)
    assert expected["NASDAQ"].nunique() == 2
    assert not expected.equals(signal.forecast(market))  # its memory is longer than its warm-up


def test_the_first_partial_period_has_no_opinion(nasdaq):
    market = nasdaq.between("2010-01-05", "2010-04-30")
    forecast = evaluate(Monthly(), market)["NASDAQ"]
    # January cannot be seen whole, and 19 rows before February's first are there.
    assert forecast[:"2010-01-31"].isna().all()
    assert forecast["2010-02-01":].notna().any()


def test_a_period_without_a_full_warm_up_before_it_has_no_opinion(nasdaq):
    assert evaluate(Monthly(), nasdaq.between("2010-01-28", "2010-02-26")).isna().all(axis=None)
    market = nasdaq.between("2010-01-15", "2010-03-31")
    forecast = evaluate(Monthly(), market)["NASDAQ"]
    assert forecast[:"2010-02-28"].isna().all()
    assert forecast["2010-03-01":].notna().any()


def test_a_period_that_begins_with_the_data_is_whole_when_there_is_nothing_to_warm_up(nasdaq):
    market = nasdaq.between("2010-02-01", "2010-02-26")
    constant = type("Constant", (Inline,), {"resets": "month"})(lambda m: m.close * 0 + 1)
    assert (evaluate(constant, market) == 1).all(axis=None)


def test_windows_of_periods_contain_only_symbols_that_have_a_bar_in_them(sessions):
    index = sessions(60)  # January, February and March
    close = pd.DataFrame(
        {"A": 1.0, "B": np.where(index.month == 1, 1.0, NAN), "C": np.where(index.month == 3, 1.0, NAN)}, index
    )
    seen = []

    class Spy(Inline):
        resets = "month"

        def forecast(self, market):
            seen.append((market.index[-1].month, market.symbols.tolist()))
            return market.close

    forecast = evaluate(Spy(rows=2), Market.from_frames(close=close))
    # The warm-up row before February is January's last, in which B still has a bar.
    assert seen == [(2, ["A", "B"]), (3, ["A", "C"])]
    assert forecast["B"].isna().all()
    assert forecast["C"].count() == (index.month == 3).sum()


def test_a_period_without_any_bar_is_passed_over(sessions):
    index = sessions(60)
    close = pd.DataFrame({"A": np.where(index.month == 2, NAN, 1.0)}, index)
    mean = type("Mean", (Inline,), {"resets": "month"})(lambda m: m.close / m.close["A"].dropna().iloc[0])
    forecast = evaluate(mean, Market.from_frames(close=close))
    assert forecast["A"].count() == close["A"].count()


def test_each_slice_sees_side_series_of_its_rows(nasdaq):
    needy = type("Needy", (Inline,), {"needs": ("vix",), "resets": "month"})
    signal = needy(lambda m: m.side["vix"].to_frame("NASDAQ"))
    market = nasdaq.between("2015-01-02", "2015-03-31")
    assert evaluate(signal, market)["NASDAQ"].tolist() == market.side["vix"].tolist()


@pytest.mark.parametrize("signal", [Weekly(), Monthly(), Quarterly()])
def test_a_session_that_starts_later_agrees_from_the_first_whole_period_on(nasdaq, signal):
    market = nasdaq.between("2008-01-01", "2009-12-31")
    whole = evaluate(signal, market)
    for start in np.random.default_rng(7).integers(1, 350, 4).tolist():
        part = evaluate(signal, market.rows(start, len(market)))
        starts = np.flatnonzero(market.starts_period(signal.resets)[start:])
        first = starts[starts >= signal.warmup() - 1][0]
        pd.testing.assert_frame_equal(part.iloc[first:], whole.iloc[start + first :], rtol=1e-6, atol=1e-9)
        assert part.iloc[:first].isna().all(axis=None)


def closes(market):
    return market.close


def test_details_must_be_details(market):
    class Wrong(Inline):
        def details(self, market):
            return {"overlays": {}}

    with pytest.raises(SignalError, match=r"^signal 'inline': details\(\) returned dict, not Details$"):
        details_of(Wrong(closes), market)
    assert details_of(Inline(closes), market) == Details()


def test_an_error_in_details_is_told(market):
    class Failing(Inline):
        def details(self, market):
            raise OSError("no font")

    with pytest.raises(SignalError, match=r"signal 'inline' failed in details\(\): OSError: no font"):
        details_of(Failing(closes), market)


def test_a_signal_without_its_methods_cannot_be_made():
    with pytest.raises(TypeError, match="abstract method"):
        type("Half", (Signal,), {"name": "half", "warmup": lambda self: 1})()


def test_a_side_series_joins_the_same_after_a_later_start(nasdaq):
    market = nasdaq.between("2015-01-02", "2015-12-31")
    assert isinstance(market.side.series["vix"], SideSeries)
    late = market.rows(100, len(market))
    assert late.side["vix"].equals(market.side["vix"].iloc[100:])


def test_a_row_of_a_period_does_not_see_a_column_that_is_listed_later(market_of):
    @dataclass(frozen=True)
    class Crowd(Signal):
        name = "crowd"
        resets = "week"

        def warmup(self):
            return 1

        def forecast(self, market):
            return market.close * 0 + len(market.symbols)

    # 5 to 9 January is one week; B is listed on the 7th.
    market = market_of({"A": [1.0] * 7, "B": [None, None, None, 1, 1, 1, 1]})
    assert evaluate(Crowd(), market)["A"].tolist()[1:6] == [1.0, 1.0, 2.0, 2.0, 2.0]


def test_which_symbols_will_end_is_kept_from_the_forecast(market_of):
    seen = []

    @dataclass(frozen=True)
    class Curious(Signal):
        name = "curious"

        def warmup(self):
            return 1

        def forecast(self, market):
            seen.append((dict(market.ended), dict(market.delisting_return)))
            return market.close

    market = market_of({"A": [1, 2, None], "B": [1, 2, 3]}, ended={"A": "2015-01-05"}, delisting_return=-1.0)
    evaluate(Curious(), market)
    assert seen == [({}, {})]

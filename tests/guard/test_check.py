"""The look-ahead guard: it finds every planted bug, blames no clean signal, and stops the run."""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quantstrats import Learner, Market, Signal, Universe, backtest, load_run, tearsheet
from quantstrats.errors import ConfigError, LookAheadError, SignalError
from quantstrats.evaluation import evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.learning.fits import Fits
from quantstrats.runs.ledger import Ledger
from quantstrats.runs.summary import summary

NAN = float("nan")
ROWS = 210


def loaded(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # where the guard looks for what a signal can reach
    spec.loader.exec_module(module)
    return module


corpus = loaded(Path(__file__).with_name("guard_corpus.py"))


@functools.cache
def market_named(name, seed=0, rows=ROWS):
    return corpus.MARKETS[name](seed, rows)


def cases(kind, modes):
    """Give each case one market of those that it can take, another one in each mode."""
    given = []
    for place, (name, case) in enumerate(kind.items()):
        for turn, mode in enumerate(modes):
            market = case.markets[(place + turn) % len(case.markets)]
            given.append(pytest.param(case, market, mode, id=f"{name} {market} {mode} {turn}".replace(" ", "_")))
    return given


@dataclass(frozen=True)
class Inline(Signal):
    """A signal made of a function of the market."""

    name = "inline"
    function: Any = None
    rows: int = 1

    def warmup(self):
        return self.rows

    def forecast(self, market):
        return self.function(market)


def checked(signal, market, **options):
    fits = Fits()
    return check_lookahead(signal, market, evaluate(signal, market, fits=fits), fits=fits, **options)


def finding(signal, market, **options):
    with pytest.raises(LookAheadError) as found:
        checked(signal, market, **options)
    return str(found.value)


@pytest.fixture
def bars(nasdaq):
    return nasdaq.between("2015-01-02", "2015-12-31")


# ------------------------------------------------------------------------------------------------- what it finds

MESSAGE = re.compile(
    r"(part '\w+' of signal '\w+': )?signal '(?P<signal>\w+)' (?P<cause>[^:]+): (?P<symbol>\w+) at "
    r"(?P<row>\d{4}-\d\d-\d\d( \d\d:\d\d:00\+00:00)?) is (?P<before>[-\d.e]+|no opinion) in the backtest and "
    r"(?P<after>[-\d.e]+|no opinion) (when|from) [^\n]+"
)


FREQUENT = {name: case for name, case in corpus.BUGS.items() if not case.is_rare}
RARE = {name: case for name, case in corpus.BUGS.items() if case.is_rare}


@pytest.mark.parametrize(
    ("case", "market", "mode"), cases(FREQUENT, ["sampled", "full"]) + cases(RARE, ["full", "full", "full"])
)
def test_every_planted_bug_is_found_and_its_cause_named(case, market, mode):
    market = market_named(market)
    told = corpus.finding(case, market, mode=mode)
    assert told is not None
    assert case.says in told
    found = MESSAGE.fullmatch(told)
    assert found, told
    assert len(told) <= 250
    assert found["symbol"] in market.symbols
    assert found["before"] != found["after"]


@pytest.mark.parametrize("mode", ["sampled", "full"])
def test_the_message_names_the_value_in_the_backtest(mode):
    market = market_named("ragged")
    found = MESSAGE.fullmatch(finding(corpus.NextReturn(), market, mode=mode))
    close = market.close[found["symbol"]]
    place = close.index.get_loc(found["row"])
    assert float(found["before"]) == pytest.approx(close.iloc[place + 1] / close.iloc[place] - 1, rel=1e-5)


def test_a_bug_of_a_part_names_the_part_by_its_field(bars):
    told = finding(corpus.LeakingPart(), bars)
    assert told.startswith("part 'leaking' of signal 'leaking_part': signal 'centred' reads the future: NASDAQ at ")


def test_a_bug_of_a_part_of_a_part_names_the_composition_next_to_it(bars):
    told = finding(corpus.PartsFuture(primary=corpus.LeakingPart()), bars)
    assert told.startswith("part 'leaking' of signal 'leaking_part': signal 'centred' ")


def test_what_a_composition_adds_itself_is_not_blamed_on_its_parts(bars):
    assert finding(corpus.PartsFuture(), bars).startswith("signal 'parts_future' reads the future: ")


def test_data_beside_the_bars_is_named_by_its_place(bars):
    corpus.prepare(bars)
    told = finding(corpus.GlobalFrame(), bars)
    assert told.startswith("signal 'global_frame' reads the future in guard_corpus.CLOSES: NASDAQ at ")
    assert told.endswith("when that holds other values after this bar; data beside the bars belong into side series")


def test_a_row_that_has_no_opinion_in_time_is_a_finding(bars):
    # The last bar of each month is known as such only on the next one.
    def month_ends(market):
        month = pd.Series(market.session.month, index=market.index)
        return market.close[month != month.shift(-1)].reindex(market.index) * 0 + 1

    told = finding(Inline(month_ends), bars)
    assert " is 1 in the backtest and no opinion " in told or " is no opinion in the backtest and 1 " in told


def test_a_signal_that_opines_only_where_it_cannot_see_all_is_found(bars):
    told = finding(Inline(lambda m: m.close * (NAN if len(m) == len(bars) else 1.0), rows=2), bars)
    assert " is no opinion in the backtest and " in told


@pytest.mark.parametrize(
    "spared",
    [
        lambda close: close.isna().shift(-1, fill_value=False),  # a bar before a gap
        lambda close: close.pct_change(fill_method=None).shift(-1) < -0.12,  # a bar before a crash
    ],
)
def test_a_look_ahead_that_none_of_these_bars_shows_is_found(bars, spared):
    signal = Inline(lambda m: m.close.notna().astype(float).mask(spared(m.close), 0.0), rows=2)
    assert (evaluate(signal, bars)["NASDAQ"].dropna() == 1.0).all()
    assert " is 1 in the backtest and 0 when other bars follow;" in finding(signal, bars)


def test_memory_on_the_signal_itself_is_found(bars):
    @dataclass(frozen=True)
    class Learned(Signal):
        name = "learned"

        def warmup(self):
            return 1

        @functools.cached_property
        def seen(self):
            return {}

        def forecast(self, market):
            level = self.seen.setdefault("level", float(market.close.iloc[-1, 0]))
            return market.close / level

    assert "signal 'learned' reads the future" in finding(Learned(), bars)


def test_the_universe_of_later_rows_is_kept_from_a_forecast(bars):
    members = pd.DataFrame(np.random.default_rng(1).random((len(bars), 1)) < 0.5, bars.index, bars.symbols)
    market = bars.with_universe(members)
    tomorrow = Inline(lambda m: m.close.where(m.universe.shift(-1, fill_value=False), 0.0), rows=2)
    assert "reads the future" in finding(tomorrow, market)
    today = Inline(lambda m: m.close.where(m.universe.shift(1, fill_value=False), 0.0), rows=2)
    assert checked(type("Level", (Inline,), {"scale_free": False})(today.function, 2), market).result == "clean"


# ------------------------------------------------------------------------------------- on what it says nothing


@pytest.mark.parametrize(("case", "market", "mode"), cases(corpus.CLEAN, ["sampled", "full"]))
def test_nothing_is_said_of_unusual_but_clean_signals(case, market, mode):
    rows = 180 if mode == "full" else ROWS  # enough for the longest warm-up, and for all training rows
    assert corpus.finding(case, market_named(market, rows=rows), mode=mode) is None


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("name", ["long exponential average", "cross-sectional rank", "volume", "sign at a tie"])
def test_nothing_is_said_whatever_is_drawn(name, seed):
    assert corpus.finding(corpus.CLEAN[name], market_named("ragged", seed), seed=seed) is None


CLEAN_ON_ETFS = ["anchored hysteresis", "cross-sectional rank", "side series", "ffill with a limit", "sign at a tie"]


@pytest.fixture(scope="module")
def etfs(real_bars, nasdaq):
    """Real ETFs with the VIX, which is known a quarter of an hour after the close; three are listed later."""
    some = ["SPY", "TLT", "GLD", "XLE", "XLF", "HYG", "EEM"]
    frames = {name: frame.loc["2014-06-02":"2015-12-31", some] for name, frame in real_bars("daily_etf").items()}
    late = {"XLE": "2014-09-02", "HYG": "2015-03-02", "EEM": "2015-10-01"}
    listed = pd.DataFrame({symbol: frames["close"].index >= late.get(symbol, "2014") for symbol in some})
    # A bar that contradicts itself is none.
    highest, lowest = np.fmax(frames["open"], frames["close"]), np.fmin(frames["open"], frames["close"])
    whole = (frames["high"] >= highest) & (frames["low"] <= lowest) & listed.to_numpy()
    bars = {name: frame.astype("float64").where(whole) for name, frame in frames.items()}
    return Market.from_frames(**bars, side=dict(nasdaq.side.series))


@pytest.mark.parametrize("name", CLEAN_ON_ETFS)
def test_nothing_is_said_of_clean_signals_on_real_etfs(etfs, name):
    assert corpus.finding(corpus.CLEAN[name], etfs) is None


@pytest.mark.parametrize(
    "name", ["shift(-1) on trades", "len(symbols)", "side series by label", "unanchored hysteresis"]
)
def test_planted_bugs_are_found_on_real_etfs(etfs, name):
    told = corpus.finding(corpus.BUGS[name], etfs)
    assert told is not None
    assert corpus.BUGS[name].says in told


def test_a_signal_that_refuses_missing_bars_is_asked_before_a_future_without_them(bars):
    @dataclass(frozen=True)
    class Strict(Signal):
        name = "strict"

        def warmup(self):
            return 3

        def forecast(self, market):
            if market.close.isna().any(axis=None):
                raise ValueError("a bar is missing")
            return market.close.pct_change(2, fill_method=None)

    assert checked(Strict(), bars).rows == 64
    assert checked(Strict(), bars, mode="full").rows == len(bars) - 2


def test_a_signal_that_refuses_wild_bars_is_asked_without_any_future(bars):
    def careful(market):
        change = market.close.pct_change(fill_method=None)
        if (change.abs() > 0.1).any(axis=None):
            raise ValueError("that is no price of the NASDAQ")
        return change

    assert checked(Inline(careful, rows=2), bars.rows(0, 30)).result == "clean"
    assert checked(Inline(careful, rows=2), bars.rows(0, 30), mode="full").rows == 29


# -------------------------------------------------------------------------------------------------------- ties


@pytest.mark.parametrize("mode", ["sampled", "full"])
@pytest.mark.parametrize("in_backtest", [-1.0, 0.0, 1.0])
def test_a_tie_that_rounding_decides_is_no_finding(market_of, mode, in_backtest):
    market = market_of({"A": [10.0, 11.0] * 50, "B": [20.0, 22.0, 22.0, 20.0] * 25})

    # Both means are equal on every row of A, and on every other one of B; sums are rounded one way or the other.
    def sign(market):
        rounding = 1e-14 * (in_backtest if len(market) == 100 else 1.0)
        return np.sign(market.close.rolling(2).mean() - market.close.rolling(4).mean() + rounding)

    assert (evaluate(Inline(sign, rows=4), market)["A"].dropna() == in_backtest).all()
    assert checked(Inline(sign, rows=4), market, mode=mode).result == "clean"


def test_a_sign_that_the_future_decides_is_a_finding_at_a_tie_too(bars):
    def sign(market):
        last = market.close.iloc[-1]
        return np.sign((market.close * 1.1 - market.close) - market.close * 0.1 + (market.close - last) * 1e-3)

    assert "reads the future" in finding(Inline(sign), bars)


# ----------------------------------------------------------------------------------- how much may differ, by hand


def off_by(value, difference, market, dtype="float64"):
    kind = type("Off", (Inline,), {"dtype": dtype})
    return kind(lambda m: m.close * 0 + (value if len(m) == len(market) else value + difference))


@pytest.mark.parametrize(
    ("value", "difference", "dtype"),
    [
        (0.0, 0.9e-9, "float64"),
        (1000.0, 0.9e-9 + 1e-6 * 1000, "float64"),
        (-1000.0, 0.9e-9 + 1e-6 * 1000, "float64"),
        (0.0, 0.9e-5, "float32"),
        (-2.0, -(0.9e-5 + 1e-4 * 2), "float32"),
    ],
)
def test_a_difference_within_the_tolerance_passes(bars, value, difference, dtype):
    assert checked(off_by(value, difference, bars, dtype), bars).result == "clean"


@pytest.mark.parametrize(
    ("value", "difference", "dtype"),
    [
        (0.0, 1.1e-9, "float64"),
        (0.0, -1.1e-9, "float64"),
        (1.0, 1.1e-9 + 1e-6, "float64"),
        (-1000.0, 1.1e-9 + 1e-6 * 1001, "float64"),
        (0.0, 1.1e-5, "float32"),
        (-2.0, -(1.1e-5 + 1e-4 * 2), "float32"),
    ],
)
def test_a_difference_beyond_the_tolerance_fails(bars, value, difference, dtype):
    finding(off_by(value, difference, bars, dtype), bars)


def test_values_that_look_alike_are_shown_with_all_their_digits(bars):
    found = MESSAGE.fullmatch(finding(off_by(1.0, 1.2e-6, bars), bars))
    assert (found["before"], found["after"]) == ("1", "1.0000012")


# ------------------------------------------------------------------------------------------------- what it reports


def test_the_sampled_mode_recomputes_64_rows(bars):
    report = checked(corpus.Momentum(), bars, seed=5)
    assert (report.mode, report.result, report.rows, report.refits, report.seed) == ("sampled", "clean", 64, 0, 5)


def test_the_full_mode_recomputes_every_row_that_has_a_forecast(bars):
    assert checked(corpus.Momentum(), bars, mode="full").rows == len(bars) - 5


def test_a_short_market_is_recomputed_whole(bars):
    assert checked(corpus.Momentum(), bars.rows(0, 20)).rows == 15


@pytest.mark.parametrize("mode", ["sampled", "full"])
def test_a_market_shorter_than_the_warm_up_has_nothing_to_recompute(bars, mode):
    report = checked(corpus.Momentum(bars=30), bars.rows(0, 30), mode=mode)
    assert (report.rows, report.result) == (0, "nothing to check")


def test_rows_of_parts_are_counted(bars):
    sound = corpus.LeakingPart(leaking=corpus.Momentum(10))
    assert checked(sound, bars).rows == 64 + 16 + 16
    assert checked(sound, bars, mode="full").rows == (len(bars) - 10) + (len(bars) - 5) + (len(bars) - 10)


def test_off_asks_nothing(bars):
    forecast = evaluate(corpus.NextReturn(), bars)
    report = check_lookahead(Inline(lambda m: 1 / 0), bars, forecast, mode="off", seed=3)
    assert (report.mode, report.result, report.rows, report.refits, report.seed) == ("off", "not checked", 0, 0, 3)


@pytest.mark.parametrize("mode", ["ful", "", None, True, 1])
def test_an_unknown_mode_is_refused(bars, mode):
    hint = "; did you mean 'full'?" if mode == "ful" else ""
    with pytest.raises(ConfigError, match=re.escape(f"guard is {mode!r}{hint} (it can be full, sampled, off)")):
        check_lookahead(Inline(), bars, bars.close, mode=mode)


def test_the_same_seed_looks_at_the_same_rows_and_another_at_others(bars):
    def rows_asked(seed):
        asked = []

        def forecast(market):
            asked.append(market.index[0])
            return market.close * 0

        checked(Inline(forecast), bars, seed=seed)
        return asked

    assert rows_asked(1) == rows_asked(1)
    assert rows_asked(1) != rows_asked(2)


def test_rows_before_the_universe_is_complete_are_left_out(bars):
    forecast = evaluate(corpus.Momentum(), bars)
    forecast.iloc[:105] = 7.0  # what is there is not looked at
    assert check_lookahead(corpus.Momentum(), bars, forecast, mode="full", since=100).rows == len(bars) - 105
    with pytest.raises(LookAheadError):
        check_lookahead(corpus.Momentum(), bars, forecast, mode="full", since=99)


# --------------------------------------------------------------------------------------------------------- learners


@dataclass(frozen=True)
class Line(Signal):
    name = "line"
    slope: float = 1.0

    def warmup(self):
        return 2

    def forecast(self, market):
        return self.slope * market.close.pct_change(fill_method=None)


@dataclass(frozen=True)
class Counting(Learner):
    name = "counting"
    refit: str = "month"
    train: int = 40
    fits = []  # noqa: RUF012 - what is counted

    def warmup(self):
        return 2

    def fit(self, market):
        self.fits.append(market.index[-1])
        return Line(float(market.close.pct_change(fill_method=None).mean().iloc[0]))


@dataclass(frozen=True)
class Both(Signal):
    name = "both"
    one: Signal = field(default_factory=Counting)
    two: Signal = field(default_factory=lambda: Counting(train=60))

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.parts["one"] + market.parts["two"]


@pytest.mark.parametrize("mode", ["sampled", "full"])
@pytest.mark.parametrize(("signal", "learners"), [(Counting(), 1), (Both(), 2)])
def test_nothing_is_fitted_again_but_one_fit_of_each_learner(bars, signal, learners, mode):
    bars = bars.rows(0, 100)
    fits = Fits()
    Counting.fits.clear()
    forecast = evaluate(signal, bars, fits=fits)
    made = len(Counting.fits)
    report = check_lookahead(signal, bars, forecast, mode=mode, fits=fits)
    assert made >= 2 * learners
    assert len(Counting.fits) - made == report.refits == learners


def test_a_fit_that_reads_past_its_refit_through_a_frame_of_its_module_is_found():
    market = market_named("nasdaq")
    corpus.prepare(market)
    told = finding(corpus.GlobalLabels(), market)
    assert told.startswith("signal 'global_labels' reads the future in guard_corpus.CLOSES: NASDAQ at ")


def test_a_learner_may_depend_on_the_scale_of_prices(bars):
    @dataclass(frozen=True)
    class Level(Line):
        def forecast(self, market):
            return self.slope * market.close

    class Levels(Counting):
        def fit(self, market):
            return Level(1.0)

    assert checked(Levels(), bars).result == "clean"


# ----------------------------------------------------------------------------------------- what fails in a replay


def test_a_signal_that_fails_on_the_rows_of_a_session_is_one_clear_line(bars):
    told = finding(Inline(lambda m: m.close / m.close.iloc[100], rows=50), bars)
    assert "\n" not in told
    day, line = r"\d{4}-\d\d-\d\d", re.escape(f"({Path(__file__).name} line ")
    assert re.fullmatch(
        rf"signal 'inline' cannot be asked on the rows that a session of {day} would have "
        rf"\({day} to {day}, 1 symbols\): signal 'inline' failed in forecast\(\) at {day}: "
        rf"IndexError: [^\n]*{line}\d+\)",
        told,
    ), told


def test_an_interrupt_passes_and_restores_what_was_changed(bars):
    corpus.prepare(bars)
    before = corpus.CLOSES
    asked = []

    @dataclass(frozen=True)
    class Interrupted(corpus.GlobalFrame):
        def forecast(self, market):
            asked.append(corpus.CLOSES is before)
            if len(asked) > 1:
                raise KeyboardInterrupt
            return super().forecast(market)

    with pytest.raises(KeyboardInterrupt):
        checked(Interrupted(), bars)
    assert asked == [True, False]
    assert corpus.CLOSES is before


@pytest.mark.parametrize("signal", [corpus.GlobalFrame, corpus.ClassFrame, corpus.Cached, corpus.CachedFunction])
def test_what_stands_beside_the_bars_is_restored_after_a_finding(bars, signal):
    corpus.prepare(bars)
    evaluate(signal(), bars)
    before = corpus.CLOSES, corpus.CACHE, corpus.ClassFrame.closes, corpus.load_closes
    finding(signal(), bars)
    after = corpus.CLOSES, corpus.CACHE, corpus.ClassFrame.closes, corpus.load_closes
    assert all(one is other for one, other in zip(before, after, strict=True))
    pd.testing.assert_frame_equal(corpus.CLOSES, bars.close)


# ------------------------------------------------------------------------------------------------------ in a backtest


@pytest.mark.parametrize("guard", ["sampled", "full"])
def test_a_finding_stops_the_run_and_stands_in_the_ledger_as_failed(bars, home, guard):
    with pytest.raises(LookAheadError, match=r"^signal 'next_return' reads the future: NASDAQ at 2015-"):
        backtest(corpus.NextReturn(), bars, guard=guard)
    (row,) = Ledger().rows()
    assert row["status"] == "failed"
    assert not [folder for folder in home.glob("**/runs/*") if (folder / "manifest.json").exists()]


def test_a_finding_is_an_error_of_the_signal():
    assert issubclass(LookAheadError, SignalError)


def test_a_run_says_what_the_guard_did(bars):
    run = backtest(Counting(), bars)
    assert set(run.manifest["guard"]) == {"mode", "result", "rows", "refits", "seed", "beside"}
    kept = load_run(run.save()).manifest["guard"]
    assert (kept["mode"], kept["result"], kept["rows"], kept["refits"]) == ("sampled", "clean", 64, 1)
    assert kept["seed"] == backtest(Counting(), bars).manifest["guard"]["seed"]
    assert not any("guard" in stamp for stamp in run.manifest["stamps"])


TABLE = pd.DataFrame()  # a test fills it


@dataclass(frozen=True)
class Beside(Signal):
    """Reads tomorrow's return from a frame that was shifted before it was stored."""

    name = "beside"

    def warmup(self):
        return 1

    def forecast(self, market):
        return TABLE.reindex(index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class Printing(Signal):
    """Prints whenever it is asked."""

    name = "printing"

    def warmup(self):
        return 1

    def forecast(self, market):
        print("asked")  # noqa: T201 - it is what strangers do
        return market.close.notna().astype(float)


def test_dated_data_beside_the_market_is_stamped_where_its_future_is_not_read(bars, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "TABLE", bars.close.pct_change(fill_method=None).shift(-1))
    assert checked(Beside(), bars).beside == (f"{__name__}.TABLE",)
    stamp = f"the signal reads {__name__}.TABLE beside its market: nobody checked when those values were known"
    assert stamp in backtest(Beside(), bars).manifest["stamps"]


def test_what_a_signal_prints_is_not_printed_again_by_the_guard(bars, capsys):
    backtest(Printing(), bars)
    assert capsys.readouterr().out == "asked\n"


def test_off_is_stamped_on_the_run_and_its_reports(bars):
    run = backtest(corpus.NextReturn(), bars, guard="off")
    stamp = "the look-ahead guard was off: nobody checked that the forecast could be had at its time"
    assert stamp in run.manifest["stamps"]
    assert (run.manifest["guard"]["mode"], run.manifest["guard"]["result"]) == ("off", "not checked")
    assert stamp in " ".join(summary(run).split())
    assert stamp in tearsheet(run)


def test_an_unknown_mode_stops_before_anything_runs(bars):
    with pytest.raises(ConfigError, match="guard is 'sample'; did you mean 'sampled'"):
        backtest(corpus.Momentum(), bars, guard="sample")
    assert Ledger().rows() == []


def test_universes_judged_on_a_window_are_checked_with_the_forecast(installed):
    market = market_named("ragged")
    run = backtest(corpus.Rank(), market, universe=Universe(min_price=5.0, window=30), plugins=installed)
    assert run.manifest["guard"]["result"] == "clean"

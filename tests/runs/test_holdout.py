"""The hold-out: what a market without it has, what a run that opens it says, and how openings are counted."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Learner, Signal, backtest, backtest_config, load_market
from quantstrats.errors import ConfigError, RunError, SignalError
from quantstrats.market.holdout import HoldOut, held_out
from quantstrats.runs.holdout import _ordinal, begin_run, holdouts_folder, looking_again, openings
from quantstrats.runs.ledger import Ledger

YEAR = {"start": "2018-01-01", "end": "2018-12-31"}  # 251 sessions: 2018-12-05 was a day of mourning


def opened(**how):
    return load_market("sample", **{**YEAR, "holdout": 0.2, **how}, open_holdout=True)


def shut(**how):
    return load_market("sample", **{**YEAR, "holdout": 0.2, **how})


def stamp_of(market, run_id="run"):
    (stamp,) = begin_run(market, run_id, "x")
    return stamp


# --- what is not in the market


def test_a_fifth_of_a_year_is_held_out_and_the_rest_is_that_of_an_earlier_end():
    whole = load_market("sample", **YEAR)
    assert len(whole) == 251
    kept = shut()
    assert len(kept) == 201  # 251 x 0.2 = 50.2
    assert kept.content_hash == load_market("sample", start="2018-01-01", end=kept.session[-1].date()).content_hash
    assert kept.session[-1] < whole.session[201]
    assert len(kept.cut.whole) == 201  # features are computed on that
    assert kept.record["holdout"] == {
        "first": "2018-10-18",
        "last": "2018-12-31",
        "sessions": 50,
        "kept_until": "2018-10-17",
    }


@pytest.mark.parametrize("holdout", ["2018-10-20", date(2018, 10, 22), pd.Timestamp("2018-10-20 12:00")])
def test_a_day_without_a_session_holds_out_from_the_next_session_on(holdout):
    kept = shut(holdout=holdout)
    assert kept.record["holdout"]["first"] == "2018-10-22"  # a Monday
    assert kept.session[-1] == pd.Timestamp("2018-10-19")


def test_an_opened_market_is_whole():
    assert opened().content_hash == load_market("sample", **YEAR).content_hash


def test_side_series_end_with_the_bars(tmp_path):
    days = ["2018-10-16", "2018-10-17", "2018-10-18", "2018-10-19"]
    rows = [f"{day},{value},{day}T09:00:00-04:00\n" for value, day in enumerate(days)]
    (tmp_path / "side.csv").write_text("date,value,known_at\n" + "".join(rows))
    side = {"mine": {"source": "series", "path": str(tmp_path / "side.csv"), "value": "value", "known_at": "known_at"}}
    for market, known in ((opened(side=side), 3.0), (shut(side=side), 1.0)):
        assert market.side["mine"].iloc[-1] == known
        assert market.side.series["mine"].values.tolist() == list(range(int(known) + 1))


def test_what_is_found_in_held_out_bars_is_not_told(tmp_path):
    days = pd.bdate_range("2015-01-02", periods=9)
    lines = [f"{day.date()},A,10,10.2,9.8,{10 + number / 10:.2f},{1000 + number}\n" for number, day in enumerate(days)]
    lines[7] = lines[7].replace(",1007", ",0")  # zero_volume
    (tmp_path / "bars.csv").write_text("date,symbol,open,high,low,close,volume\n" + "".join(lines))
    path = {"path": str(tmp_path / "bars.csv")}
    whole, kept = load_market("files", **path, repair="keep"), load_market("files", **path, repair="keep", holdout=0.34)
    assert whole.record["quality"]["rules"]["zero_volume"]["bars"] == 1
    assert "zero_volume" not in kept.record["quality"]["rules"]
    assert kept.record["quality"] == load_market("files", **path, repair="keep", end="2015-01-09").record["quality"]


def test_no_array_of_a_shut_market_leads_to_the_bars_behind_it():
    for kept in (shut(), shut(symbols="NASDAQ")):
        for field in ("open", "high", "low", "close", "volume"):
            for array in (kept.array(field), getattr(kept, field).to_numpy()):
                below = array
                while below is not None:
                    assert below.size <= len(kept) * len(kept.symbols)
                    below = below.base


def late_listing(tmp_path, late):
    """Bars of nine sessions; those of B begin with the session at the position `late`."""
    days = pd.bdate_range("2015-01-02", periods=9)
    rows = [f"{day.date()},A,{10 + number / 10:.2f}\n" for number, day in enumerate(days)]
    rows += [f"{day.date()},B,{20 + number / 10:.2f}\n" for number, day in enumerate(days) if number >= late]
    (tmp_path / "bars.csv").write_text("date,symbol,close\n" + "".join(rows))
    return {"source": "files", "path": str(tmp_path / "bars.csv"), "repair": "keep"}


def test_a_symbol_without_a_bar_before_the_hold_out_is_left_out_and_told(tmp_path):
    how = late_listing(tmp_path, 6)
    told = "1 symbol that has no bar before the hold-out is left out"
    kept = load_market(**how, holdout="2015-01-12")
    assert (list(kept.symbols), told in kept.stamps) == (["A"], True)
    assert len(kept.cut.whole.symbols) == 1
    with_b = load_market(**how, holdout="2015-01-13")
    assert (list(with_b.symbols), told in with_b.stamps) == (["A", "B"], False)
    whole = load_market(**how, holdout="2015-01-12", open_holdout=True)
    assert (list(whole.symbols), told in whole.stamps) == (["A", "B"], False)


def test_intraday_bars_are_held_out_by_whole_sessions(tmp_path):
    index = pd.date_range("2015-01-05 14:30", periods=13, freq="30min", tz="UTC")
    stamps = [time for day in range(4) for time in index + pd.Timedelta(days=day)]
    rows = pd.DataFrame({"time": stamps, "symbol": "A", "close": np.linspace(10, 11, len(stamps))})
    rows.to_csv(tmp_path / "bars.csv", index=False)
    how = {"columns": {"open": None, "high": None, "low": None, "volume": None}, "path": str(tmp_path / "bars.csv")}
    kept = load_market("files", **how, holdout=0.5)
    assert kept.session.unique().strftime("%d").tolist() == ["05", "06"]
    assert len(kept) == 26
    assert kept.record["holdout"]["sessions"] == 2


@given(st.integers(2, 400), st.floats(0.0, 1.0, exclude_min=True, exclude_max=True))
def test_a_share_holds_out_a_session_at_least_and_leaves_one_or_is_refused(count, share):
    days = pd.bdate_range("2015-01-02", periods=count)
    if round(share * count) == count:
        with pytest.raises(ConfigError, match="nothing is left"):
            held_out(days, share)
        return
    held = held_out(days, share)
    start = days.get_loc(pd.Timestamp(held.first))
    assert held.sessions == count - start >= 1
    assert pd.Timestamp(held.kept_until) == days[start - 1]
    assert abs(held.sessions - share * count) <= 0.5 or held.sessions == 1


@dataclass(frozen=True)
class Last(Signal):
    """Keeps the last session that anyone showed it."""

    name = "last"
    seen: ClassVar[list] = []

    def warmup(self):
        return 1

    def forecast(self, market):
        self.seen.append(market.session[-1])
        return market.close * 0.0 + 1.0


def test_a_signal_and_the_guard_never_see_a_held_out_bar():
    Last.seen.clear()
    run = backtest(Last(), shut(), guard="full")
    assert max(Last.seen) == pd.Timestamp("2018-10-17")
    assert run.equity.index[-1] == pd.Timestamp("2018-10-17")
    assert run.benchmark.index[-1] == pd.Timestamp("2018-10-17")
    assert "holdout_sharpe" not in run.metrics


# --- what is said


def test_a_run_that_keeps_it_shut_says_so_and_writes_no_lock():
    run = backtest("buy_and_hold", shut())
    assert run.manifest["stamps"][0] == "the last 50 sessions, from 2018-10-18 on, are held out"
    assert not holdouts_folder().exists()


def test_a_run_that_opens_it_says_the_how_manieth_and_later_ones_that_it_was_opened():
    said = [backtest("buy_and_hold", opened()).manifest["stamps"][0] for _ in range(3)]
    assert said == [
        f"the hold-out from 2018-10-18 on was opened by this run, for the {time} time"
        for time in ("first", "2nd", "3rd")
    ]
    day = openings()[-1].opened_at[:10]
    assert backtest("buy_and_hold", shut()).manifest["stamps"][0] == (
        f"the last 50 sessions, from 2018-10-18 on, are held out; it was opened 3 times, last on {day}"
    )


def test_one_opening_and_one_session_are_told_in_the_singular():
    stamp_of(opened())
    day = openings()[0].opened_at[:10]
    said = stamp_of(shut(holdout="2018-12-31"))
    assert said == f"the last session, 2018-12-31, is held out; it was opened once, on {day}"


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "first"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (21, "21st"), (1112, "1,112th")],
)
def test_numbers_are_told_as_in_english(number, text):
    assert _ordinal(number) == text


def test_without_a_hold_out_nothing_is_said_or_counted(nasdaq):
    assert begin_run(nasdaq, "run", "x") == []
    assert not holdouts_folder().exists()


# --- the figures of the held-out sessions


def test_the_held_out_sessions_have_figures_of_their_own():
    run = backtest("sma_cross", opened(start="2014-01-01"))
    first = HoldOut.of(opened(start="2014-01-01")).first
    own = run.returns[pd.Timestamp(first) :]
    assert len(own) == 252  # of 1258 from 2014 to 2018: 251.6
    wealth = np.concatenate([[1.0], (1.0 + own.to_numpy()).cumprod()])
    assert run.metrics["holdout_total_return"] == pytest.approx(wealth[-1] - 1.0)
    assert run.metrics["holdout_max_drawdown"] == pytest.approx((wealth / np.maximum.accumulate(wealth) - 1.0).min())
    assert run.metrics["holdout_sharpe"] == pytest.approx(own.mean() / own.std() * 252**0.5)
    assert run.metrics["sharpe"] == pytest.approx(empyrical.sharpe_ratio(run.returns))
    assert run.metrics["sharpe"] != pytest.approx(run.metrics["holdout_sharpe"], abs=0.01)


@dataclass(frozen=True)
class UpFitted(Signal):
    name = "up_fitted"
    mean: float

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close * 0.0 + self.mean


@dataclass(frozen=True)
class Up(Learner):
    name = "up"

    def warmup(self):
        return 1

    def fit(self, market):
        return UpFitted(float(market.close.pct_change().mean().iloc[0]))


def test_learners_are_walked_forward_into_it():
    params = {"refit": "month", "train": 40}
    run, before = (backtest(Up(**params), market) for market in (opened(), shut()))
    assert run.manifest["fits"]["made"] + run.manifest["fits"]["recalled"] == 10  # from March to December
    assert before.manifest["fits"] == {"made": 0, "recalled": 8}  # those up to October, of the same slices
    pd.testing.assert_frame_equal(run.targets[: len(before.targets)], before.targets)


# --- how it is counted


@pytest.mark.parametrize(
    "other",
    [
        {"holdout": 0.1},
        {"holdout": "2018-12-31"},
        {"start": "2017-01-01"},
        {"holdout": 0.9},
        {"repair": "drop"},
        {"symbols": ["SP500", "NASDAQ"]},
    ],
)
def test_another_share_span_or_list_is_no_fresh_hold_out(other):
    stamp_of(opened())
    assert stamp_of(opened(**other)).endswith("for the 2nd time")
    assert "it was opened 2 times" in stamp_of(shut(**other))


@pytest.mark.parametrize("other", [{"symbols": ["SP500"]}, {"end": "2018-10-17"}])
def test_what_shares_no_symbol_or_no_session_is_another_hold_out(other):
    stamp_of(opened())
    assert stamp_of(shut(**other)).endswith("held out")
    assert stamp_of(opened(**other)).endswith("for the first time")


def bars_file(folder, symbol="NASDAQ"):
    days = load_market("sample", **YEAR).index
    frame = pd.DataFrame({"date": days, "symbol": symbol, "close": np.linspace(10, 11, len(days))})
    frame.to_csv(folder / "bars.csv", index=False)
    return {"path": str(folder / "bars.csv"), "columns": {"open": None, "high": None, "low": None, "volume": None}}


def test_the_same_symbols_from_another_source_are_no_fresh_hold_out(tmp_path):
    stamp_of(opened())
    copied = load_market("files", **bars_file(tmp_path), holdout=0.2, open_holdout=True)
    assert stamp_of(copied).endswith("for the 2nd time")


def test_other_bars_drawn_at_random_are_another_hold_out():
    def drawn(**params):
        return load_market("synthetic", holdout=0.2, open_holdout=True, **{"count": 2, "bars": 100, **params})

    said = [stamp_of(drawn(**params)).split()[-2] for params in ({}, {"seed": 1}, {"count": 3}, {"bars": 105})]
    assert said == ["first", "first", "2nd", "3rd"]


def test_an_opened_market_that_was_cut_before_the_hold_out_opens_nothing():
    market = opened()
    assert stamp_of(market.between(None, "2018-10-17")) == "the last 50 sessions, from 2018-10-18 on, are held out"
    assert openings() == []
    assert stamp_of(market.between("2018-12-03", None)).endswith("for the first time")
    assert (openings()[0].first, openings()[0].last) == ("2018-12-03", "2018-12-31")


@dataclass(frozen=True)
class Broken(Signal):
    name = "broken"

    def warmup(self):
        return 1

    def forecast(self, market):
        raise RuntimeError("no idea")


def test_a_run_that_fails_has_looked_too():
    with pytest.raises(SignalError):
        backtest(Broken(), opened())
    (opening,) = openings()
    assert (opening.signal, opening.source, opening.symbols) == ("broken", "sample", ["NASDAQ"])
    assert opening.run_id == Ledger().rows()[0]["run_id"]
    assert backtest("buy_and_hold", opened()).manifest["stamps"][0].endswith("for the 2nd time")


def test_looking_again_counts_nothing():
    stamp_of(opened())
    with looking_again():
        assert "looked at again" in stamp_of(opened())
    assert len(openings()) == 1


# --- a stored run's configuration


@pytest.mark.parametrize("made", [opened, shut])
def test_a_runs_configuration_holds_out_the_same_again(made):
    run = backtest("sma_cross", made())
    assert run.config["data"]["holdout"] == "2018-10-18"
    again = backtest_config(run.config)
    assert again.config == run.config
    assert again.manifest["content"] == run.manifest["content"]
    assert again.manifest["data"]["record"]["holdout"]["sessions"] == 50


@pytest.mark.parametrize("span", [("2018-02-01", "2018-06-29"), ("2018-02-01", "2018-11-30"), ("2018-12-03", None)])
def test_the_configuration_of_a_market_that_was_cut_gives_the_same_rows(span):
    run = backtest("buy_and_hold", opened().between(*span))
    again = backtest_config(run.config)
    assert again.config == run.config
    assert again.manifest["data"]["hash"] == run.manifest["data"]["hash"]


# --- the lock files


OPEN = (
    "import sys; from quantstrats import load_market; from quantstrats.runs.holdout import begin_run\n"
    "market = load_market('sample', start='2018-01-01', holdout=0.2, open_holdout=True)\n"
    "print('ready', flush=True); sys.stdin.readline()\n"
    "for number in range(10):\n"
    "    print(*begin_run(market, f'{sys.argv[1]}-{number}', 'x'))\n"
)


def test_processes_at_once_lose_no_opening_and_no_number_comes_twice():
    children = [
        subprocess.Popen([sys.executable, "-c", OPEN, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(3)
    ]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    said = [line.split()[-2] for child in children for line in child.communicate(timeout=60)[0].splitlines()]
    assert sorted(said) == sorted(_ordinal(number) for number in range(1, 31))
    assert len({opening.run_id for opening in openings()}) == 30


def test_threads_at_once_lose_no_opening_either():
    market = opened()
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda n: stamp_of(market, f"run-{n}"), range(24)))
    assert len(set(said)) == 24
    assert len(openings()) == 24


def lock_file():
    (file,) = holdouts_folder().iterdir()
    return file


@pytest.mark.parametrize(
    "damage",
    [
        b"not json\n",
        b'{"run_id": "cut',
        b"\xff\xfe\n",
        b"[]\n",
        b'{"run_id": "a"}\n',
        b"\n",
        b'{"run_id":"a","opened_at":"then","signal":"x","source":"s","symbols":["A"],"first":"2018-01-02","last":"?"}\n',
    ],
)
def test_a_damaged_lock_file_is_told_in_one_line_and_nothing_is_lost(damage):
    stamp_of(opened())
    file = lock_file()
    file.write_bytes(file.read_bytes() + damage)
    before = file.read_bytes()
    for market in (opened(), shut()):
        with pytest.raises(RunError) as told:
            begin_run(market, "run", "x")
        assert str(told.value).startswith(f"the hold-out's lock file {file} is damaged in line 2 (")
        assert "\n" not in str(told.value)
    assert file.read_bytes() == before


def test_a_line_without_an_end_is_not_run_together_with_the_next():
    stamp_of(opened())
    file = lock_file()
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    assert stamp_of(opened(), "second").endswith("for the 2nd time")
    assert [json.loads(line)["run_id"] for line in file.read_text().splitlines()] == ["run", "second"]


def test_a_place_that_cannot_be_written_stops_the_run(home):
    (home / "logs").mkdir()
    (home / "logs" / "holdouts").write_text("in the way")
    with pytest.raises(RunError, match=r"cannot be used: .*; set QUANTSTRATS_HOME") as told:
        begin_run(opened(), "run", "x")
    assert Path(home, "logs", "holdouts").read_text() == "in the way"
    assert "\n" not in str(told.value)


# --- bad input from Python


@pytest.mark.parametrize("holdout", [0, 1, 1.5, -0.2, float("nan"), True, "0.2", "soon", [0.2], pd.NaT, np.int64(3)])
def test_what_is_no_share_and_no_day_is_refused(holdout):
    with pytest.raises(ConfigError, match=r"^holdout is .*; give a share of the sessions, as in 0.2"):
        shut(holdout=holdout)


@pytest.mark.parametrize("day", ["2018-01-02", "2017-06-01", "2019-01-01"])
def test_a_day_that_leaves_nothing_or_holds_nothing_out_is_refused(day):
    with pytest.raises(
        ConfigError, match=f"holdout is {day}, and the bars run from 2018-01-02 to 2018-12-31; give a day"
    ):
        shut(holdout=day)


def test_there_must_be_something_to_open():
    with pytest.raises(ConfigError, match="open_holdout is set, but nothing is held out"):
        load_market("sample", open_holdout=True)
    with pytest.raises(ConfigError, match="open_holdout is 'yes'; give True or False"):
        load_market("sample", holdout=0.2, open_holdout="yes")

"""Dated data beside the market: where it is found, what is changed of it, and that it is put back."""

from __future__ import annotations

import collections
import functools
import importlib
import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from quantstrats import Market, Signal
from quantstrats.guard import outside
from quantstrats.guard.outside import OutsideData

DAYS = pd.DatetimeIndex(["2015-01-05", "2015-01-06", "2015-01-07", "2015-01-08", "2015-01-09"])
FRAME = pd.DataFrame({"A": [1.0, 2, 3, 4, 5]}, index=DAYS)
ROW = 1  # the row of 6 January: what is later is changed


@pytest.fixture(autouse=True)
def short_arrays_count(monkeypatch):
    monkeypatch.setattr(outside, "_KERNEL", 0)  # these markets have five rows


@pytest.fixture
def market():
    return Market.from_frames(close=pd.DataFrame({"A": [10.0, 11, 12, 13, 14]}, index=DAYS))


@pytest.fixture
def hourly():
    index = pd.date_range("2024-01-01 00:00", periods=5, freq="h", tz="UTC")
    return Market.from_frames(close=pd.DataFrame({"A": [10.0, 11, 12, 13, 14]}, index=index), calendar="24/7")


@dataclass(frozen=True)
class Plain(Signal):
    name = "plain"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close


def imported(tmp_path, monkeypatch, **modules):
    """Write modules, import them, and return the first."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(PREAMBLE + text)
    importlib.invalidate_caches()
    return importlib.import_module(next(iter(modules)))


PREAMBLE = """
import functools
from dataclasses import dataclass
import numpy as np
import pandas as pd
from quantstrats import Market, Signal

DAYS = pd.DatetimeIndex(["2015-01-05", "2015-01-06", "2015-01-07", "2015-01-08", "2015-01-09"])
FRAME = pd.DataFrame({"A": [1.0, 2, 3, 4, 5]}, index=DAYS)

class Base(Signal):
    name = "mine"

    def warmup(self):
        return 1
"""


def in_module(tmp_path, monkeypatch, text, request):
    """Return a signal whose ``forecast`` is the given expression, and what its module is called."""
    name = "outside_" + "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
    return imported(tmp_path, monkeypatch, **{name: text}).Mine(), name


PLACES = {
    "global": (
        """
        class Mine(Base):
            def forecast(self, market): return FRAME
        """,
        ["{m}.FRAME"],
    ),
    "global in a comprehension": (
        """
        class Mine(Base):
            def forecast(self, market): return [FRAME for _ in range(2)]
        """,
        ["{m}.FRAME"],
    ),
    "through a function": (
        """
        def load(): return FRAME
        class Mine(Base):
            def forecast(self, market): return load()
        """,
        ["{m}.FRAME"],
    ),
    "through a function of a function": (
        """
        def read(): return FRAME
        def load(): return read()
        class Mine(Base):
            def forecast(self, market): return load()
        """,
        ["{m}.FRAME"],
    ),
    "property": (
        """
        class Mine(Base):
            @property
            def closes(self): return FRAME
            def forecast(self, market): return self.closes
        """,
        ["{m}.FRAME"],
    ),
    "static method": (
        """
        class Mine(Base):
            @staticmethod
            def closes(): return FRAME
            def forecast(self, market): return self.closes()
        """,
        ["{m}.FRAME"],
    ),
    "cached property": (
        """
        class Mine(Base):
            @functools.cached_property
            def closes(self): return FRAME
            def forecast(self, market): return self.closes
        """,
        ["{m}.FRAME"],
    ),
    "class": (
        """
        class Mine(Base):
            closes = FRAME
            def forecast(self, market): return self.closes
        """,
        ["Mine.closes"],
    ),
    "base class": (
        """
        class Half(Base):
            closes = FRAME
        class Mine(Half):
            def forecast(self, market): return self.closes
        """,
        ["Half.closes"],
    ),
    "another class": (
        """
        class Store:
            closes = FRAME
        class Mine(Base):
            def forecast(self, market): return Store.closes
        """,
        ["Store.closes"],
    ),
    "an object": (
        """
        class Store:
            def __init__(self): self.closes = pd.Series([1.0] * 5, DAYS)
        STORE = Store()
        class Mine(Base):
            def forecast(self, market): return STORE.closes
        """,
        ["STORE.closes"],
    ),
    "default of an argument": (
        """
        class Mine(Base):
            def forecast(self, market, closes=FRAME.copy()): return closes
        """,
        ["Mine.forecast()"],
    ),
    "default of a named argument": (
        """
        def read(*, closes=FRAME.copy()): return closes
        class Mine(Base):
            def forecast(self, market): return read()
        """,
        ["read(closes)"],
    ),
    "namespace": (
        """
        from types import SimpleNamespace
        KEPT = SimpleNamespace(closes=FRAME.copy())
        class Mine(Base):
            def forecast(self, market): return KEPT.closes
        """,
        ["KEPT.closes"],
    ),
    "closure": (
        """
        def make():
            closes = FRAME.copy()
            class Mine(Base):
                def forecast(self, market): return closes
            return Mine
        Mine = make()
        """,
        ["make.<locals>.Mine.forecast.closes"],
    ),
    "mapping": (
        """
        STORE = {'a': 1, 'b': {'c': FRAME}}
        class Mine(Base):
            def forecast(self, market): return STORE['b']['c']
        """,
        ["{m}.STORE"],
    ),
    "list": (
        """
        STORE = [FRAME]
        class Mine(Base):
            def forecast(self, market): return STORE[0]
        """,
        ["{m}.STORE"],
    ),
    "array of as many rows": (
        """
        VALUES = np.zeros(5)
        class Mine(Base):
            def forecast(self, market): return VALUES
        """,
        ["{m}.VALUES"],
    ),
    "long table": (
        """
        TABLE = pd.DataFrame({'day': DAYS, 'A': 1.0})
        class Mine(Base):
            def forecast(self, market): return TABLE
        """,
        ["{m}.TABLE"],
    ),
    "levels": (
        """
        TABLE = FRAME.stack()
        class Mine(Base):
            def forecast(self, market): return TABLE
        """,
        ["{m}.TABLE"],
    ),
    "market": (
        """
        WHOLE = Market.from_frames(close=FRAME)
        class Mine(Base):
            def forecast(self, market): return WHOLE.close
        """,
        ["{m}.WHOLE"],
    ),
    "not used": (
        """
        class Mine(Base):
            def forecast(self, market): return market.close
        """,
        [],
    ),
    "dates alone": (
        """
        MEETINGS = DAYS.tolist()
        class Mine(Base):
            def forecast(self, market): return MEETINGS, DAYS
        """,
        [],
    ),
    "no dates": (
        """
        BETAS = pd.Series({'A': 1.0})
        CODES = np.arange(5)
        SHORT = np.zeros(4)
        class Mine(Base):
            def forecast(self, market): return BETAS, CODES, SHORT, pd.NA
        """,
        [],
    ),
    "field": (
        """
        @dataclass(frozen=True)
        class Mine(Base):
            closes: object = None
            def forecast(self, market): return self.closes
        """,
        [],
    ),
    "a cached function that was never asked": (
        """
        @functools.cache
        def load(): return 1
        class Mine(Base):
            def forecast(self, market): return load()
        """,
        [],
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_dated_data_that_code_can_reach_is_found(tmp_path, monkeypatch, request, market, case):
    text, names = PLACES[case]
    signal, module = in_module(tmp_path, monkeypatch, textwrap.dedent(text), request)
    assert OutsideData(signal, market).names == [name.format(m=module) for name in names]


def test_data_in_a_module_of_the_same_hand_is_found(tmp_path, monkeypatch, market):
    mine = imported(
        tmp_path,
        monkeypatch,
        outside_mine="import outside_data\nfrom outside_loader import load\n"
        "class Mine(Base):\n    def forecast(self, market): return outside_data.PRICES, load()\n",
        outside_data="PRICES = FRAME * 3\n",
        outside_loader="CLOSES = FRAME * 2\ndef load(): return CLOSES\n",
    )
    assert OutsideData(mine.Mine(), market).names == ["outside_data.PRICES", "outside_loader.CLOSES"]


def test_what_a_signal_keeps_on_itself_is_found(market):
    signal = Plain()
    object.__setattr__(signal, "closes", FRAME)
    assert OutsideData(signal, market).names == ["Plain.closes"]


def test_installed_libraries_are_left_alone(market):
    class Uses(Plain):
        def forecast(self, market):
            return pd.concat([market.close, market.close.rolling(2).mean()])

    assert OutsideData(Uses(), market).names == []


# ---------------------------------------------------------------------------------------------------- what is changed


class Holder(Plain):
    """A signal of whose class one thing can be reached."""

    name = "holder"
    value = None


def changed(value, market, row=ROW, seed=0):
    """Return what stands there while the future is another."""
    Holder.value = value
    try:
        outside = OutsideData(Holder(), market)
        assert outside.names == ["Holder.value"]
        with outside.with_other_future(row, np.random.default_rng(seed)):
            during = Holder.value
        assert Holder.value is value
    finally:
        Holder.value = None
    return during


NAMED = pd.Series([1.0, 2, 3, 4, 5], index=DAYS, name="closes")
DATED = {
    "frame": (FRAME, lambda v: v["A"]),
    "series": (NAMED, lambda v: v),
    "numbers that are whole": (FRAME.astype("int64"), lambda v: v["A"]),
    "days as text": (FRAME.set_axis(DAYS.strftime("%Y-%m-%d")), lambda v: v["A"]),
    "mapping of text": (dict(zip(DAYS.strftime("%Y-%m-%d"), [1, 2, 3, 4, 5], strict=True)), lambda v: pd.Series(v)),
    "periods": (FRAME.set_axis(DAYS.to_period("D")), lambda v: v["A"]),
    "days as objects": (FRAME.set_axis([day.date() for day in DAYS]), lambda v: v["A"]),
    "days in UTC": (FRAME.set_axis(DAYS.tz_localize("UTC")), lambda v: v["A"]),
    "levels": (FRAME.stack(), lambda v: v),  # noqa: PD013 - levels are meant
    "long table": (FRAME.rename_axis("day").reset_index(), lambda v: v["A"]),
    "mapping of frames": ({"deep": {"er": FRAME}}, lambda v: v["deep"]["er"]["A"]),
    "mapping of days": (dict(zip(DAYS, [1.0, 2, 3, 4, 5], strict=True)), lambda v: pd.Series(list(v.values()))),
    "mapping of dates": (
        {day.date(): float(i) for i, day in enumerate(DAYS, 1)},
        lambda v: pd.Series(list(v.values())),
    ),
    "tuple": ((7, FRAME), lambda v: v[1]["A"]),
    "array": (np.array([1.0, 2, 3, 4, 5]), lambda v: pd.Series(v)),
    "array of two": (np.ones((5, 2)), lambda v: pd.Series(v[:, 1])),
    "market": (Market.from_frames(close=FRAME), lambda v: v.close["A"]),
}


@pytest.mark.parametrize("kind", DATED)
def test_all_that_is_later_is_changed_and_nothing_else(market, kind):
    value, read = DATED[kind]
    before, after = read(value).to_numpy("float64"), read(changed(value, market)).to_numpy("float64")
    assert (after[: ROW + 1] == before[: ROW + 1]).all()
    assert (after[ROW + 1 :] != before[ROW + 1 :]).all()
    assert type(read(changed(value, market))) is type(read(value))


def test_labels_columns_and_what_is_no_number_stay(market):
    frame = FRAME.assign(sector="x", B=2.0)[["sector", "A", "B"]]
    after = changed(frame, market)
    assert after.index.equals(frame.index)
    assert after.columns.tolist() == ["sector", "A", "B"]
    assert (after["sector"] == "x").all()
    assert (after[["A", "B"]].iloc[2:] != frame[["A", "B"]].iloc[2:]).all(axis=None)
    assert frame["A"].tolist() == [1, 2, 3, 4, 5]


def test_a_column_that_bears_a_name_twice_is_changed(market):
    after = changed(pd.concat([FRAME, FRAME], axis=1), market)
    assert (after.iloc[2:].to_numpy() != FRAME.iloc[2:].to_numpy()).all()


def test_truths_turn(market):
    flags = pd.DataFrame({i: [True] * 5 for i in range(40)}, index=DAYS)
    after = changed(flags, market)
    assert after.iloc[:2].all(axis=None)
    assert 0.3 < after.iloc[2:].to_numpy().mean() < 0.7
    assert set(after.dtypes) == {np.dtype(bool)}


def test_a_series_keeps_its_name(market):
    assert changed(NAMED, market).name == "closes"


def test_a_cached_function_answers_with_another_future_and_forgets_it(market):
    calls = []

    @functools.cache
    def load(factor):
        calls.append(factor)
        return pd.Series(float(factor), index=DAYS)

    load(2)
    during = changed(load, market)
    assert (during(2) == 2.0).tolist() == [True, True, False, False, False]
    assert (load(2) == 2.0).all()
    assert calls == [2]


def test_a_bar_that_begins_where_the_row_ends_is_later(hourly):
    # The row of 01:00 is complete at 02:00, when the next bar begins.
    bars = pd.DataFrame({"A": 1.0}, index=hourly.index)
    assert (changed(bars, hourly)["A"] == 1.0).tolist() == [True, True, False, False, False]


def test_what_is_stamped_with_the_instant_at_which_it_was_known_is_not_later(hourly):
    known = pd.Series(1.0, index=hourly.index[:3].append(hourly.index[2:3] + pd.Timedelta("1min")))
    assert (changed(known, hourly) == 1.0).tolist() == [True, True, True, False]


def test_an_hour_without_time_zone_is_later_from_the_next_day_on():
    index = pd.date_range("2024-01-01 00:00", periods=48, freq="h", tz="UTC")
    market = Market.from_frames(close=pd.DataFrame({"A": 1.0}, index=index), calendar="24/7")
    naive = pd.Series(1.0, index=index.tz_localize(None))
    unchanged = changed(naive, market, row=3) == 1.0
    assert unchanged[:"2024-01-01 23:00"].all()
    assert not unchanged["2024-01-02 01:00":].any()


def test_a_day_is_later_than_every_bar_of_the_day_before(hourly):
    days = pd.Series(1.0, index=pd.DatetimeIndex(["2023-12-31", "2024-01-01", "2024-01-02"]))
    assert (changed(days, hourly) == 1.0).tolist() == [True, True, False]


# -------------------------------------------------------------------------------------------------------- put back


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_everything_is_put_back_whatever_happens(market, error):
    Holder.value = FRAME
    try:
        outside = OutsideData(Holder(), market)
        with pytest.raises(error), outside.with_other_future(ROW, np.random.default_rng(0)):  # noqa: PT012 - both count
            assert Holder.value is not FRAME
            raise error
        assert Holder.value is FRAME
    finally:
        Holder.value = None


def test_only_what_is_named_is_changed(tmp_path, monkeypatch, market):
    mine = imported(
        tmp_path,
        monkeypatch,
        outside_two="ONE = FRAME * 1\nTWO = FRAME * 2\n"
        "class Mine(Base):\n    def forecast(self, market): return ONE, TWO\n",
    )
    one, two = mine.ONE, mine.TWO
    outside = OutsideData(mine.Mine(), market)
    assert outside.names == ["outside_two.ONE", "outside_two.TWO"]
    with outside.with_other_future(ROW, np.random.default_rng(0), "outside_two.TWO"):
        assert mine.ONE is one
        assert mine.TWO is not two
    assert mine.TWO is two


def test_whole_numbers_and_texts_stay_what_they_are_and_of_those_that_occur(market):
    codes = pd.DataFrame({"code": [3, 1, 2, 3, 1], "text": list("babab")}, index=DAYS)
    after = changed(codes, market)
    assert after.dtypes.tolist() == codes.dtypes.tolist()
    assert set(after["code"][ROW + 1 :]) <= {1, 2, 3}
    assert (after["code"][ROW + 1 :] != codes["code"][ROW + 1 :]).all()
    assert after["text"].tolist() == ["b", "a", "a", "b", "a"]


def test_a_short_array_is_weights_and_no_data(market, monkeypatch):
    monkeypatch.setattr(outside, "_KERNEL", 5)
    assert not OutsideData(Plain(), market)._is_dated(np.ones(5))


def test_a_named_tuple_is_left_alone(market):
    kept = collections.namedtuple("Kept", "frame")(FRAME)
    assert not OutsideData(Plain(), market)._is_dated(kept)


def test_the_symbols_of_a_long_table_stay_so_that_it_can_be_made_wide(market):
    wide = pd.DataFrame({"A": [1.0, 2, 3, 4, 5], "B": [5.0, 4, 3, 2, 1]}, index=DAYS)
    long = wide.rename_axis(index="day", columns="symbol").stack().rename("close").reset_index()  # noqa: PD013
    long = long.assign(code=long["symbol"].map({"A": 1, "B": 2}), side=["buy", "sell", "sell", "buy", "buy"] * 2)
    after = changed(long, market)
    assert after[["day", "symbol", "code"]].equals(long[["day", "symbol", "code"]])
    again = after.pivot(index="day", columns="symbol", values="close")  # noqa: PD010
    assert (again.to_numpy() == wide.to_numpy()).all(axis=1).tolist() == [True, True, False, False, False]
    # What does not tell the rows of a day apart is a value like any other.
    assert (after["side"] == long["side"]).tolist() == [True] * 4 + [False] * 6

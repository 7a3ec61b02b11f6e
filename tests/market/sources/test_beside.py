"""Side series as a configuration describes them: of side sources, and of sources with bars."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from quantstrats import Market, Plugins, SideSeries, Source, hookimpl, load_market
from quantstrats.errors import ConfigError, DataError, PluginError
from quantstrats.making import From
from quantstrats.market.sources import files, fred, sample, sec, sectors, series, synthetic
from quantstrats.market.sources.base import SideSource
from quantstrats.market.sources.beside import BarsOf, SidePlan, side_plan
from quantstrats.market.sources.series import Series
from quantstrats.warned import Warned, listening

from .fred_server import KEY, FredServer

NAN = float("nan")
# Sessions of New York around Thanksgiving 2015 (the 26th); the 27th ends at 13:00.
NOVEMBER = pd.to_datetime(["2015-11-23", "2015-11-24", "2015-11-25", "2015-11-27", "2015-11-30", "2015-12-01"])


@dataclass(frozen=True)
class Counted(Source):
    """Bars of one symbol that count its sessions, and what was asked of it."""

    name = "counted"
    asked = []  # noqa: RUF012 - of all objects

    step: int = 1

    def load(self, symbols=None, start=None, end=None):
        self.asked.append((symbols, start, end))
        days = pd.bdate_range("2015-10-01", "2015-12-04").difference(pd.to_datetime(["2015-11-26"]))
        close = pd.DataFrame(
            {symbol: range(1, len(days) + 1) for symbol in symbols or ["X"]}, index=days, dtype="float64"
        )
        close.loc["2015-11-25"] = NAN
        bars = {"open": close + 0.25, "high": close + 0.5, "low": close - 0.5}
        return Market.from_frames(close=close, volume=close * 100, **bars)


@dataclass(frozen=True)
class Broken(SideSource):
    """A side source that goes wrong as it is told to."""

    name = "broken"
    how: str = "raises"

    def load_side(self, symbols, start=None, end=None):
        if self.how == "raises":
            raise KeyError("vix")
        if self.how == "refuses":
            raise DataError("file.csv, line 3: mend it")
        if self.how == "advises":
            raise DataError("set data.how or data.hows; data.offline; https://data.how/x and /a/data.how")
        if self.how == "warns":
            warnings.warn("half of it is missing", stacklevel=1)
        if self.how == "empty":
            return SideSeries(pd.Series([], index=pd.DatetimeIndex([])), pd.DatetimeIndex([], tz="UTC"))
        return (
            SideSeries(pd.Series([1.0], index=NOVEMBER[:1]), NOVEMBER[:1].tz_localize("UTC"))
            if self.how == "warns"
            else 7
        )


class Offers:
    @hookimpl
    def register_sources(self, register):
        register(Counted)
        register(Broken)


@pytest.fixture
def plugins():
    own = Plugins()
    for module in (files, fred, sample, sec, sectors, series, synthetic):
        own.register(module)
    own.register(Offers(), "offers")
    Counted.asked.clear()
    return own


def seen(loaded, days=NOVEMBER):
    close = pd.DataFrame(1.0, index=days, columns=["A"])
    return Market.from_frames(close=close, side={"x": loaded.series}).side["x"].tolist()


def nearly(*values):
    return pytest.approx(list(values), nan_ok=True)


def test_bars_are_known_when_they_are_complete(plugins):
    plan = side_plan("count", {"source": "counted", "symbol": "X"}, plugins)
    # 23 November is the 38th weekday from 1 October on; the 25th has no bar, and the 24th's holds.
    assert seen(plan.load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date())) == [38, 39, 39, 41, 42, 43]


def test_bars_with_a_delay_are_known_a_session_later_and_the_first_session_has_the_one_before(plugins):
    plan = side_plan("count", {"source": "counted", "symbol": "X", "delay": "15min"}, plugins)
    assert seen(plan.load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date())) == [37, 38, 39, 39, 41, 42]


def test_the_newest_earlier_bar_is_asked_for_even_if_the_delay_is_long(plugins):
    plan = side_plan("count", {"source": "counted", "symbol": "X", "delay": "10D"}, plugins)
    side = plan.load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date())
    # Ten days before the close of the 23rd is that of the 13th, the 32nd bar.
    assert seen(side)[:1] == [32]
    ((symbols, start, end),) = Counted.asked
    assert (symbols, end) == (["X"], date(2015, 12, 1))
    assert start == date(2015, 10, 13)


def test_bars_of_an_intraday_source_are_asked_for_a_week_before(plugins):
    @dataclass(frozen=True)
    class Minutes(Counted):
        name = "minutes"
        bar = pd.Timedelta("1min")

    SidePlan("x", Minutes(), BarsOf("X")).load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date())
    assert Counted.asked[0][1] == date(2015, 11, 16)


@pytest.mark.parametrize(("field", "value"), [("open", 38.25), ("high", 38.5), ("low", 37.5), ("volume", 3800.0)])
def test_any_number_of_a_bar_can_be_the_series(plugins, field, value):
    plan = side_plan("count", {"source": "counted", "symbol": "X", "field": field}, plugins)
    assert seen(plan.load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date()))[0] == value


def test_the_real_vix_out_of_a_file_of_bars(plugins, tmp_path):
    closes = pd.DataFrame({"date": NOVEMBER, "symbol": "VIX", "close": [15.0, 16.0, 15.5, 15.25, 16.125, 14.75]})
    closes.to_csv(tmp_path / "vix.csv", index=False)
    plan = side_plan(
        "vix", {"source": "files", "path": "vix.csv", "symbol": "VIX", "delay": "15min"}, plugins, tmp_path
    )
    assert seen(plan.load(["A"], NOVEMBER[0].date(), None)) == nearly(NAN, 15, 16, 15.5, 15.25, 16.125)


@pytest.fixture
def vix(tmp_path):
    """A file of 40 closes from 5 October 2015 on: the holiday of 26 November is among them, and a slip of the comma."""
    days = pd.bdate_range("2015-10-05", periods=40)
    closes = pd.Series([15.0 + number % 4 for number in range(40)], index=days)
    closes["2015-11-20"] *= 100
    closes.rename_axis("date").rename("close").reset_index().assign(symbol="VIX").to_csv(
        tmp_path / "vix.csv", index=False
    )
    return {"source": "files", "path": str(tmp_path / "vix.csv"), "symbol": "VIX"}


def test_a_bad_row_of_side_bars_is_refused_with_the_keys_of_the_series(plugins, vix, tmp_path):
    with pytest.raises(DataError) as caught:
        side_plan("vix", vix, plugins).load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date())
    assert str(caught.value) == (
        f"data.side.vix: {tmp_path}/vix.csv: the time is no session of XNYS in 1 row, "
        "first at line 40 (2015-11-26 VIX); set data.side.vix.calendar ('24/7' never closes), "
        "or set data.side.vix.repair: drop"
    )


def test_side_bars_are_repaired_as_it_is_said_of_them_and_what_was_done_is_told(plugins, vix):
    plan = side_plan("vix", {**vix, "repair": "drop"}, plugins)
    loaded = plan.load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date())
    # The 36th close is that of Monday, 23 November; that of Thanksgiving, the 39th, is left out.
    assert seen(loaded) == [18, 15, 16, 18, 18, 18]
    assert pd.Timestamp("2015-11-20") not in loaded.series.values.index
    assert loaded.stamps == (
        "side series 'vix': close-only bars: open, high and low are the close",
        "side series 'vix': bars were repaired: 1 off_session dropped, 1 decimal_shift dropped",
    )
    assert loaded.record["repair"] == "drop"
    assert loaded.record["quality"]["rules"]["off_session"]["first"] == "2015-11-26 VIX"


def test_likely_faults_that_are_kept_in_side_bars_are_stamped(plugins, vix):
    plan = side_plan("vix", {**vix, "repair": {"off_session": "drop"}}, plugins)
    loaded = plan.load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date())
    assert loaded.series.values["2015-11-20"] == 1700.0
    assert any(
        stamp.startswith("side series 'vix': likely faults in the bars were kept: 1 decimal_shift")
        for stamp in loaded.stamps
    )


def test_bars_that_no_file_has_are_checked_too(plugins):
    said = {"source": "counted", "symbol": "X", "repair": {"missing_bar": "fail"}}
    with pytest.raises(DataError) as caught:
        side_plan("count", said, plugins).load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date())
    assert "first at 2015-11-25 X" in str(caught.value)
    assert str(caught.value).endswith("mend the data, or set data.side.count.repair: {missing_bar: keep}")


def test_a_wrong_path_is_told_by_its_key(plugins, tmp_path):
    for source in ("files", "series"):
        said = {"source": source, "path": "no.csv", **({"symbol": "A"} if source == "files" else {"value": "v"})}
        with pytest.raises(DataError) as caught:
            side_plan("vix", said, plugins, tmp_path).load(["A"])
        assert str(caught.value).endswith(f"{tmp_path}/no.csv; set data.side.vix.path")


def test_a_market_says_what_is_to_be_said_of_its_side_series(plugins, vix):
    side = {
        "vix": {**vix, "repair": "drop"},
        "noise": {"source": "synthetic", "symbol": "S001", "first": "2015-01-02"},
        "count": {"source": "counted", "symbol": "X"},
    }
    days = {"start": "2015-11-23", "end": "2015-12-01"}
    market = load_market("counted", ["A"], side=side, plugins=plugins, **days)
    assert list(market.side) == ["vix", "noise", "count"]
    assert sum("side series 'vix': bars were repaired" in stamp for stamp in market.stamps) == 1
    own = synthetic.Synthetic(first=date(2015, 1, 2)).load(["S001"]).stamps
    assert own
    assert {f"side series 'noise': {stamp}" for stamp in own} <= set(market.stamps)
    assert market.record["side"]["vix"]["repair"] == "drop"
    assert market.record["repair"] is None


def test_a_side_source_gets_all_its_parameters(plugins, tmp_path):
    (tmp_path / "eps.csv").write_text("date,symbol,v\n2015-11-24,A,1\n2015-11-24,B,2\n")
    plan = side_plan(
        "eps", {"source": "series", "path": "eps.csv", "symbol": "symbol", "value": "v"}, plugins, tmp_path
    )
    assert plan.source == Series(tmp_path / "eps.csv", "v", symbol="symbol")
    assert plan.bars is None
    assert plan.load(["B"]).series.values["B"].tolist() == [2.0]


def test_paths_start_where_they_were_said(plugins, tmp_path):
    there = {"source": "series", "path": From(tmp_path / "there", "v.csv"), "value": "v"}
    assert side_plan("x", there, plugins, tmp_path).source.path == tmp_path / "there" / "v.csv"
    whole = From(tmp_path / "there", {"source": "series", "path": "v.csv", "value": "v"})
    assert side_plan("x", whole, plugins, tmp_path).source.path == tmp_path / "there" / "v.csv"
    marked = {"source": From(tmp_path, "counted"), "symbol": From(tmp_path, "X"), "delay": From(tmp_path, "1h")}
    assert side_plan("x", marked, plugins).bars == BarsOf("X", "close", "1h")
    repaired = {"source": "counted", "symbol": "X", "repair": {"outlier": From(tmp_path, "mask")}}
    assert side_plan("x", repaired, plugins).bars == BarsOf("X", repair={"outlier": "mask"})


def test_a_source_out_of_a_file_is_found_from_the_folder(plugins, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "import pandas as pd\n"
        "from quantstrats import SideSeries, hookimpl\n"
        "from quantstrats.market.sources.base import SideSource\n"
        "@dataclass(frozen=True)\n"
        "class Mine(SideSource):\n"
        "    name = 'mine'\n"
        "    def load_side(self, symbols, start=None, end=None):\n"
        "        return SideSeries(pd.Series({s: 'x' for s in symbols}), 'assumed')\n"
        "@hookimpl\n"
        "def register_sources(register):\n"
        "    register(Mine)\n"
    )
    plan = side_plan("x", {"source": "./mine.py"}, plugins, tmp_path)
    assert plan.load(["A"]).series.values.to_dict() == {"A": "x"}


@pytest.mark.parametrize(
    "said",
    [
        {"source": "counted", "symbol": "X", "field": "open", "delay": "1h", "step": 2},
        {"source": "counted", "symbol": "700"},
        {"source": "counted", "symbol": "X", "repair": "drop"},
        {"source": "counted", "symbol": "X", "repair": {"default": "drop", "outlier": "mask"}},
        {"source": "series", "path": "/data/v.csv", "value": "v", "where": {"kind": "q"}},
        {"source": "sec", "fact": ["Revenues", "SalesRevenueNet"], "period": "year", "ciks": {"A": 7}},
        {"source": "fred", "series": "CPIAUCSL"},
    ],
)
def test_what_a_plan_is_described_as_makes_it_again(plugins, said):
    plan = side_plan("x", said, plugins)
    described = plan.described(plugins)
    assert set(said) <= set(described)
    assert side_plan("x", described, plugins) == plan


def test_a_symbol_that_looks_like_a_number_is_one(plugins):
    assert side_plan("x", {"source": "counted", "symbol": 700}, plugins).bars == BarsOf("700")


def test_a_source_that_is_made_already_is_taken(plugins):
    made = Series(Path("/data/v.csv"), "v")
    assert side_plan("x", made, plugins).source is made


@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        ({"source": "frde", "series": "A"}, PluginError, "no source called 'frde'; did you mean 'fred'?"),
        ({"source": "fred", "serie": "A"}, ConfigError, "has no parameter 'serie'; did you mean 'series'?"),
        ({"source": "fred"}, ConfigError, "needs the parameter 'series'"),
        ({"source": "fred", "series": "A", "delay": "1D"}, ConfigError, "has no parameter 'delay'"),
        ({"series": "A"}, ConfigError, "it has no source; name one, as in source: fred"),
        ({"source": "fred", "name": "cpi", "series": "A"}, ConfigError, "no key 'name'; the source is named by source"),
        ({"source": "counted"}, ConfigError, "source 'counted' has bars; say of which symbol, as in symbol: SPY"),
        ("counted", ConfigError, "source 'counted' has bars; say of which symbol"),
        (
            {"source": "counted", "symbol": "X", "field": "clsoe"},
            ConfigError,
            "field is 'clsoe'; did you mean 'close'?",
        ),
        ({"source": "counted", "symbol": "X", "delay": "late"}, ConfigError, "delay is 'late'; give a length of time"),
        ({"source": "counted", "symbol": ["X"]}, ConfigError, "symbol, field and delay are texts"),
        ({"source": "counted", "symbol": "X", "repair": "dorp"}, ConfigError, "repair is 'dorp'; did you mean 'drop'?"),
        ({"source": "counted", "symbol": "X", "repair": {"outlyer": "mask"}}, ConfigError, "no rule called 'outlyer'"),
        ({"source": "counted", "symbol": "X", "setp": 2}, ConfigError, "has no parameter 'setp'; did you mean 'step'?"),
        (7, ConfigError, "it is 7; it holds keys and values"),
    ],
)
def test_what_does_not_fit_is_told_with_the_name_of_the_series(plugins, said, error, told):
    with pytest.raises(error) as caught:
        side_plan("cpi", said, plugins)
    assert str(caught.value).startswith("data.side.cpi: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("raises", "data.side.x: source 'broken' failed: KeyError: 'vix'"),
        ("refuses", "data.side.x: file.csv, line 3: mend it"),
        (
            "advises",
            "data.side.x: set data.side.x.how or data.hows; data.offline; https://data.how/x and /a/data.how",
        ),
        ("returns", "data.side.x: source 'broken' returned int, not a SideSeries"),
        ("empty", "data.side.x: it has no values, after the market's last session 2015-12-01; leave it out"),
    ],
)
def test_a_source_that_goes_wrong_is_told_with_the_name_of_the_series(plugins, how, told):
    with pytest.raises(DataError) as caught:
        side_plan("x", {"source": "broken", "how": how}, plugins).load(["A"], None, date(2015, 12, 1))
    assert str(caught.value) == told


def test_what_a_source_warns_of_is_heard(plugins):
    warned = Warned()
    with warnings.catch_warnings(), listening(warned):
        warnings.simplefilter("default")
        side_plan("x", {"source": "broken", "how": "warns"}, plugins).load(["A"])
    (line,) = warned.lines()
    assert line.startswith("data.side.x: source 'broken' warned: UserWarning: half of it is missing")


def test_a_series_of_which_nothing_is_known_by_the_last_session_is_told(plugins, tmp_path, monkeypatch):
    monkeypatch.setattr(fred, "PATIENCE", {"retries": 0})
    monkeypatch.setenv("FRED_API_KEY", KEY)
    with FredServer() as server:
        server.series["NEW"] = [("2015-11-01", "2016-01-15", "1")]
        plan = side_plan("new", {"source": "fred", "series": "NEW", "url": server.url}, plugins)
        with pytest.raises(DataError) as caught:
            plan.load(["A"], NOVEMBER[0].date(), NOVEMBER[-1].date())
        assert len(plan.load(["A"], NOVEMBER[0].date(), date(2016, 1, 19)).series.values) == 1
    assert str(caught.value) == (
        "data.side.new: its first value is known from 2016-01-16 on, after the market's last session 2015-12-01; "
        "leave it out"
    )


def test_the_modules_that_register_sources_load_nothing_heavy():
    code = (
        "import sys\n"
        "from quantstrats.market.sources import fred, sec, sectors, series\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'requests', 'exchange_calendars'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

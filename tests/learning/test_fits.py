"""The fit cache: what a fit is known by, what is used again in another process, and what is not."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from quantstrats import Learner, Market, SideSeries, Signal, backtest
from quantstrats.evaluation import evaluate
from quantstrats.learning.fits import Fits, old_fits
from quantstrats.provenance import reachable_modules

HARM = Path(__file__).parents[1] / "harm"


@dataclass(frozen=True)
class Level(Signal):
    """The close above a level."""

    name = "level"
    level: Any

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close - self.level


@dataclass(frozen=True)
class Kernel:
    width: float = 1.0


@dataclass(frozen=True)
class Wider(Kernel):
    """Another kind of kernel with the same fields."""


@dataclass(frozen=True)
class Means(Learner):
    """Learns the mean close."""

    name = "means"
    kernel: Kernel = dataclasses.field(default_factory=Kernel)
    kernels: tuple[Kernel, ...] = ()

    def warmup(self):
        return 1

    def fit(self, market):
        return Level(float(market.close.mean().mean()))


@dataclass(frozen=True)
class Opaque(Means):
    """Learns something that no safe format carries."""

    name = "opaque"

    def fit(self, market):
        return Odd({float(market.close.mean().mean())})


@dataclass(frozen=True)
class Odd(Level):
    def forecast(self, market):
        return market.close - max(self.level)


@dataclass(frozen=True)
class Nothing(Means):
    name = "nothing"

    def fit(self, market):
        return None


@dataclass(frozen=True)
class Closes(Signal):
    name = "closes"
    back: int = 0

    def warmup(self):
        return self.back + 1

    def forecast(self, market):
        return market.close.shift(self.back)


@dataclass(frozen=True)
class Meta(Means):
    name = "meta"
    part: Signal = dataclasses.field(default_factory=Closes)

    def fit(self, market):
        return Level(float(market.parts["part"].mean().mean()))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "fits"


@pytest.fixture
def bars(market_of):
    """Twelve rows; the week's first sessions are the 5th, the 12th and the 20th of January 2015."""
    return market_of({"A": [10.0, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 50]})


def walk(learner, market, folder):
    """Return what was made, what was recalled, and the notes."""
    fits = Fits(folder)
    evaluate(learner, market, fits=fits)
    return fits.made, fits.recalled, fits.notes


LEARNER = Means(refit="week", train=3)


def test_a_fit_is_made_once_and_used_again_afterwards(bars, folder):
    first, again = Fits(folder), Fits(folder)
    made = evaluate(LEARNER, bars, fits=first)
    recalled = evaluate(LEARNER, bars, fits=again)
    assert (first.made, first.recalled, again.made, again.recalled) == (2, 0, 0, 2)
    pd.testing.assert_frame_equal(recalled, made)
    assert len(list(folder.glob("*/*.zip"))) == 2
    assert not list(folder.rglob(".*"))


def test_a_fit_counts_as_used_when_it_was_used_again(bars, folder):
    walk(LEARNER, bars, folder)
    for file in folder.glob("*/*.zip"):
        os.utime(file, (0, 0))
    assert len(old_fits(timedelta(days=1), folder)) == 2
    # The last of the two refits is not reached with eight rows.
    assert walk(LEARNER, bars.rows(0, 8), folder) == (0, 1, [])
    assert len(old_fits(timedelta(days=1), folder)) == 1


def test_without_a_folder_fits_last_as_long_as_the_object(bars):
    fits = Fits()
    evaluate(LEARNER, bars, fits=fits)
    evaluate(LEARNER, bars, fits=fits)
    assert (fits.made, fits.recalled) == (2, 0)
    assert walk(LEARNER, bars, None) == (2, 0, [])


def test_that_nothing_was_learned_is_kept_and_told_with_the_bars_that_taught_nothing(bars, folder):
    learner = Nothing(refit="week", train=3)
    told = [
        "learner 'nothing' learned nothing on the bars 2015-01-07 to 2015-01-09: fit() returned None",
        "learner 'nothing' learned nothing on the bars 2015-01-14 to 2015-01-16: fit() returned None",
    ]
    assert walk(learner, bars, folder) == (2, 0, told)
    assert walk(learner, bars, folder) == (0, 2, told)
    fits = Fits(folder)
    evaluate(learner, bars, fits=fits)
    assert fits.record == {"made": 0, "recalled": 2, "outcomes": {"nothing learned": 2}}


# ------------------------------------------------------------------------------------------- what a fit is known by


@pytest.mark.parametrize(
    "changed",
    [
        {"train": 2},
        {"kernel": Kernel(2.0)},
        {"kernel": Wider()},
        {"kernels": (Kernel(),)},
    ],
)
def test_other_fields_are_another_fit(bars, folder, changed):
    walk(LEARNER, bars, folder)
    made, recalled, _ = walk(dataclasses.replace(LEARNER, **changed), bars, folder)
    assert made == 2
    assert recalled == 0


def test_a_field_of_another_class_with_the_same_fields_is_another_fit(bars, folder):
    walk(dataclasses.replace(LEARNER, kernels=(Kernel(),)), bars, folder)
    assert walk(dataclasses.replace(LEARNER, kernels=(Wider(),)), bars, folder)[0] == 2


@dataclass(frozen=True)
class Given(Means):
    """Learns what its field is."""

    name = "given"
    value: Any = None

    def fit(self, market):
        return Level(float(len(repr(self.value))))


class Side(Enum):
    BUY = "buy"


class Turn(Enum):
    BUY = "buy"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({1: 2.0}, {"1": 2.0}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ((1, 2), [1, 2]),
        ([1], {1}),
        ("2015-01-05", date(2015, 1, 5)),
        ("a/b", Path("a/b")),
        (1, 1.0),
        (1, True),
        ("None", None),
        ("buy", Side.BUY),
        (Turn.BUY, Side.BUY),
        ([1.0], np.array([1.0])),
        (np.array([1.0]), np.array([1.0], dtype="float32")),
        (Kernel(1.0), {"width": 1.0}),
    ],
)
def test_fields_that_a_configuration_writes_alike_are_other_fits(bars, folder, one, other):
    for value, expected in ((one, (2, 0, [])), (other, (2, 0, [])), (one, (0, 2, [])), (other, (0, 2, []))):
        assert walk(Given(refit="week", train=3, value=value), bars, folder) == expected


def test_the_order_of_a_set_does_not_count(bars, folder):
    one, other = {0, 8}, {8, 0}
    assert list(one) != list(other)  # the same place in the table: the first to come has it
    walk(Given(refit="week", train=3, value=one), bars, folder)
    assert walk(Given(refit="week", train=3, value=other), bars, folder) == (0, 2, [])


def test_another_class_of_the_same_module_is_another_fit(bars, folder):
    walk(LEARNER, bars, folder)
    twin = type("Twin", (Means,), {"name": "means", "__module__": __name__})(refit="week", train=3)
    assert walk(twin, bars, folder)[0] == 2


def test_bars_count_where_the_fit_sees_them(market_of, bars, folder):
    walk(LEARNER, bars, folder)
    # The first fit sees rows 3 to 5, the second 8 to 10.
    later = market_of({"A": [10.0, 12, 14, 16, 18, 20, 22, 24, 26, 28, 31, 50]})
    assert walk(LEARNER, later, folder) == (1, 1, [])
    beside = market_of({"A": [9.0, 12, 13, 16, 18, 20, 23, 24, 26, 28, 30, 51]})
    assert walk(LEARNER, beside, folder) == (0, 2, [])
    renamed = market_of({"B": bars.close["A"].tolist()})
    assert walk(LEARNER, renamed, folder) == (2, 0, [])
    assert walk(LEARNER, bars.rows(2, 12), folder) == (0, 2, [])


def test_the_universe_counts(market_of, bars, sessions, folder):
    walk(LEARNER, bars, folder)
    inside = pd.DataFrame(True, index=sessions(12), columns=["A"])
    walk(LEARNER, market_of({"A": bars.close["A"].tolist()}, universe=inside), folder)
    inside = inside.copy()
    inside.iloc[4] = False
    assert walk(LEARNER, market_of({"A": bars.close["A"].tolist()}, universe=inside), folder) == (1, 1, [])


def test_side_series_count_as_far_as_they_were_known(market_of, bars, sessions, folder):
    def market(values):
        days = sessions(12)
        side = {"vix": SideSeries(pd.Series(values, index=days), days.tz_localize("UTC") + pd.Timedelta("15h"))}
        return market_of({"A": bars.close["A"].tolist()}, side=side)

    values = np.arange(12.0)
    walk(LEARNER, market(values), folder)
    assert walk(LEARNER, market(np.where(values == 11, 0, values)), folder) == (0, 2, [])
    assert walk(LEARNER, market(np.where(values == 8, 0, values)), folder) == (1, 1, [])
    assert walk(LEARNER, market(np.where(values == 4, 0, values)), folder) == (2, 0, [])


def test_parts_count_by_their_forecasts(bars, folder):
    learner = Meta(refit="week", train=3)
    walk(learner, bars, folder)
    assert walk(learner, bars, folder) == (0, 2, [])
    assert walk(dataclasses.replace(learner, part=Closes(1)), bars, folder) == (2, 0, [])


def test_the_last_digits_of_a_part_do_not_count(bars, folder):
    @dataclass(frozen=True)
    class Nearly(Closes):
        name = "closes"
        error: ClassVar[float] = 0.0

        def forecast(self, market):
            return market.close * (1 + self.error)

    learner = Meta(refit="week", train=3, part=Nearly())
    walk(learner, bars, folder)
    Nearly.error = 1e-13
    assert walk(learner, bars, folder) == (0, 2, [])
    Nearly.error = 1e-7
    assert walk(learner, bars, folder) == (2, 0, [])


def test_installed_versions_count(bars, folder, monkeypatch):
    walk(LEARNER, bars, folder)
    monkeypatch.setattr("quantstrats.provenance.hash_versions", lambda: "of another day")
    assert walk(LEARNER, bars, folder) == (2, 0, [])


def test_a_class_of_a_function_is_known_by_itself_and_not_kept(bars, folder):
    def learner_of(level):
        @dataclass(frozen=True)
        class Made(Means):
            def fit(self, market):
                return Level(level)

        return Made(refit="week", train=3)

    fits = Fits(folder)
    low, high = (evaluate(learner_of(level), bars, fits=fits) for level in (1.0, 2.0))
    assert (low - high).dropna()["A"].unique().tolist() == [1.0]
    assert not folder.exists()


# ------------------------------------------------------------------------------------------- code, between processes

PLUGIN = """
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helper import level_of
from quantstrats import Learner, Market
from quantstrats.evaluation import evaluate
from quantstrats.learning.fits import Fits


@dataclass(frozen=True)
class Learned(Learner):
    name = "learned"

    def warmup(self):
        return 1

    def fit(self, market):
        from settings import FACTOR

        return level_of(market, FACTOR)


def main():
    index = pd.bdate_range("2015-04-06", "2015-04-24")
    market = Market.from_frames(close=pd.DataFrame({"A": [float(i) for i in range(1, 16)]}, index=index))
    fits = Fits(Path("fits"))
    forecast = evaluate(Learned(refit="week", train=3), market, fits=fits)
    print(json.dumps([fits.made, fits.recalled, fits.notes, forecast["A"].dropna().iloc[[0, -1]].tolist()]))
"""

HELPER = """
from dataclasses import dataclass

from deeper import mean
from quantstrats import Signal


@dataclass(frozen=True)
class Level(Signal):
    name = "level"
    level: float

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close - self.level


def level_of(market, factor):
    return Level(mean(market) * factor)
"""

FILES = {
    "plugin.py": PLUGIN,
    "helper.py": HELPER,
    "deeper.py": "def mean(market):\n    return float(market.close.mean().mean())\n",
    "settings.py": "FACTOR = 1.0\n",
    "stranger.py": "UNUSED = 1\n",
}
# Rows 2 to 4 of the days of three weeks (closes 3, 4, 5) have the mean 4, rows 7 to 9 the mean 9.
RESULT = [6.0 - 4.0, 15.0 - 9.0]


@pytest.fixture
def project(tmp_path):
    """Return how to run a plugin with helper modules beside it, each time in a process of its own."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)

    def run(**changed):
        for name, text in changed.items():
            (tmp_path / f"{name}.py").write_text(text)
        command = [sys.executable, "-B", "-c", "import plugin; plugin.main()"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_a_second_process_makes_no_fit_unless_code_that_the_learner_uses_has_changed(project):
    assert project() == [2, 0, [], RESULT]
    assert project(stranger="UNUSED = 2\n") == [0, 2, [], RESULT]
    # The plugin itself, a module beside it, one that this imports, and one that is imported within a function.
    assert project(plugin=f"{PLUGIN}\n# changed\n")[:2] == [2, 0]
    assert project(plugin=PLUGIN, helper=HELPER.replace("* factor", "* factor * 2"))[:2] == [2, 0]
    assert project(helper=HELPER, deeper=FILES["deeper.py"].replace("close", "open"))[:2] == [2, 0]
    assert project(deeper=FILES["deeper.py"], settings="FACTOR = 0.5\n") == [2, 0, [], [6 - 2.0, 15 - 4.5]]


EDITED = """
import json, os, time
from pathlib import Path
import plugin, settings

{edit}
plugin.main()
"""
EDITS = {
    "before the first fit": "Path('settings.py').write_text('FACTOR = 0.5\\n')",
    "by an older file": "os.replace('older.py', 'settings.py')",
    "between two fits": "plugin.main(); Path('settings.py').write_text('FACTOR = 0.5\\n')",
}


@pytest.mark.parametrize("edit", list(EDITS))
def test_code_that_changes_while_it_runs_spoils_no_fit(project, tmp_path, edit):
    (tmp_path / "older.py").write_text("FACTOR = 0.5\n")
    program = EDITED.replace("{edit}", EDITS[edit])
    command = [sys.executable, "-B", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = (
        "fits of 'learned' are not kept between runs: settings.py has changed since this process began; start a new one"
    )
    # What runs is the code as it was imported.
    assert json.loads(done.stdout.splitlines()[-1]) == [2, 0, [told], RESULT]
    assert project() == [2, 0, [], [6 - 2.0, 15 - 4.5]]


def test_the_modules_of_one_hand_are_found_through_all_kinds_of_imports(tmp_path, monkeypatch):
    package = tmp_path / "onehand"
    (package / "inner").mkdir(parents=True)
    sources = {
        "__init__": "",
        "learner": (
            "import numpy\nimport onehand.plain\nfrom onehand import named\nfrom . import beside\n"
            "from .inner import below as other\nfrom quantstrats import Learner\n"
            "def late():\n    from .inside import VALUE\n    import onehand.later, onehand.missing\n"
            "class Own(Learner):\n    pass\n"
        ),
        "plain": "from onehand.constants import *\n",
        "constants": "NUMBER = 3\n",
        "named": "",
        "beside": "import onehand.learner\n",
        "inside": "VALUE = 1\n",
        "later": "",
        "unused": "",
        "inner/__init__": "from .. import upper\n",
        "inner/below": "",
        "upper": "",
    }
    for name, text in sources.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    from onehand.learner import Own  # type: ignore[import-not-found]

    found = reachable_modules(Own)
    expected = ["learner", "plain", "constants", "named", "beside", "inside", "later", "inner", "inner.below", "upper"]
    assert set(found) == {"onehand", *(f"onehand.{name}" for name in expected)}
    assert found["onehand.inner"] == package / "inner" / "__init__.py"
    for name in [name for name in sys.modules if name.partition(".")[0] == "onehand"]:
        del sys.modules[name]


# ------------------------------------------------------------------------------------------- what is not used


def content(text):
    def write(path):
        path.write_bytes(text)

    return write


def truncated(path):
    path.write_bytes(path.read_bytes()[:-30])


def flipped(path):
    whole = bytearray(path.read_bytes())
    whole[60] ^= 255
    path.write_bytes(whole)


def of_a_class_that_is_gone(path):
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("state.json", json.dumps({"module": __name__, "class": "Gone", "fields": {"level": 1.0}}))


def looking_back_further(path):
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("state.json", json.dumps({"module": __name__, "class": "Closes", "fields": {"back": 3}}))


def of_another_module(path):
    with zipfile.ZipFile(path, "w") as bundle:
        state = {"module": "subprocess", "class": "Popen", "fields": {"args": ["true"]}}
        bundle.writestr("state.json", json.dumps(state))


def a_learner_itself(path):
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("state.json", json.dumps({"module": __name__, "class": "Means", "fields": {}}))


def a_folder(path):
    path.unlink()
    path.mkdir()


SPOILT = [
    (content(b""), "it cannot be read (BadZipFile: File is not a zip file)"),
    (content(b"not a fit"), "it cannot be read (BadZipFile: File is not a zip file)"),
    (truncated, "it cannot be read (BadZipFile: "),
    (flipped, "it cannot be read (BadZipFile: "),
    (of_a_class_that_is_gone, "has no signal Gone any more"),
    (looking_back_further, "learner 'means': fit() returned a signal with a warm-up of 4 rows; the learner's own, 1"),
    (of_another_module, "its class is of the module subprocess, which is none of those that the learner imports"),
    (a_learner_itself, "learner 'means': fit() returned Means, not a Signal"),
    (a_folder, "Is a directory"),
]


@pytest.mark.parametrize(("spoil", "told"), SPOILT)
def test_a_stored_fit_that_cannot_be_trusted_is_not_used_and_made_again(bars, folder, spoil, told):
    expected = evaluate(LEARNER, bars, fits=Fits(folder))
    spoil(sorted(folder.glob("*/*.zip"))[0])
    fits = Fits(folder)
    pd.testing.assert_frame_equal(evaluate(LEARNER, bars, fits=fits), expected)
    assert (fits.made, fits.recalled) == (1, 1)
    assert fits.notes[0].startswith("a stored fit of 'means' was not used: ")
    assert told in fits.notes[0]
    assert "\n" not in fits.notes[0]
    if spoil is not a_folder:
        # It was written anew.
        assert walk(LEARNER, bars, folder) == (0, 2, [])


def test_what_cannot_be_kept_is_told_once_and_the_run_goes_on(bars, folder):
    learner = Opaque(refit="week", train=3)
    told = (
        "fits of 'opaque' are not kept between runs: field 'level' holds a builtins.set, which no safe format carries"
    )
    for _ in range(2):
        assert walk(learner, bars, folder) == (2, 0, [told])
    assert not list(folder.rglob("*.zip"))


@pytest.mark.parametrize("where", ["", "deep/er"])
def test_a_file_in_the_way_of_the_folder_costs_a_note(bars, tmp_path, where):
    (tmp_path / "fits").write_text("a file")
    made, recalled, notes = walk(LEARNER, bars, tmp_path / "fits" / where)
    assert (made, recalled) == (2, 0)
    assert len(notes) == 1
    assert notes[0].startswith("fits of 'means' are not kept between runs: ")


def test_a_folder_that_cannot_be_written_costs_a_note(bars, folder):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    folder.mkdir(mode=0o500)
    assert walk(LEARNER, bars, folder) == (2, 0, ["fits of 'means' are not kept between runs: Permission denied"])
    folder.chmod(0o000)
    assert walk(LEARNER, bars, folder)[0] == 2
    folder.chmod(0o700)


@pytest.mark.parametrize("step", ["read_bytes", "mkdir"])
def test_a_folder_without_permission_costs_a_note(bars, folder, monkeypatch, step):
    walk(LEARNER, bars, folder)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, step, refuse)
    made, _, notes = walk(dataclasses.replace(LEARNER, train=3 if step == "read_bytes" else 2), bars, folder)
    assert made == 2
    what = (
        "a stored fit of 'means' was not used" if step == "read_bytes" else "fits of 'means' are not kept between runs"
    )
    assert notes == [f"{what}: Permission denied"]


def test_notes_stand_in_the_log_of_the_run(bars, home):
    (home / "logs").mkdir()
    (home / "logs" / "fits").write_text("a file in the way")
    run = backtest(LEARNER, bars, guard="off")
    told = [line["message"] for line in run.log if line["level"] == "warning"]
    assert any(message.startswith("fits of 'means' are not kept between runs: ") for message in told)
    assert run.manifest["fits"] == {"made": 2, "recalled": 0}


# ------------------------------------------------------------------------------------------- interruptions


def test_an_interruption_loses_one_fit_at_most_and_two_processes_share_a_cache(tmp_path):
    command = [
        sys.executable,
        HARM / "interrupt_while_fitting.py",
        tmp_path / "scratch",
        "--rounds",
        "3",
        "--seed",
        "5",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["by SIGINT"] >= 2
    assert found["by SIGKILL"] >= 2
    assert 2 <= found["with a fit lost"] <= found["interrupted"]


def test_an_interrupt_within_a_fit_keeps_those_before_it(bars, folder):
    class Interrupted(Means):
        def fit(self, market):
            if market.close["A"].iloc[-1] > 25:
                raise KeyboardInterrupt
            return super().fit(market)

    # As a class of this module, so that it is kept.
    Interrupted.__qualname__ = "Means"
    fits = Fits(folder)
    with pytest.raises(KeyboardInterrupt):
        evaluate(Interrupted(refit="week", train=3), bars, fits=fits)
    assert fits.made == 1
    assert walk(LEARNER, bars, folder) == (1, 1, [])


def test_markets_that_differ_only_in_what_a_fit_cannot_see_share_fits(market_of, folder):
    closes = {"A": [10.0, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 50], "B": [None] * 11 + [1.0]}
    walk(LEARNER, market_of({"A": closes["A"]}), folder)
    # A symbol that is listed later, one that ends later, other stamps.
    later = market_of(closes, ended={"A": "2015-01-20"}, stamps=["not tradable"])
    assert isinstance(later, Market)
    assert walk(LEARNER, later, folder) == (0, 2, [])

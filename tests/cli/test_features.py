"""``quantstrats features``: the list, and one with its picture."""

from __future__ import annotations

import ast
import io
import json

import numpy as np
import pytest
from PIL import Image

from quantstrats import Plugins, features, hookimpl
from quantstrats.cli import strangers

WIDTH = 80


def test_the_list_has_every_feature_within_80_columns(command):
    code, out, err = command("features")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    names = [line.split()[0] for line in lines if line.startswith("  ")]
    assert names == list(features.shipped())
    assert lines[0] == "averages"
    assert f"{len(names)} features" in lines[-1]


def test_a_family_is_listed_by_itself_and_a_misspelt_one_is_told(command):
    code, out, _ = command("features", "--family", "liquidity")
    assert code == 0
    assert "amihud" in out
    assert "rsi" not in out
    code, out, err = command("features", "--family", "liqidity")
    assert (code, out) == (2, "")
    assert err.startswith("error: no family of features called 'liqidity'; did you mean 'liquidity'? (there are: ")


def test_the_list_as_json_has_what_is_known_of_each(command):
    code, out, _ = command("features", "--json")
    assert code == 0
    listed = {each["name"]: each for each in json.loads(out)}
    assert set(listed) == set(features.shipped())
    assert listed["sma"]["parameters"] == {"window": 20}
    assert (listed["sma"]["bars"], listed["sma"]["warmup"], listed["sma"]["scale"]) == (20, 25, "price")


def inked(file, color):
    picture = np.asarray(Image.open(io.BytesIO(file.read_bytes())).convert("RGB")).astype(int)
    return int((np.abs(picture - np.array(color)).sum(axis=2) < 30).sum())


@pytest.mark.parametrize("name", ["sma", "rsi(window=7)@week", "sector_breadth"])
def test_one_is_shown_with_its_facts_and_a_picture(command, tmp_path, name):
    file = tmp_path / "picture.png"
    code, out, err = command("features", "show", name, "--out", file)
    assert (code, err) == (0, "")
    assert max(len(line) for line in out.splitlines() if not line.startswith("picture")) <= WIDTH
    for fact in ("source", "scale", "needs", "warm-up", "in Python", "picture"):
        assert f"\n{fact}" in out
    with Image.open(file) as picture:
        assert picture.size == (1200, 624)
    assert inked(file, (0x2F, 0x6F, 0xB5)) > 500  # the line of values


def test_one_is_drawn_on_the_bars_that_are_asked_for(command, tmp_path):
    file = tmp_path / "picture.png"
    asked = ("--data", "synthetic", "--set", "data.count=3", "--symbol", "S002", "--bars", "60")
    code, out, _ = command("features", "show", "atr", *asked, "--out", file, "--json")
    assert code == 0
    assert json.loads(out)["picture"] == str(file)
    code, out, err = command("features", "show", "obv", "--data", "sample", "--symbols", "KO", "--out", file)
    assert (code, out) == (2, "")
    assert err == (
        "error: feature 'obv' needs volume, which these bars do not have; choose another feature, or a source with "
        "volume\n"
    )


def test_a_symbol_is_chosen_among_those_that_are_loaded(command, tmp_path):
    file = tmp_path / "picture.png"
    assert command("features", "show", "breadth", "--symbol", "S002", "--out", file)[0] == 0
    assert inked(file, (0x2F, 0x6F, 0xB5)) > 500
    assert command("features", "show", "sma", "--symbol", "KO", "--out", file)[0] == 0
    asked = ("market_beta", "--data", "sample", "--symbols", "KO,PEP,XOM", "--symbol", "KO")
    assert command("features", "show", *asked, "--out", file)[0] == 0
    code, out, err = command("features", "show", "market_beta", "--symbol", "AAPL", "--out", file)
    assert (code, out) == (2, "")
    assert err == (
        "error: no bars of symbol 'AAPL' are loaded (there are: S001, S002, S003, S004, S005, S006); load others with "
        "--data and --symbols\n"
    )


def test_there_is_no_picture_of_nothing(command, tmp_path):
    file = tmp_path / "picture.png"
    code, out, err = command("features", "show", "market_beta", "--data", "sample", "--symbols", "KO", "--out", file)
    assert (code, out) == (2, "")
    assert err == (
        "error: nothing to draw: market_beta has no value on the last 250 bars of KO; it looks across symbols, load "
        "several with --symbols\n"
    )
    assert not file.exists()


def test_what_is_shown_as_python_is_python(command, tmp_path):
    name = "market_beta(benchmark='S001')"
    code, out, _ = command("features", "show", name, "--out", tmp_path / "picture.png")
    assert code == 0
    (line,) = [line for line in out.splitlines() if line.startswith("in Python")]
    call = ast.parse(line.removeprefix("in Python").strip(), mode="eval").body
    assert ast.literal_eval(call.args[1]) == [name]


def test_a_plugin_that_fails_to_offer_its_features_is_named_beside_the_list(command, monkeypatch):
    class Fails:
        @hookimpl
        def register_features(self, register):
            raise KeyError("close")

    plugins = Plugins()
    plugins.register(Fails(), "features", provider="bad")
    monkeypatch.setattr(strangers, "installed_plugins", lambda: plugins)
    code, out, err = command("features")
    assert code == 0
    assert f"{len(features.shipped())} features" in out
    assert err == "skipped: features of bad: plugin 'bad' failed in register_features: KeyError: 'close'\n"


def test_a_misspelt_feature_is_told_with_the_nearest(command):
    code, out, err = command("features", "show", "rsj")
    assert (code, out) == (2, "")
    assert err == "error: no feature called 'rsj'; did you mean 'rsi'? (quantstrats features lists all)\n"

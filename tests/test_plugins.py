"""Plugins: what is found, what is refused and why, and that one bad plugin harms no other."""

from __future__ import annotations

import re
import signal
import sys
import threading
import types
from dataclasses import dataclass

import pytest

from quantstrats import Allocator, Plugins, Signal, Source, hookimpl
from quantstrats.errors import ConfigError, PluginError
from quantstrats.importing import how_to_install
from quantstrats.plugins import Trouble


class Idle:
    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close


@dataclass(frozen=True)
class Hold(Idle, Signal):
    name = "hold"
    days: int = 1


def module(name="mine", **functions):
    """Make a module whose functions are hooks."""
    made = types.ModuleType(name)
    for hook, function in functions.items():
        setattr(made, hook, hookimpl(function))
    return made


def offering(*classes, kind="signals", name="mine"):
    def offer(register):
        for cls in classes:
            register(cls)

    return module(name, **{f"register_{kind}": offer})


def refusal(plugin, plugins=None):
    plugins = plugins or Plugins()
    before = len(plugins.offers)
    with pytest.raises(PluginError) as told:
        plugins.register(plugin)
    assert "\n" not in str(told.value)
    assert len(plugins.offers) == before
    return str(told.value)


def test_a_fresh_set_is_empty_and_knows_what_is_registered():
    plugins = Plugins()
    assert plugins.offers == []
    plugins.register(offering(Hold), version="1.0")
    assert plugins.signal("hold") is Hold
    offer = plugins.find("signal", "hold")
    assert (offer.kind, offer.name, offer.provider, offer.version, offer.cls) == ("signal", "hold", "mine", "1.0", Hold)
    assert Plugins().offers == []


def test_objects_with_marked_methods_are_plugins_too():
    class Mine:
        @hookimpl
        def register_signals(self, register):
            register(Hold)

    plugins = Plugins()
    plugins.register(Mine())
    assert plugins.find("signal", "hold").provider == "Mine"


def test_functions_without_the_mark_are_no_hooks():
    plugins = Plugins()
    plain = types.ModuleType("plain")
    plain.register_signals = lambda register: register(Hold)
    with pytest.raises(
        PluginError, match="plugin 'plain' implements no hook; put @hookimpl above its register_signals"
    ):
        plugins.register(plain)
    assert plugins.offers == []


def test_a_hook_may_stand_under_another_name():
    plugins = Plugins()
    mine = types.ModuleType("mine")
    mine.offer = hookimpl(specname="register_signals")(lambda register: register(Hold))
    plugins.register(mine)
    assert plugins.signal("hold") is Hold


def test_every_kind_is_collected_by_its_own_hook():
    @dataclass(frozen=True)
    class Nowhere(Source):
        name = "nowhere"

        def load(self, symbols=None, start=None, end=None):
            raise NotImplementedError

    @dataclass(frozen=True)
    class Nothing(Allocator):
        name = "nothing"

        def weights(self, forecast):
            return forecast * 0

    @dataclass(frozen=True)
    class Plain:
        name = "plain"

    plugins = Plugins()
    for kind, cls in (("source", Nowhere), ("allocator", Nothing), ("broker", Plain), ("report", Plain)):
        plugins.register(offering(cls, kind=f"{kind}s", name=kind))
        assert plugins.find(kind, cls.name).cls is cls


@pytest.mark.parametrize(
    ("hook", "suggestion"),
    [("register_signal", "register_signals"), ("decidedd", "decided"), ("run_start", "run_started")],
)
def test_a_misspelt_hook_is_refused_with_a_suggestion(hook, suggestion):
    told = refusal(module(**{hook: lambda register: None}))
    assert told == f"plugin 'mine': there is no hook {hook!r}; did you mean {suggestion!r}?"


def test_a_misspelt_hook_is_found_in_a_module_that_imports_things():
    code = "import os, typing\nimport numpy as np\nfrom quantstrats import Market, Signal, hookimpl\n"
    mine = types.ModuleType("mine")
    exec(code + "@hookimpl\ndef regster_signals(register): pass\n", vars(mine))
    assert "there is no hook 'regster_signals'; did you mean 'register_signals'?" in refusal(mine)
    fine = types.ModuleType("fine")
    exec(code + "@hookimpl\ndef register_signals(register): pass\n", vars(fine))
    Plugins().register(fine)


def test_a_hook_with_a_misspelt_argument_is_refused_and_leaves_nothing_behind():
    heard = []
    plugins = Plugins()
    told = refusal(module(run_started=lambda run: heard.append(run), decided=lambda decison: None), plugins)
    assert "decison" in told
    assert list(plugins.implementations("run_started")) == []


def test_a_wrapper_is_refused():
    mine = types.ModuleType("mine")
    mine.decided = hookimpl(wrapper=True)(lambda decision: (yield))
    assert refusal(mine) == "plugin 'mine': decided is marked as a wrapper; hooks collect or announce"


def test_a_class_is_refused_where_an_object_of_it_is_meant():
    assert refusal(Hold) == "plugin 'Hold' is a class; register an object of it, as in Hold()"


def test_the_same_plugin_twice_is_refused():
    plugins, mine = Plugins(), offering(Hold)
    plugins.register(mine)
    assert refusal(mine, plugins) == "plugin 'mine' is registered already"
    assert refusal(offering(Hold), plugins) == "plugin 'mine' is registered already"
    with pytest.raises(PluginError, match="plugin 'other' is registered already"):
        plugins.register(mine, "other")
    assert len(plugins.offers) == 1


def test_an_error_while_offering_names_the_hook():
    def fail(register):
        raise RuntimeError("no\nlicence")

    told = refusal(module(register_signals=fail))
    assert re.fullmatch(
        r"plugin 'mine' failed in register_signals: RuntimeError: no licence \(test_plugins\.py line \d+\)", told
    )


@dataclass
class Thawed(Idle, Signal):
    name = "thawed"


class Undecorated(Hold):
    name = "undecorated"
    weeks: int = 3


@dataclass(frozen=True)
class Nameless(Idle, Signal):
    pass


@dataclass(frozen=True)
class Colon(Idle, Signal):
    name = "a:b"


@dataclass(frozen=True)
class Half(Signal):
    name = "half"

    def warmup(self):
        return 1


@dataclass(frozen=True)
class Stranger(Idle):
    name = "stranger"


@pytest.mark.parametrize(
    ("offered", "message"),
    [
        (Hold(), "register a signal class, not Hold(days=1)"),
        ("hold", "register a signal class, not 'hold'"),
        (Thawed, "signal Thawed is no frozen dataclass; put @dataclass(frozen=True) above it"),
        (Undecorated, "signal Undecorated is no frozen dataclass; put @dataclass(frozen=True) above it"),
        (Nameless, "signal Nameless has no name; write name = '...' in its body"),
        (Colon, "signal Colon has no name"),
        (Half, "signal Half does not define forecast"),
        (Stranger, "signal Stranger does not derive from quantstrats.Signal"),
    ],
)
def test_an_offer_that_does_not_fit_is_refused_with_its_plugin(offered, message):
    assert message in refusal(offering(Hold, offered))


def test_a_name_offered_by_two_providers_is_refused_alone_and_told_apart_by_provider():
    plugins = Plugins()

    @dataclass(frozen=True)
    class Unique(Idle, Signal):
        name = "unique"

    other = dataclass(frozen=True)(type("Other", (Idle, Signal), {"name": "hold"}))
    plugins.register(offering(Hold), provider="acme")
    plugins.register(offering(other, Unique), provider="zenith")
    with pytest.raises(
        PluginError, match=r"^signal 'hold' is offered by more than one plugin; say acme:hold or zenith:hold$"
    ):
        plugins.signal("hold")
    assert plugins.signal("acme:hold") is Hold
    assert plugins.signal("zenith:hold") is other
    assert plugins.signal("unique") is Unique


def test_a_name_offered_twice_by_one_provider_is_refused():
    assert refusal(offering(Hold, Hold)) == "plugin 'mine': mine offers the signal 'hold' already"
    plugins = Plugins()
    plugins.register(offering(Hold), provider="acme")
    with pytest.raises(PluginError, match="plugin 'again': acme offers the signal 'hold' already"):
        plugins.register(offering(Hold, name="again"), provider="acme")


@pytest.mark.parametrize("name", ["momentm", "quantstrats:momentm"])
def test_an_unknown_name_comes_with_a_suggestion(installed, name):
    message = rf"^no signal called '{name}'; did you mean 'momentum'\? \(quantstrats plugins lists all\)$"
    with pytest.raises(PluginError, match=message):
        installed.signal(name)


def test_a_name_is_looked_up_among_its_own_kind(installed):
    with pytest.raises(PluginError, match="no source called 'momentum'"):
        installed.find("source", "momentum")


def test_an_announcing_hook_calls_one_plugin_alone():
    heard = []
    plugins = Plugins()
    for name in ("first", "second"):
        plugins.register(module(name, decided=lambda decision, name=name: heard.append((name, decision))))
    under_other_name = types.ModuleType("third")
    under_other_name.hear = hookimpl(specname="decided")(lambda decision: heard.append(("third", decision)))
    plugins.register(under_other_name)
    calls = dict(plugins.implementations("decided"))
    assert set(calls) == {"first", "second", "third"}
    for name, call in calls.items():
        heard.clear()
        call(decision=1)
        assert heard == [(name, 1)]


def test_a_listener_takes_the_facts_it_wants_and_need_not_be_hashable():
    heard = []
    plugins = Plugins()
    plugins.register(types.SimpleNamespace(decided=hookimpl(lambda: heard.append("called"))), "namespace")
    ((name, call),) = plugins.implementations("decided")
    call(decision=1)
    assert (name, heard) == ("namespace", ["called"])


def distribution(folder, name, entries, **modules):
    """Write a tiny installed distribution."""
    info = folder / f"{name.replace('-', '_')}-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.1\n")
    lines = "\n".join(f"{entry} = {target}" for entry, target in entries.items())
    (info / "entry_points.txt").write_text(f"[quantstrats]\n{lines}\n")
    for module_name, code in modules.items():
        (folder / f"{module_name}.py").write_text(code)


GOOD = """
from __future__ import annotations
from dataclasses import dataclass
from quantstrats import Signal, hookimpl

@dataclass(frozen=True)
class Calm(Signal):
    name = "{name}"
    def warmup(self): return 1
    def forecast(self, market): return market.close

@hookimpl
def register_signals(register):
    register(Calm)
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    loaded = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - loaded:
        if name.startswith("plugin_of_"):
            del sys.modules[name]


def test_installed_distributions_are_found_with_name_and_version(site):
    distribution(site, "acme-signals", {"calm": "plugin_of_acme"}, plugin_of_acme=GOOD.format(name="calm"))
    offer = Plugins.installed().find("signal", "calm")
    assert (offer.provider, offer.version, offer.cls.__name__) == ("acme-signals", "2.1", "Calm")


def test_an_entry_point_may_name_an_object_of_a_module(site):
    code = (
        GOOD.format(name="calm")
        + "\nclass Mine:\n    @hookimpl\n    def register_signals(self, register): register(Calm)\nmine = Mine()"
    )
    distribution(site, "acme", {"calm": "plugin_of_object:mine"}, plugin_of_object=code)
    assert Plugins.installed().find("signal", "calm").provider == "acme"


BROKEN = {
    "import": ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
    "syntax": ("def broken(:", "SyntaxError: "),
    "exit": ("raise SystemExit('bye')", "SystemExit: bye"),
    "hook": (GOOD.format(name="bad").replace("def register_signals", "def register_signal"), "there is no hook"),
    "frozen": (GOOD.format(name="bad").replace("frozen=True", "frozen=False"), "put @dataclass(frozen=True) above"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_is_named_and_skipped_and_others_are_there(site, fault):
    code, reason = BROKEN[fault]
    distribution(site, "broken-signals", {"bad": "plugin_of_broken"}, plugin_of_broken=code)
    distribution(site, "acme", {"calm": "plugin_of_acme"}, plugin_of_acme=GOOD.format(name="calm"))
    plugins = Plugins.installed()
    assert {"calm", "momentum"} <= {offer.name for offer in plugins.offers}
    (trouble,) = plugins.troubles
    assert (trouble.plugin, trouble.provider) == ("bad", "broken-signals")
    assert reason in trouble.reason
    assert "\n" not in trouble.reason
    for name in ("bad", "broken-signals:bad"):
        with pytest.raises(PluginError, match=r"^signal 'bad' of broken-signals could not be loaded: "):
            plugins.signal(name)


def test_two_installed_distributions_with_one_name_are_told_apart(site):
    for provider in ("acme", "zenith"):
        name = f"plugin_of_{provider}"
        distribution(site, provider, {"calm": name}, **{name: GOOD.format(name="calm")})
    plugins = Plugins.installed()
    with pytest.raises(PluginError, match="say acme:calm or zenith:calm"):
        plugins.signal("calm")
    assert plugins.signal("zenith:calm").__module__ == "plugin_of_zenith"
    (trouble,) = plugins.troubles
    assert trouble.line == (
        "ambiguous: calm of acme, zenith: the signal is offered by more than one plugin; say acme:calm or zenith:calm"
    )


def test_everything_that_ships_loads_without_trouble(installed):
    assert installed.troubles == []
    found = {(offer.kind, offer.name) for offer in installed.offers if offer.provider == "quantstrats"}
    assert {("signal", "sma_cross"), ("source", "sample"), ("allocator", "direct")} <= found


def test_a_trouble_is_one_line():
    assert Trouble("a", "b", "c").line == "skipped: a of b: c"


def test_a_function_that_is_forgotten_is_told_where_a_class_is_there():
    mine = types.ModuleType("mine")
    exec(GOOD.format(name="calm").split("@hookimpl")[0], vars(mine) | {"__name__": "mine"})
    mine.Calm = type("Calm", (Hold,), {"__module__": "mine"})
    assert refusal(mine) == (
        "plugin 'mine' defines the signal Calm and offers nothing; add a function register_signals(register), marked "
        "@hookimpl, that calls register(Calm)"
    )


def test_one_distribution_that_is_found_twice_counts_once_as_it_is_installed(site, monkeypatch):
    (site / "source").mkdir()
    monkeypatch.syspath_prepend(site / "source")  # where python -m looks first
    distribution(site, "acme-signals", {"calm": "plugin_of_acme"}, plugin_of_acme=GOOD.format(name="calm"))
    egg = site / "source" / "acme_signals.egg-info"  # as an editable install leaves it in the source folder
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: Acme_Signals\nVersion: 2.0\n")
    (egg / "entry_points.txt").write_text("[quantstrats]\ncalm = plugin_of_acme\nformer = plugin_of_former\n")
    plugins = Plugins.installed()
    assert plugins.signal("calm").__module__ == "plugin_of_acme"
    assert plugins.troubles == []


def test_two_distributions_may_use_one_name_for_their_entry_points(site):
    distribution(site, "acme", {"signals": "plugin_of_acme"}, plugin_of_acme=GOOD.format(name="calm"))
    distribution(site, "zenith", {"signals": "plugin_of_zenith"}, plugin_of_zenith=GOOD.format(name="wild"))
    plugins = Plugins.installed()
    assert [plugins.find("signal", name).provider for name in ("calm", "wild")] == ["acme", "zenith"]
    assert plugins.troubles == []


def test_metadata_that_cannot_be_read_harms_no_plugin(site):
    distribution(site, "acme", {"calm": "plugin_of_acme"}, plugin_of_acme=GOOD.format(name="calm"))
    for name, text in (("~umpy-1.0", b"[quantstrats\nx"), ("half-1.0", b"no section"), ("bytes-1.0", b"\xff\xfe")):
        (site / f"{name}.dist-info").mkdir()
        (site / f"{name}.dist-info" / "entry_points.txt").write_bytes(text)
    nameless = site / "nameless-1.0.dist-info"
    nameless.mkdir()
    (nameless / "entry_points.txt").write_text("[quantstrats]\nwild = plugin_of_nobody\n")
    (site / "plugin_of_nobody.py").write_text(GOOD.format(name="wild"))
    plugins = Plugins.installed()
    assert plugins.troubles == []
    assert plugins.find("signal", "calm").provider == "acme"
    assert (plugins.find("signal", "wild").provider, plugins.find("signal", "wild").version) == ("plugin_of_nobody", "")


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setenv("QUANTSTRATS_IMPORT_SECONDS", "0.3")


HANGING = {
    "sleep": "import time\ntime.sleep(30)",
    "loop": "while True: pass",
    "lock": "import threading\nthreading.Event().wait()",
    "swallow": "import time\ntry: time.sleep(30)\nexcept Exception: time.sleep(30)",
    "defy": "import time\ntry: time.sleep(30)\nexcept BaseException: time.sleep(30)",
}


# The alarm may ring within a callback of the garbage collector, which swallows it; it rings again a second later.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", HANGING)
def test_a_plugin_that_hangs_is_given_up(site, patience, way):
    distribution(site, "acme", {"calm": "plugin_of_acme"}, plugin_of_acme=GOOD.format(name="calm"))
    distribution(site, "slow", {"bad": f"plugin_of_{way}"}, **{f"plugin_of_{way}": HANGING[way]})
    before = signal.getsignal(signal.SIGALRM)
    plugins = Plugins.installed()
    assert plugins.signal("calm")
    (trouble,) = plugins.troubles
    assert trouble.reason == "its import takes longer than 0.3 s; set QUANTSTRATS_IMPORT_SECONDS to wait longer"
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_plugin_that_hangs_is_given_up_outside_the_main_thread_too(site, patience):
    distribution(site, "acme", {"calm": "plugin_of_acme"}, plugin_of_acme=GOOD.format(name="calm"))
    distribution(site, "slow", {"bad": "plugin_of_sleep"}, plugin_of_sleep="import time\ntime.sleep(3)")
    found = []
    thread = threading.Thread(target=lambda: found.append(Plugins.installed()))
    thread.start()
    thread.join(30)
    (plugins,) = found
    assert plugins.signal("calm")
    assert [trouble.plugin for trouble in plugins.troubles] == ["bad"]


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_patience_is_a_number_of_seconds(monkeypatch, text):
    monkeypatch.setenv("QUANTSTRATS_IMPORT_SECONDS", text)
    with pytest.raises(
        ConfigError, match=f"^QUANTSTRATS_IMPORT_SECONDS is '{text}'; give a number of seconds above 0$"
    ):
        Plugins.installed()


def test_a_plugin_may_load_all_plugins_where_it_is_imported(site, monkeypatch):
    monkeypatch.setenv("QUANTSTRATS_IMPORT_SECONDS", "2")
    code = GOOD.format(name="calm") + "\nfrom quantstrats import Plugins\nINNER = Plugins.installed()\n"
    distribution(site, "acme", {"calm": "plugin_of_acme"}, plugin_of_acme=code)
    plugins = Plugins.installed()
    assert plugins.signal("calm")
    assert plugins.troubles == []
    inner = sys.modules["plugin_of_acme"].INNER  # to which the plugin itself, half imported, offers nothing yet
    assert inner.signal("momentum")
    assert not any("takes longer" in trouble.reason for trouble in inner.troubles)


def missing(module):
    return ModuleNotFoundError(f"No module named {module!r}", name=module)


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("sklearn", "pip install 'quantstrats[ml-cpu]'"),
        ("sklearn.linear_model", "pip install 'quantstrats[ml-cpu]'"),
        ("xgboost", "pip install 'quantstrats[ml-cpu]'"),
        ("torch", "pip install 'quantstrats[deep]'"),
        ("alpaca", "pip install 'quantstrats[live]'"),
        ("skfolio", "pip install 'quantstrats[portfolio]'"),
    ],
)
def test_a_missing_module_is_named_with_the_extra_that_brings_it(module, command):
    assert how_to_install(missing(module), "some-plugin") == f"; {command} brings it"


def test_an_extra_of_the_plugin_itself_comes_first_and_nothing_is_guessed(site):
    distribution(site, "acme", {}, plugin_of_acme="")
    with (site / "acme-2.1.dist-info" / "METADATA").open("a") as metadata:
        metadata.write("Requires-Dist: numpy >=2\nRequires-Dist: scikit-learn >=1 ; extra == 'fit'\n")
        metadata.write("Requires-Dist: python-dateutil; python_version > '3' and extra == \"days\"\n")
    assert how_to_install(missing("sklearn"), "acme") == "; pip install 'acme[fit]' brings it"
    assert how_to_install(missing("dateutil.tz"), "acme") == "; pip install 'acme[days]' brings it"
    assert how_to_install(missing("numpy"), "acme") == ""
    assert how_to_install(missing("learn"), "acme") == ""
    assert how_to_install(ImportError("cannot import name"), "acme") == ""


def test_a_stored_name_finds_the_very_class_again(site):
    for provider in ("acme", "zenith"):
        name = f"plugin_of_{provider}"
        distribution(site, provider, {"calm": name}, **{name: GOOD.format(name="calm")})
    plugins = Plugins.installed()
    for provider in ("acme", "zenith"):
        cls = plugins.signal(f"{provider}:calm")
        assert plugins.reference("signal", cls) == f"{provider}:calm"
    assert plugins.reference("signal", plugins.signal("momentum")) == "momentum"
    assert plugins.reference("signal", Hold) == "hold"  # nobody offers it, and nobody else bears its name
    other = dataclass(frozen=True)(type("Other", (Idle, Signal), {"name": "momentum", "__module__": "notebook"}))
    assert plugins.reference("signal", other) == "notebook:momentum"

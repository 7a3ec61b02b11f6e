"""The announcer tells facts, and survives those who fail at hearing them."""

from __future__ import annotations

import types

from quantstrats import Plugins, hookimpl
from quantstrats.announcer import Announcer


def test_a_listener_that_fails_is_named_once_and_told_nothing_more_of_that_kind():
    heard = []

    def fail(decision):
        heard.append("bad")
        raise ValueError("two\nlines")

    plugins = Plugins()
    bad, good = types.ModuleType("bad"), types.ModuleType("good")
    bad.decided, bad.run_started = hookimpl(fail), hookimpl(lambda run: heard.append("bad start"))
    good.decided = hookimpl(lambda decision: heard.append(decision))
    plugins.register(bad)
    plugins.register(good)
    announcer = Announcer(plugins)
    announcer.tell("decided", decision=1)
    announcer.tell("decided", decision=2)
    announcer.tell("run_started", run=None)
    assert sorted(map(str, heard)) == ["1", "2", "bad", "bad start"]
    assert announcer.failures == ["plugin 'bad' failed in decided: ValueError: two lines"]


def test_it_knows_whether_anyone_listens():
    plugins = Plugins()
    listener = types.ModuleType("listener")
    listener.decided = hookimpl(lambda decision: None)
    plugins.register(listener)
    announcer = Announcer(plugins)
    assert announcer.hears("decided")
    assert not announcer.hears("order_changed")

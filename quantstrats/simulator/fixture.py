"""The pytest plugin: fixtures that give a test an exchange of its own, with a clock that the test moves.

It is loaded by every run of pytest, so that it imports nothing before a test asks for it.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from quantstrats.market.market import Market
    from quantstrats.simulator.settings import Settings
    from quantstrats.simulator.simulator import Simulator
    from quantstrats.simulator.tape import Tape

_MARKER = "alpaca_exchange(market=None, settings=None, faults=None): what the fixture alpaca_exchange is made of"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def alpaca_exchange(request: pytest.FixtureRequest, make_alpaca_exchange: Callable[..., Simulator]) -> Simulator:
    """Run an exchange that speaks Alpaca's protocol until the test has ended.

    ``advance()`` steps to the next bar that completes, or session that opens or closes; ``reset()`` starts over. By
    default it trades two sessions of random minute bars of AAPL, MSFT and SPY; ``@pytest.mark.alpaca_exchange`` takes
    what ``make_alpaca_exchange`` takes.
    """
    marker = request.node.get_closest_marker("alpaca_exchange")
    return make_alpaca_exchange(*marker.args, **marker.kwargs) if marker else make_alpaca_exchange()


@pytest.fixture
def make_alpaca_exchange() -> Iterator[Callable[..., Simulator]]:
    """Make running exchanges: ``make_alpaca_exchange(market=None, settings=None, faults=None)``.

    ``market`` is a Market of New York, daily or intraday; ``settings`` a ``quantstrats.simulator.settings.Settings``;
    ``faults`` a fault script: a path, or what it says as a dict. The test fails in the end where the exchange itself
    has failed.
    """
    for package in ("starlette", "uvicorn", "websockets", "msgpack"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install 'quantstrats[simulator]'")
    with contextlib.ExitStack() as stack:
        made: list[Simulator] = []

        def make(market: Market | None = None, settings: Settings | None = None, faults: Any = None) -> Simulator:
            simulator = simulator_of(market, settings, faults)
            stack.enter_context(simulator)
            made.append(simulator)
            return simulator

        yield make
    failures = [failure for simulator in made for failure in simulator.failures]
    if failures:
        raise ExceptionGroup("the simulated exchange itself has failed", failures)


def simulator_of(market: Market | None = None, settings: Settings | None = None, faults: Any = None) -> Simulator:
    """Return a simulator with a virtual clock that is still to be started, as ``make_alpaca_exchange`` makes them."""
    from quantstrats.simulator.exchange import Exchange
    from quantstrats.simulator.faults.faults import faults_of
    from quantstrats.simulator.settings import Settings
    from quantstrats.simulator.simulator import Simulator
    from quantstrats.simulator.tape import tape_of
    from quantstrats.simulator.trouble import NO_TROUBLE

    settings = Settings() if settings is None else settings
    wrong = faults_of(faults, settings.seed)
    tape = _sample_tape() if market is None else tape_of(market)
    exchange = Exchange(tape, settings, NO_TROUBLE if wrong is None else wrong.trouble)
    return Simulator(exchange, settings, wrong)


@functools.cache
def _sample_tape() -> Tape:
    # Each test has an exchange of its own, but the bars are the same, and the calendar around them takes time.
    from quantstrats.simulator.sample_bars import sample_minutes
    from quantstrats.simulator.tape import tape_of

    return tape_of(sample_minutes())

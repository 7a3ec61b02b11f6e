"""The policy gradient: rewards by hand, what a policy learns from them, and whose future and dice it leaves alone."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from quantstrats_plugins.policy_gradient import (
    STATE,
    Policy,
    PolicyGradient,
    per_bar,
    returns_to_come,
    rewards,
    to_come,
)

from quantstrats import Market, load_market
from quantstrats.evaluation import details_of, evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.history import history
from quantstrats.learning.fits import Fits
from quantstrats.learning.fitted_state import pack, unpack
from quantstrats.portfolio.allocators import LongShort
from quantstrats.strategy import Strategy

NAN = float("nan")
QUICK = PolicyGradient(passes=60, episodes=8, train=250)


def market_of_returns(returns, first="2010-01-04"):
    """Make a market that opens where it closed, so that the return to the next open is that of the next bar."""
    index = Market.from_frames(close=load_market("sample", ["NASDAQ"], start=first).close).index[: len(returns)]
    names = [f"S{column}" for column in range(returns.shape[1])]
    close = pd.DataFrame(50 * np.cumprod(1 + returns, axis=0), index=index, columns=names)
    return Market.from_frames(open=close, high=close, low=close, close=close)


def planted(rows=750, symbols=2, seed=0, right=0.85):
    """Returns of 1%, whose direction two bars later is that of the present, in so many of a hundred."""
    rng = np.random.default_rng(seed)
    sign = rng.choice([-1.0, 1.0], size=(rows, symbols))
    for row in range(2, rows):
        sign[row] = np.where(rng.random(symbols) < right, sign[row - 2], -sign[row - 2])
    return 0.01 * sign


# --- the world


def test_rewards_are_returns_less_the_cost_of_each_change():
    positions = np.array([[1.0], [1.0], [-1.0], [0.0]])
    returns = np.array([[0.02], [-0.01], [-0.03], [0.05]])
    # Changes of 1, 0, 2 and 1, at 10 basis points each.
    expected = [0.02 - 0.001, -0.01, 0.03 - 0.002, -0.001]
    assert rewards(positions, returns, 10.0)[:, 0] == pytest.approx(expected, abs=1e-15)


def test_where_a_return_is_unknown_nothing_is_held_and_the_way_back_costs_again():
    positions, returns = np.ones((3, 1)), np.array([[0.02], [NAN], [0.01]])
    assert rewards(positions, returns, 10.0)[:, 0] == pytest.approx([0.019, -0.001, 0.009], abs=1e-15)


def test_rewards_to_come_are_discounted_by_hand():
    assert to_come(np.array([[1.0], [2.0], [4.0]]), 0.5)[:, 0].tolist() == [1 + 1 + 1, 2 + 2, 4]


def test_a_position_is_paid_from_the_next_open_to_the_one_after(sessions):
    opens = pd.DataFrame({"A": [10.0, 11, 12, 9]}, index=sessions(4))
    flat = pd.DataFrame({"A": [10.0, 11, 12, 9]}, index=opens.index)
    market = Market.from_frames(open=opens, high=flat, low=flat, close=flat)
    forecast = pd.DataFrame({"A": [0.4, -0.9, 1.0, 1.0]}, index=opens.index)
    earned = per_bar(forecast, returns_to_come(market), 0.0)
    assert earned.tolist() == pytest.approx([12 / 11 - 1, 1 - 9 / 12, NAN, NAN], nan_ok=True)


# --- what is learned


def test_a_planted_pattern_is_learned_and_pays_on_rows_that_were_not_seen():
    market = market_of_returns(planted())
    forecast = evaluate(replace(QUICK, cost_bps=0.0), market)
    served = forecast.notna().all(axis=1)
    assert served.sum() > 200
    agrees = np.sign(forecast) == np.sign(market.close.pct_change(fill_method=None))
    assert agrees[served].mean(axis=None) > 0.95
    earned = per_bar(forecast, market.open.pct_change(fill_method=None).shift(-2).to_numpy(), 0.0)
    # One who knows the pattern is right 85 times in a hundred: 1% x (0.85 - 0.15).
    assert earned.mean() == pytest.approx(0.007, abs=0.001)


def test_what_costs_more_than_it_earns_is_not_traded():
    # The pattern turns every other bar or so, and pays 1% for changes that cost 2% each.
    market = market_of_returns(planted())
    free, dear = (np.sign(evaluate(replace(QUICK, cost_bps=cost), market)).dropna().diff() for cost in (0.0, 200.0))
    assert free.abs().mean(axis=None) > 0.5
    assert dear.abs().mean(axis=None) < 0.1


def test_in_a_market_that_rises_the_policy_is_long():
    rng = np.random.default_rng(1)
    market = market_of_returns(rng.normal(0.004, 0.01, size=(600, 2)))
    forecast = evaluate(QUICK, market)
    assert (forecast.dropna() > 0).mean(axis=None) > 0.9


def expected_reward(weights, state, returns):
    """What a policy earns in expectation without costs: the chance of long less that of short, times the return."""
    first, shift, last, level = weights
    odds = np.exp(np.tanh(state @ first.T + shift) @ last.T + level)
    return ((odds[:, 2] - odds[:, 0]) / odds.sum(axis=1) * returns).mean()


def test_the_first_step_is_along_the_gradient_of_the_expected_reward():
    # Adam's first step is the sign of the gradient, times the learning rate. The gradient here is that of finite
    # differences of the expectation; of 4,000 episodes the mean is near enough to tell the signs of all but small ones.
    rng = np.random.default_rng(0)
    state, returns = rng.normal(size=(100, len(STATE))), rng.normal(0.0, 0.01, size=(100, 1))
    learner = PolicyGradient(hidden=2, passes=1, episodes=4000, cost_bps=0.0, discount=0.0)
    known = np.ones((100, 1), dtype=bool)
    before = replace(learner, learning_rate=1e-15).learned(state, returns, known)
    after = replace(learner, learning_rate=1e-3).learned(state, returns, known)
    gradient, moved = [], np.concatenate([(new - old).ravel() for new, old in zip(after, before, strict=True)])
    for which, weights in enumerate(before):
        for place in np.ndindex(weights.shape):
            sides = []
            for step in (1e-5, -1e-5):
                changed = [each.copy() for each in before]
                changed[which][place] += step
                sides.append(expected_reward(changed, state, returns[:, 0]))
            gradient.append((sides[0] - sides[1]) / 2e-5)
    gradient = np.array(gradient)
    clear = np.abs(gradient) > 0.2 * np.abs(gradient).max()
    assert clear.sum() > 5
    assert (np.sign(moved) == np.sign(gradient))[clear].all()
    np.testing.assert_allclose(np.abs(moved), 1e-3, rtol=1e-3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_the_null_market_nothing_is_earned_before_costs(seed):
    market = load_market("synthetic", seed=seed, count=4, bars=1000)
    returns = market.open.pct_change(fill_method=None).shift(-2).to_numpy()
    earned = per_bar(evaluate(QUICK, market), returns, 0.0).dropna()
    assert len(earned) > 400
    assert earned.mean() < 3 * earned.std() / np.sqrt(len(earned))


# --- dice


def weights(learner, market):
    return learner.fit(market).weights


def test_the_same_seed_learns_the_same_and_another_seed_otherwise():
    market = market_of_returns(planted(rows=400))
    one, other, third = (weights(replace(QUICK, seed=seed), market) for seed in (1, 1, 2))
    assert all((left == right).all() for left, right in zip(one, other, strict=True))
    assert any((left != right).any() for left, right in zip(one, third, strict=True))


def test_nobody_elses_random_numbers_change():
    torch.manual_seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    weights(QUICK, market_of_returns(planted(rows=400)))
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert before[2] == random.getstate()


# --- any market


def with_gaps(rows=600):
    market = load_market("synthetic", seed=7, count=4, bars=rows, first="2010-01-04")
    gone = pd.DataFrame(np.random.default_rng(7).random((rows, 4)) < 0.03, market.index, market.symbols)
    gone.iloc[:400, 0] = True  # listed late
    gone.iloc[520:550, 1] = True
    frames = {name: getattr(market, name).mask(gone) for name in ("open", "high", "low", "close", "volume")}
    return Market.from_frames(**frames)


def test_the_guard_finds_nothing_on_any_row():
    market, learner = with_gaps(), replace(QUICK, passes=10)
    forecast = evaluate(learner, market)
    assert forecast.notna().any().all()
    report = check_lookahead(learner, market, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows > 80


def test_a_session_that_starts_today_forecasts_what_the_backtest_does():
    market, strategy = with_gaps(), Strategy(replace(QUICK, passes=10), LongShort())
    whole = strategy.forecast(market, Fits())
    for row in (510, 560, 599):
        first = int(market.index.searchsorted(history(strategy, market.calendar, market.index[row], market.bar)))
        alone = strategy.forecast(market.rows(first, row + 1).with_listed_symbols(), Fits()).iloc[-1]
        pd.testing.assert_series_equal(alone.reindex(market.symbols), whole.iloc[row], rtol=1e-6, atol=1e-9)


def test_too_few_rows_teach_nothing():
    assert QUICK.fit(market_of_returns(planted(rows=100, symbols=1))) is None


def test_sessions_that_are_alike_in_everything_teach_no_nonsense():
    policy = QUICK.fit(market_of_returns(np.zeros((400, 2))))
    assert policy is None or np.isfinite(policy.weights[0]).all()


def test_what_was_learned_comes_back_from_the_cache_as_it_was():
    policy = QUICK.fit(market_of_returns(planted(rows=400)))
    again = unpack(pack(policy, [Policy.__module__]), [Policy.__module__])
    assert again.earned == policy.earned
    market = market_of_returns(planted(rows=200, seed=1))
    pd.testing.assert_frame_equal(again.forecast(market), policy.forecast(market), rtol=0, atol=0)


def test_the_table_has_what_each_fit_was_paid_on_its_rows_and_after():
    market = market_of_returns(planted(rows=850))
    (table,) = details_of(replace(QUICK, cost_bps=0.0), market).tables.values()
    assert list(table.columns) == ["from", "to", "on its training rows", "on the rows it served"]
    assert len(table) == 2
    np.testing.assert_allclose(table.iloc[:, 2:], 70.0, atol=15.0)  # basis points


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"episodes": 1}, r"hidden \(16\) and passes \(100\) must be at least 1, episodes \(1\) at least 2"),
        ({"discount": 1.0}, r"discount \(1.0\) must be at least 0 and below 1"),
        ({"learning_rate": 0.0}, r"learning_rate \(0.0\) above 0"),
        ({"cost_bps": NAN}, r"cost_bps \(nan\) at least 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(fields, told):
    with pytest.raises(ValueError, match=told):
        PolicyGradient(**fields)

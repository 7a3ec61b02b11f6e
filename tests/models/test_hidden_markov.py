"""The hidden Markov model: against every path by hand, against statsmodels, and on states that were planted."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quantstrats_plugins.hidden_markov_regime import HiddenMarkovRegime, HiddenMarkovRegimeFitted
from scipy.stats import multivariate_normal

from quantstrats import Market, models
from quantstrats.errors import ConfigError, DataError
from quantstrats.evaluation import details_of, evaluate
from quantstrats.learning.fits import Fits
from quantstrats.learning.fitted_state import pack, unpack

CALM_AND_WILD = np.array([[0.98, 0.02], [0.05, 0.95]])


def planted(seed, means, covariances, transition, rows):
    """Draw states, and normal observations in each."""
    rng = np.random.default_rng(seed)
    states = np.zeros(rows, dtype=int)
    for row in range(1, rows):
        states[row] = rng.choice(len(transition), p=transition[states[row - 1]])
    roots = np.linalg.cholesky(np.asarray(covariances))
    noise = rng.normal(size=(rows, np.shape(means)[1]))
    return states, np.asarray(means)[states] + np.einsum("tij,tj->ti", roots[states], noise)


def known_model(seed, states=2, width=1):
    """Make a model of arbitrary numbers."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(states, width, width)) + 2 * np.eye(width)
    return models.FittedHiddenMarkov(
        means=rng.normal(size=(states, width)),
        covariances=roots @ roots.transpose(0, 2, 1),
        transition=rng.dirichlet(np.ones(states) * 2, size=states),
        log_likelihood=0.0,
        outcome="fitted",
        notes=(),
    )


def by_every_path(model, observations):
    """Return each row's filtered probabilities and the log likelihood, by adding up all paths of states."""
    states = range(len(model.means))
    # The long run: where the chain is after so many steps, wherever it began.
    begins = np.linalg.matrix_power(model.transition, 2000)[0]
    filtered = []
    for last in range(len(observations)):
        weights = np.zeros(len(states))
        for path in itertools.product(states, repeat=last + 1):
            likely = begins[path[0]] * np.prod([model.transition[pair] for pair in itertools.pairwise(path)])
            for state, row in zip(path, observations, strict=False):
                if np.isfinite(row).all():
                    likely *= multivariate_normal(model.means[state], model.covariances[state]).pdf(row)
            weights[path[-1]] += likely
        filtered.append(weights / weights.sum())
    return np.array(filtered), np.log(weights.sum())


@pytest.mark.parametrize(("states", "width", "rows"), [(2, 1, 7), (3, 1, 5), (2, 2, 6), (3, 3, 4)])
def test_filtered_probabilities_are_those_of_all_paths_added_up(states, width, rows):
    model = known_model(states + width, states, width)
    observations = np.random.default_rng(1).normal(size=(rows, width))
    observations[2, 0] = np.nan
    filtered, likelihood = by_every_path(model, observations)
    np.testing.assert_allclose(model.filtered(observations), filtered, rtol=1e-10)
    assert model.log_likelihood_of(observations) == pytest.approx(likelihood, rel=1e-10)


def statsmodels_regression(observations):
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    return MarkovRegression(observations, k_regimes=2, trend="c", switching_variance=True)


def test_filtered_probabilities_are_those_of_statsmodels():
    _, observations = planted(3, [[0.05], [-0.1]], [[[0.6]], [[4.0]]], CALM_AND_WILD, 400)
    model = replace(known_model(0), means=np.array([[0.05], [-0.1]]), covariances=np.array([[[0.6]], [[4.0]]]))
    model = replace(model, transition=CALM_AND_WILD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = statsmodels_regression(observations[:, 0]).filter([0.98, 0.05, 0.05, -0.1, 0.6, 4.0])
    np.testing.assert_allclose(model.filtered(observations), other.filtered_marginal_probabilities, rtol=1e-8)
    assert model.log_likelihood_of(observations) == pytest.approx(other.llf, rel=1e-10)


def test_the_summit_is_that_of_statsmodels():
    _, observations = planted(3, [[0.05], [-0.1]], [[[0.6]], [[4.0]]], CALM_AND_WILD, 1500)
    found = models.HiddenMarkov(switches=0).fit(observations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = statsmodels_regression(observations[:, 0]).fit(em_iter=30)
    # They differ in what they take for the first row's state: it is one row of 1500.
    expected = dict(zip(other.model.param_names, other.params, strict=True))
    assert found.log_likelihood_of(observations) == pytest.approx(other.llf, abs=0.05)
    np.testing.assert_allclose(np.diag(found.transition), [expected["p[0->0]"], 1 - expected["p[1->0]"]], atol=1e-3)
    np.testing.assert_allclose(found.means[:, 0], [expected["const[0]"], expected["const[1]"]], atol=5e-3)
    np.testing.assert_allclose(found.covariances[:, 0, 0], [expected["sigma2[0]"], expected["sigma2[1]"]], rtol=1e-2)


def test_planted_states_are_found_in_two_dimensions():
    means = [[1.0, 0.0], [-1.0, 0.5]]
    covariances = [[[1.0, 0.5], [0.5, 1.0]], [[6.0, -2.0], [-2.0, 4.0]]]
    states, observations = planted(7, means, covariances, CALM_AND_WILD, 6000)
    found = models.HiddenMarkov().fit(observations)
    np.testing.assert_allclose(found.means, means, atol=0.15)
    np.testing.assert_allclose(found.covariances, covariances, rtol=0.1, atol=0.1)
    np.testing.assert_allclose(found.transition, CALM_AND_WILD, atol=0.015)
    np.testing.assert_allclose(found.long_run, [5 / 7, 2 / 7], atol=0.06)
    np.testing.assert_allclose(found.expected_rows, [50, 20], rtol=0.25)
    assert (found.filtered(observations).argmax(axis=1) == states).mean() > 0.93


def test_three_planted_states_are_found():
    transition = np.array([[0.97, 0.02, 0.01], [0.03, 0.95, 0.02], [0.02, 0.03, 0.95]])
    states, observations = planted(5, [[0.0], [0.0], [0.0]], [[[0.25]], [[2.25]], [[25.0]]], transition, 8000)
    found = models.HiddenMarkov(states=3).fit(observations)
    np.testing.assert_allclose(np.sqrt(found.covariances[:, 0, 0]), [0.5, 1.5, 5.0], rtol=0.08)
    np.testing.assert_allclose(found.transition, transition, atol=0.02)
    assert (found.filtered(observations).argmax(axis=1) == states).mean() > 0.85


@pytest.mark.parametrize("seed", range(5))
def test_the_calm_state_comes_first_whatever_the_seed(seed):
    _, observations = planted(9, [[0.0], [0.0]], [[[9.0]], [[1.0]]], CALM_AND_WILD, 600)
    found = models.HiddenMarkov(seed=seed).fit(observations)
    assert found.covariances[0, 0, 0] < found.covariances[1, 0, 0]


def test_no_row_knows_of_later_ones():
    _, observations = planted(2, [[0.0], [0.0]], [[[1.0]], [[9.0]]], CALM_AND_WILD, 300)
    found = models.HiddenMarkov().fit(observations[:200])
    whole = found.filtered(observations)
    for row in (0, 1, 50, 299):
        np.testing.assert_allclose(found.filtered(observations[: row + 1]), whole[: row + 1], rtol=1e-12)


def test_more_rounds_are_never_less_likely():
    _, observations = planted(4, [[0.0], [0.0]], [[[1.0]], [[4.0]]], CALM_AND_WILD, 400)
    heights = [
        models.HiddenMarkov(switches=0, starts=1, rounds=rounds).fit(observations).log_likelihood
        for rounds in (1, 2, 3, 5, 10, 30, 100, 1000)
    ]
    assert (np.diff(heights) >= 0).all()
    assert heights[-1] > heights[0]


@given(st.floats(0.01, 100), st.floats(-5, 5), st.integers(0, 1000))
def test_other_units_find_the_same_states(factor, shift, seed):
    _, observations = planted(seed, [[0.0], [0.0]], [[[1.0]], [[9.0]]], CALM_AND_WILD, 200)
    recipe = models.HiddenMarkov(starts=2, rounds=20)
    one, other = recipe.fit(observations), recipe.fit(factor * observations + shift)
    np.testing.assert_allclose(other.means, factor * one.means + shift, rtol=1e-5, atol=1e-6 * factor)
    np.testing.assert_allclose(other.transition, one.transition, rtol=1e-4, atol=1e-7)
    assert other.log_likelihood == pytest.approx(one.log_likelihood - 200 * np.log(factor), abs=1e-4)


def test_a_state_that_was_left_once_may_come_back():
    rng = np.random.default_rng(0)
    observations = np.concatenate([rng.normal(0, 4, 300), rng.normal(0, 1, 700)])
    gone = models.HiddenMarkov(switches=0).fit(observations)
    kept = models.HiddenMarkov().fit(observations)
    assert gone.transition[0, 1] < 1e-6
    # One switch back counts as seen, of some 700 rows in the calm state.
    assert kept.transition[0, 1] == pytest.approx(1 / 700, rel=0.2)
    assert gone.long_run[1] < 1e-4
    assert kept.long_run[1] > 0.1


def test_a_row_that_lacks_a_number_tells_nothing_and_the_chain_goes_on():
    model = replace(known_model(1), transition=CALM_AND_WILD)
    filtered = model.filtered([[0.1], [np.nan], [np.inf], [1e200]])
    np.testing.assert_allclose(filtered[1], filtered[0] @ CALM_AND_WILD, rtol=1e-12)
    np.testing.assert_allclose(filtered[3], filtered[2] @ CALM_AND_WILD, rtol=1e-12)
    assert model.filtered(np.full((3, 1), np.nan)) == pytest.approx(np.tile(model.long_run, (3, 1)))


def test_missing_rows_change_little_of_what_is_found():
    _, observations = planted(6, [[0.0], [0.0]], [[[1.0]], [[9.0]]], CALM_AND_WILD, 4000)
    observations[np.random.default_rng(0).random(4000) < 0.2] = np.nan
    found = models.HiddenMarkov().fit(observations)
    np.testing.assert_allclose(found.covariances[:, 0, 0], [1.0, 9.0], rtol=0.15)
    np.testing.assert_allclose(found.transition, CALM_AND_WILD, atol=0.02)
    assert found.notes[0].endswith("rows tell nothing: a number is missing")


def test_what_lies_far_beyond_every_state_is_followed_all_the_same():
    model = known_model(2, states=3)
    filtered = model.filtered([[0.0], [1e90], [-1e90], [0.0]])
    assert np.isfinite(filtered).all()
    np.testing.assert_allclose(filtered.sum(axis=1), 1.0)


def test_the_same_seed_finds_the_same_bits():
    _, observations = planted(8, [[0.0], [0.0]], [[[1.0]], [[9.0]]], CALM_AND_WILD, 500)
    one, other = (models.HiddenMarkov(seed=3).fit(observations) for _ in range(2))
    np.testing.assert_array_equal(one.transition, other.transition)
    np.testing.assert_array_equal(one.means, other.means)


NOTHING = [
    (np.zeros((0, 1)), "too few rows", "0 rows; 2 states take at least 20"),
    (np.arange(19.0), "too few rows", "19 rows"),
    (np.full(100, np.nan), "too few rows", "0 rows"),
    (np.full(100, 0.1), "no usable feature", "dimension 0 is constant"),
    (np.column_stack([np.arange(100.0), np.ones(100)]), "no usable feature", "dimension 1 is constant"),
]


@pytest.mark.parametrize(("observations", "outcome", "note"), NOTHING)
def test_where_nothing_can_be_learned_the_outcome_says_so(observations, outcome, note):
    found = models.HiddenMarkov().fit(observations)
    assert found.outcome == outcome
    assert note in found.notes[-1]
    assert np.isnan(found.filtered(observations)).all()
    assert found.filtered(observations).shape == (len(observations), 2)
    assert np.isnan(found.log_likelihood_of(observations))
    assert np.isnan(found.long_run).all()
    assert np.isnan(found.expected_rows).all()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"states": 1}, "states is 1; it is at least 2"),
        ({"starts": 0}, "starts is 0"),
        ({"rounds": 0}, "rounds is 0"),
        ({"gain": 0.0}, "gain is 0.0; it is a number above 0"),
        ({"switches": -1.0}, "switches is -1.0; it is a number of at least 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(fields, said):
    with pytest.raises(ConfigError, match=said):
        models.HiddenMarkov(**fields)


def test_other_shapes_are_refused():
    with pytest.raises(DataError, match="no table of numbers"):
        models.HiddenMarkov().fit([["a"]])
    with pytest.raises(DataError, match=r"of shape \(2, 2, 2\); give rows x dimensions"):
        models.HiddenMarkov().fit(np.zeros((2, 2, 2)))
    with pytest.raises(DataError, match="rows have 2 numbers, and it was fitted on rows of 1"):
        known_model(0).filtered(np.zeros((5, 2)))


def test_a_search_that_was_not_over_says_so():
    _, observations = planted(4, [[0.0], [0.0]], [[[1.0]], [[4.0]]], CALM_AND_WILD, 400)
    assert models.HiddenMarkov(rounds=1).fit(observations).notes == ("the search was not over after 1 rounds",)
    assert models.HiddenMarkov().fit(observations).notes == ()


def test_it_is_stored_with_a_signal_and_comes_back():
    _, observations = planted(4, [[0.0], [0.0]], [[[1.0]], [[4.0]]], CALM_AND_WILD, 400)
    signal = HiddenMarkovRegimeFitted(
        {"market": models.HiddenMarkov().fit(observations)}, ("log_return",), per_symbol=False, rows=65
    )
    again = unpack(pack(signal, [type(signal).__module__]), [type(signal).__module__])
    np.testing.assert_array_equal(
        again.found["market"].filtered(observations), signal.found["market"].filtered(observations)
    )
    assert again.found["market"].notes == ()


def test_a_run_counts_what_came_of_it(nasdaq):
    strategy = HiddenMarkovRegime(train=300)
    still = nasdaq.rows(0, 600)
    still = Market.from_frames(close=still.close * 0 + 10.0)
    fits = Fits()
    assert evaluate(strategy, still, fits=fits).isna().all().all()
    assert details_of(strategy, still).tables["States"]["share"].isna().all()
    assert fits.outcomes == {"no usable feature": 1}
    assert "no usable feature (1 rows tell nothing: a number is missing; dimension 0 is constant)" in fits.notes[0]

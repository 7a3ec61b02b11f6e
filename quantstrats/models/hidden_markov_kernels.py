"""Compiled loops of the hidden Markov model: what is known of its states from the past, and from all rows.

``surprise`` is rows x states: the logarithm of each row's density in each state, 0 in all of them where a row tells
nothing. Probabilities are scaled row by row, so that no product of them becomes too small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def filtered_states(surprise: Array, initial: Array, transition: Array) -> tuple[Array, float]:
    """Return each row's probabilities of the states from the rows up to it, and the log likelihood of all rows.

    The filter of Hamilton (1989), Econometrica 57(2), 357-384; ``initial`` is what holds on the first row before it
    is seen.
    """
    after, total = _filtered(surprise, initial, transition)
    return after, float(total)


def expected_states(surprise: Array, initial: Array, transition: Array) -> tuple[Array, Array, float]:
    """Return, from all rows, each row's probabilities, expected switches (from x to), and the log likelihood.

    The forward-backward algorithm of Baum, Petrie, Soules and Weiss (1970), Annals of Mathematical Statistics 41(1),
    164-171.
    """
    smooth, switches, total = _expected(surprise, initial, transition)
    return smooth, switches, float(total)


@compiled
def _filtered(surprise, initial, transition):  # type: ignore[no-untyped-def]
    rows, states = surprise.shape
    after = np.empty((rows, states))
    ahead = initial.copy()
    total = 0.0
    for row in range(rows):
        largest = np.max(surprise[row])
        likely = 0.0
        for state in range(states):
            after[row, state] = ahead[state] * np.exp(surprise[row, state] - largest)
            likely += after[row, state]
        total += largest + np.log(likely)
        for state in range(states):
            after[row, state] /= likely
        for to in range(states):
            ahead[to] = 0.0
            for state in range(states):
                ahead[to] += after[row, state] * transition[state, to]
    return after, total


@compiled
def _expected(surprise, initial, transition):  # type: ignore[no-untyped-def]
    after, total = _filtered(surprise, initial, transition)
    rows, states = surprise.shape
    smooth = after.copy()
    switches = np.zeros((states, states))
    onward = np.empty(states)
    for row in range(rows - 2, -1, -1):
        for to in range(states):
            ahead = 0.0
            for state in range(states):
                ahead += after[row, state] * transition[state, to]
            onward[to] = smooth[row + 1, to] / ahead
        for state in range(states):
            smooth[row, state] = 0.0
            for to in range(states):
                switch = after[row, state] * transition[state, to] * onward[to]
                switches[state, to] += switch
                smooth[row, state] += switch
    return smooth, switches, total

"""Tables of an ensemble: how each of its models did out of sample, and what moved them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.models.ensembles import ensemble, opinions, weights_of
from quantstrats.models.scores import scores_of
from quantstrats.models.shapley import contributions, explains

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.models.serving import Served

TOGETHER = "together"


def ensemble_scores(served: Sequence[Served], names: Sequence[str]) -> pd.DataFrame:
    """Return what each model of an ensemble, and all together, scored on the rows that its fits served.

    Parameters
    ----------
    served : sequence of Served
        Whose signals have a fitted ensemble as ``model``.
    names : sequence of str
        Of its models.

    Returns
    -------
    DataFrame
        A row per model, and ``together``: ``weight``, the mean over the refits of :func:`weights_of`, and the scores
        of :func:`scores_of` over all rows that all of them could be asked of.
    """
    import pandas as pd

    fitted = [each.signal.model for each in served if each.signal.model.outcome == "fitted"]
    _check_names(served, names)
    classes = sorted({label for each in fitted for label in each.classes})
    said, labels = [np.empty((len(names) + 1, 0, len(classes)))], [np.empty(0)]
    for each in served:
        model = each.signal.model
        if model.outcome != "fitted":
            continue
        together = np.stack([model.probability(label, each.inputs) for label in classes], axis=1)
        said.append(np.concatenate([opinions(model, each.inputs, classes), together[None]]))
        labels.append(each.labels)
    chances, came = np.concatenate(said, axis=1), np.concatenate(labels)
    common = np.isfinite(chances).all(axis=(0, 2))
    known = np.asarray(classes)
    rows = [scores_of(each[common], came[common], known) for each in chances] if classes else []
    weights = np.mean([weights_of(each) for each in fitted], axis=0) if fitted else []
    table = pd.DataFrame(rows, index=pd.Index([*names, TOGETHER][: len(rows)], name="model"))
    table.insert(0, "weight", [*weights, np.nan][: len(rows)])
    return table


def contribution_sizes(served: Sequence[Served], features: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Return how far each feature moves each model of an ensemble on the rows that its fits served.

    Parameters
    ----------
    served : sequence of Served
        Whose signals have a fitted ensemble as ``model``.
    features, names : sequence of str
        The features, and the ensemble's models.

    Returns
    -------
    DataFrame
        Features x those models that :func:`contributions` knows: the mean absolute contribution, in log-odds.
    """
    import pandas as pd

    _check_names(served, names)
    sizes: dict[str, list[np.ndarray]] = {}
    for each in served:
        model = each.signal.model
        parts = ensemble(model.model).models
        for part, name in enumerate(names):
            if model.outcome == "fitted" and explains(parts[part]):
                moved = np.abs(contributions(model, each.inputs, part)[:, :-1])
                sizes.setdefault(name, []).append(moved[np.isfinite(moved).all(axis=1)])
    means = {name: np.concatenate(moved).mean(axis=0) for name, moved in sizes.items()}
    return pd.DataFrame(means, index=pd.Index(list(features), name="feature"))


def _check_names(served: Sequence[Served], names: Sequence[str]) -> None:
    for each in served:
        count = len(ensemble(each.signal.model.model).models)
        if count != len(names):
            raise ConfigError(f"there are {count} models and {len(names)} names; give each model's name")

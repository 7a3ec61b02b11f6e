"""What was held as parts of the equity; zero where nothing is left of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.runs.run import Run


def weights_of(run: Run) -> pd.DataFrame:
    """Return each position as a fraction of the equity, rows x symbols."""
    return run.positions.drop(columns="cash").div(_alive(run), axis=0)


def weight_of(run: Run, symbol: str) -> NDArray[np.float64]:
    """Return the position in one symbol as a fraction of the equity, by rows."""
    return run.positions[symbol].to_numpy("float64") / _alive(run)


def _alive(run: Run) -> NDArray[np.float64]:
    equity = run.equity.to_numpy("float64")
    return np.where(equity > 0.0, equity, np.inf)

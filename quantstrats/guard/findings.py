"""What the guard says of a difference: what is likely wrong, where it showed, and what to look for."""

from __future__ import annotations

from quantstrats.errors import LookAheadError

# What the signal does, and from what the other value came, with advice.
FUTURE = (
    "reads the future",
    "when other bars follow; look for shift(-n), center=True, bfill, iloc[-1], means over all rows",
)
MEMORY = (
    "remembers more than warmup() says",
    "from the rows that warmup() asks for; raise warmup(), or set resets",
)
LISTINGS = (
    "knows of symbols before they are listed",
    "from the symbols listed by then; the set of columns is no information",
)
FUTURE_OR_MEMORY = (
    "reads the future, or remembers more than warmup() says",
    "when bars after it, or before its window, are others",
)
SCALE = (
    "depends on the scale of prices, which a split changes",
    "when prices are multiplied; set scale_free = False if that is meant",
)
RANDOM = (
    "gives other numbers each time",
    "when asked again; draw random numbers from a seed that is a field",
)


def reads(name: str) -> tuple[str, str]:
    """Return the finding that dated data beside the market is read too early."""
    return (
        f"reads the future in {name}",
        "when that holds other values after this bar; data beside the bars belong into side series",
    )


def finding(who: str, cause: tuple[str, str], where: str, before: float, after: float) -> LookAheadError:
    """Return the error that says what is wrong, where, with both values.

    Parameters
    ----------
    who : str
        The signal, and whose part it is.
    cause : tuple of str
        One of the above.
    where : str
        Symbol and date.
    before, after : float
        The forecast in the backtest, and the recomputed one.
    """
    first, second = _shown(before, after)
    return LookAheadError(f"{who} {cause[0]}: {where} is {first} in the backtest and {second} {cause[1]}")


def _shown(before: float, after: float) -> tuple[str, str]:
    """Return both values, with as many digits as it takes to see that they differ."""
    shown = [f"{value:.6g}" for value in (before, after)]
    if shown[0] == shown[1]:
        shown = [f"{value:.17g}" for value in (before, after)]
    return tuple("no opinion" if text == "nan" else text for text in shown)  # type: ignore[return-value]

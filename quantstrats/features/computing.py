"""compute: features of a market, rows x (feature, symbol)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import ConfigError, DataError, PluginError, QuantstratsError, in_one_line
from quantstrats.features.bars import BLOCK, Bars
from quantstrats.features.catalogue import shipped
from quantstrats.features.definition import NEEDS, Feature
from quantstrats.features.reach import longer_bars_per_year, longer_length, rows_of_longer_bars
from quantstrats.features.spec import Spec, specs_of
from quantstrats.market.calendar import Calendar
from quantstrats.market.given import checked_market

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.market import Market
    from quantstrats.plugins import Plugins

    Array = NDArray[np.float64]

_AT_ONCE = 16  # symbols: what a formula works on stays within the processor's caches
_FIELDS = ("open", "high", "low", "close", "volume")
_DAY = 86_400 * 10**9  # nanoseconds


def compute(
    market: Market, names: Iterable[str | Feature] | str | Feature | None = None, *, plugins: Plugins | None = None
) -> pd.DataFrame:
    """Return features of a market, rows x (feature, symbol).

    A value rests on bars up to its row alone, and on no more of them than the feature's warm-up says: it is the same
    wherever the data begin. It is missing where a symbol has no bar, and where it has too few before it. On the slices
    that a learner is fitted on and asked on, what was computed on the whole market is cut out, not computed again.

    Parameters
    ----------
    market : Market
        The bars.
    names : iterable of str or Feature, or one of them, optional
        ``"rsi"``, ``"rsi(window=7)"``, ``"rsi@week"`` (on closed weeks alone), ``"acme:rsi"``, or a feature itself,
        with its default parameters; by default every feature that ships and that these bars allow, but for those in
        which a model is fitted.
    plugins : Plugins, optional
        Where to look for names that are not shipped; by default all that is installed.

    Returns
    -------
    DataFrame
        Float64, with columns of two levels, ``feature`` (as it was asked for) and ``symbol``; NaN where there is none.

    Raises
    ------
    ConfigError
        If there is no such feature or parameter, with the nearest that there is.
    DataError
        If the market is none, lacks what a feature needs, or has fewer rows than it takes.
    """
    import pandas as pd

    checked_market(market)
    specs = specs_of(possible(market) if names is None else names, plugins)
    for spec in specs:
        _check(spec, market)
    cut = market.cut
    if cut.whole is market:
        values = np.empty((len(specs), len(market.symbols), len(market)))
        _fill(market, specs, values)
    else:
        values = _cut_out(market, specs)
    columns = pd.MultiIndex.from_product([[spec.label for spec in specs], market.symbols], names=["feature", "symbol"])
    return pd.DataFrame(values.reshape(len(columns), len(market)).T, index=market.index, columns=columns, copy=False)


def warmup(
    names: Iterable[str | Feature] | str | Feature,
    *,
    bar: str | None = None,
    calendar: str = "XNYS",
    plugins: Plugins | None = None,
) -> int:
    """Return on how many rows, the last included, the features of a row may depend: what a signal's ``warmup()`` says.

    Parameters
    ----------
    names : iterable of str or Feature, or one of them
        As :func:`compute` takes them.
    bar : str, optional
        Length of intraday rows, as ``"5min"``, for features on longer bars; by default rows are days.
    calendar : str, default "XNYS"
        Of the rows, for features on longer bars.
    plugins : Plugins, optional
        Where to look for names that are not shipped.

    Raises
    ------
    ConfigError
        If there is no such feature, parameter, bar or calendar.
    """
    specs = specs_of(names, plugins)
    try:
        exchange, length = Calendar(calendar), _length_of_rows(bar)
    except DataError as error:
        raise ConfigError(str(error)) from None
    return max(_rows(spec, exchange, length) for spec in specs)


def _length_of_rows(bar: str | None) -> pd.Timedelta | None:
    """Return the length of intraday rows, None for daily ones, as a Market reads it."""
    import pandas as pd

    from quantstrats.market.frames import bar_length

    length = bar_length(bar)
    return None if length is None or length >= pd.Timedelta(days=1) else length


def possible(market: Market) -> list[str]:
    """Return the names of the features that ship and that these bars allow, without those that fit a model."""
    lacking = {need for need in NEEDS if _lacks(checked_market(market), need)}
    return [
        each.name
        for each in shipped().values()
        if not each.fitted and not lacking & set(each.needs) and each.bars() <= len(market)
    ]


def _rows(spec: Spec, calendar: Calendar, bar: pd.Timedelta | None) -> int:
    if not spec.bar:
        return spec.warmup
    try:
        return rows_of_longer_bars(spec.warmup, spec.bar, calendar, bar)
    except ConfigError as error:
        raise ConfigError(f"feature {spec.label!r}: {error}") from None


def _check(spec: Spec, market: Market) -> None:
    for need in spec.feature.needs:
        if what := _lacks(market, need):
            raise DataError(f"feature {spec.label!r} needs {what}")
    # On rows without a gap a value is there from the first row on that has so many bars before it; on longer bars from
    # the warm-up on, since nobody knows on which row of one the rows begin.
    needed = _rows(spec, market.calendar, market.bar) if spec.bar else spec.feature.bars(**spec.values)
    if len(market) < needed:
        raise DataError(
            f"feature {spec.label!r} needs {needed:,} rows, and there are {len(market):,}; load more of them, or "
            "choose a shorter window"
        )


def _lacks(market: Market, need: str) -> str:
    """Return what a market lacks of a need, in words that say what to do; nothing where it has it."""
    if need == "volume" and np.isnan(market.array("volume")).all():
        return "volume, which these bars do not have; choose another feature, or a source with volume"
    if need == "ranges" and not market.has_ranges:
        return "highs and lows, and these bars are closes alone; choose another feature, or a source with whole bars"
    if need == "sector" and "sector" not in market.side:
        return "the side series 'sector' (a symbol's sector); say where it comes from in data.side.sector"
    return ""


def _cut_out(market: Market, specs: list[Spec]) -> Array:
    """Return what was computed on the whole market, cut; and compute there what was not yet."""
    cut = market.cut
    known = cut.whole.memo.setdefault("features", {})
    lacking = [spec for spec in specs if _key(spec) not in known]
    if lacking:
        fresh = np.empty((len(lacking), len(cut.whole.symbols), len(cut.whole)))
        _fill(cut.whole, lacking, fresh)
        known |= {_key(spec): values for spec, values in zip(lacking, fresh, strict=True)}
    rows = slice(cut.start, cut.start + len(market))
    values = np.empty((len(specs), len(market.symbols), len(market)))
    for place, spec in enumerate(specs):
        values[place] = known[_key(spec)][cut.columns, rows]
        _forget(spec, market, values[place])
    return values


def _key(spec: Spec) -> tuple[Any, ...]:
    return spec.feature, spec.parameters, spec.bar


def _forget(spec: Spec, market: Market, values: Array) -> None:
    """Take away what rests on bars before these rows, shape (symbols, rows)."""
    first = min(_rows(spec, market.calendar, market.bar) - 1, len(market))
    if spec.bar:
        values[:, :first] = np.nan
    else:
        enough = np.cumsum(market.present[:first], axis=0) >= spec.feature.bars(**spec.values)
        values[:, :first][~enough.T] = np.nan


def _fill(market: Market, specs: list[Spec], out: Array, bars_per_year: float | None = None) -> None:
    """Compute features into ``out``, shape (features, symbols, rows)."""
    own = [(place, spec) for place, spec in enumerate(specs) if not spec.feature.across and not spec.bar]
    if own:
        _fill_symbols(market, own, out, bars_per_year or market.bars_per_year)
    for place, spec in enumerate(specs):
        if spec.bar:
            out[place] = _on_longer_bars(market, spec)
            _forget(spec, market, out[place])
        elif spec.feature.across:
            out[place] = _called(spec, market, (len(market), len(market.symbols))).T
            _forget(spec, market, out[place])


def _fill_symbols(market: Market, specs: list[tuple[int, Spec]], out: Array, bars_per_year: float) -> None:
    for block, there, bars in _packed(market, bars_per_year):
        places = np.arange(bars.shape[1]) < there.sum(axis=1)[:, None]
        whole = bool(there.all())
        position = np.nonzero(there)[1]
        for place, spec in specs:
            values = _called(spec, bars, bars.shape)
            count = spec.feature.bars(**spec.values)
            if whole:
                out[place, block] = values
                out[place, block, : count - 1] = np.nan
                continue
            rows = np.full(bars.shape, np.nan)
            rows[places] = position
            out[place, block] = np.nan
            out[place, block][there] = _supported(values, rows, count, spec.warmup)[places]


def _supported(values: Array, rows: Array, count: int, reach: int) -> Array:
    """Return the values whose last ``count`` bars lie within ``reach`` rows, NaN elsewhere; shape (symbols, bars)."""
    kept = np.full(values.shape, np.nan)
    if count <= values.shape[1]:
        last, first = rows[:, count - 1 :], rows[:, : values.shape[1] - count + 1]
        kept[:, count - 1 :] = np.where(last - first < reach, values[:, count - 1 :], np.nan)
    return kept


def _packed(market: Market, bars_per_year: float) -> Iterator[tuple[slice, NDArray[np.bool_], Bars]]:
    """Yield some symbols at a time: which, on which rows they have a bar, shape (symbols, rows), and their bars."""
    session = _whole_numbers(market.session.as_unit("ns").asi8) // _DAY
    length = _DAY if market.bar is None else int(market.bar.value)
    label = market.session if market.bar is None else market.index
    block = _whole_numbers(label.as_unit("ns").asi8) // (length * BLOCK)
    for first in range(0, len(market.symbols), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        there = np.ascontiguousarray(market.present[:, some].T)
        counts = there.sum(axis=1)
        fields = {name: _pack(market.array(name)[:, some].T, there, counts) for name in _FIELDS}
        times = [_pack(np.broadcast_to(each, there.shape), there, counts) for each in (session, block)]
        yield some, there, Bars(fields, times[0], times[1], bars_per_year)


def _whole_numbers(values: Any) -> NDArray[np.int64]:
    return np.asarray(values, dtype="int64")


def _pack(values: Any, there: NDArray[np.bool_], counts: NDArray[np.intp]) -> Any:
    """Return what stands where there is a bar, without the gaps, shape (symbols, most bars)."""
    if counts.min() == there.shape[1]:
        return np.array(values, order="C")
    width = max(int(counts.max()), 1)
    nothing = np.nan if values.dtype.kind == "f" else np.iinfo(np.int64).min
    packed = np.full((len(there), width), nothing, dtype=values.dtype)
    packed[np.arange(width) < counts[:, None]] = values[there]
    return packed


def _called(spec: Spec, bars: Any, shape: tuple[int, ...]) -> Array:
    """Call a formula, and check what it returns."""
    try:
        with np.errstate(all="ignore"):
            values = bars.of(spec.feature, **spec.values) if isinstance(bars, Bars) else _across(spec, bars)
    except QuantstratsError:
        raise
    # A stranger's formula may raise anything; whoever asked for it wants to know which it was.
    except Exception as error:
        raise PluginError(f"feature {spec.label!r} failed: {in_one_line(error)}") from error
    if not isinstance(values, np.ndarray) or values.shape != shape or values.dtype != np.float64:
        got = f"{values.dtype} of shape {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise PluginError(f"feature {spec.label!r} returned {got}, not float64 of shape {shape}")
    infinite = np.isinf(values)
    return np.where(infinite, np.nan, values) if infinite.any() else values


def _across(spec: Spec, market: Market) -> Any:
    values = spec.feature.function(market, **spec.values)
    return values.to_numpy("float64") if hasattr(values, "to_numpy") else values


def _on_longer_bars(market: Market, spec: Spec) -> Array:
    """Return a feature of closed longer bars on the market's rows, shape (symbols, rows)."""
    import pandas as pd

    from quantstrats.market.calendar import Grid
    from quantstrats.market.frames import Panel
    from quantstrats.market.market import Market as Whole

    longer = market.longer(spec.bar)
    if not len(longer):
        return np.full((len(market.symbols), len(market)), np.nan)
    if spec.feature.across and spec.feature.needs:
        raise ConfigError(f"feature {spec.label!r}: side series are not known on longer bars; leave out @{spec.bar}")
    arrays = {name: longer.bars(name).to_numpy() for name in _FIELDS}
    grid = Grid(longer.index, longer.decided_at, longer.index.tz_localize(None))
    _, length = longer_length(spec.bar, market.bar)
    bars = Whole.from_panel(Panel(grid, market.symbols, length, arrays), market.calendar)
    universe = market.universe if spec.feature.across else None
    if universe is not None:  # as it was on the row that completed each longer bar
        last = market.decided_at.searchsorted(longer.decided_at, side="right") - 1
        bars = bars.with_universe(universe.iloc[last].set_axis(longer.index, axis=0))
    values = np.empty((1, len(market.symbols), len(longer)))
    plain = Spec(spec.label, spec.feature, spec.parameters)
    _fill(bars, [plain], values, longer_bars_per_year(spec.bar, market.calendar, market.bar))
    frame = pd.DataFrame(values[0].T, index=longer.index, columns=market.symbols)
    found: Array = longer.on_rows(frame).to_numpy().T
    return found if universe is None else np.where(universe.to_numpy().T, found, np.nan)

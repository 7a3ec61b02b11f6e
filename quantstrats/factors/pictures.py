"""Pictures of quantiles: what each earned, and how that came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.drawing import GAIN, INK, LOSS, SOFT, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from quantstrats.factors.quantiles import QuantileReturns

_HEIGHT = 2.8  # inches, of a panel
_SURE = 2.0  # standard errors, for the bars' whiskers


@house_style()
def quantile_picture(quantiles: QuantileReturns, bars_per_year: float) -> Figure:
    """Draw the mean return of each quantile with twice its error, and the growth of the highest, lowest and spread.

    Growth is of one position after another: of overlapping returns every ``horizon``-th row is taken.

    Parameters
    ----------
    quantiles : QuantileReturns
        What ``quantile_returns`` gave, of a forecast on every row.
    bars_per_year : float
        For annualising the means.
    """
    figure, (bars, growth) = new_figure(panels=2, height=_HEIGHT)
    table = quantiles.table * (bars_per_year / quantiles.horizon)
    means = table["mean return"]
    colours = [GAIN if mean > 0 else LOSS for mean in means]
    bars.bar(range(len(means)), 100 * means, color=colours, width=0.7)
    bars.errorbar(range(len(means)), 100 * means, yerr=100 * _SURE * table["error"], fmt="none", ecolor=INK, lw=0.8)
    bars.set_xticks(range(len(means)), list(means.index))
    bars.axhline(0.0, color=SOFT, linewidth=0.8)
    bars.set_title("Mean return of each quantile before costs, % a year, with 2 standard errors")

    alone = quantiles.returns.iloc[:: quantiles.horizon].fillna(0.0)
    lowest, highest = alone.columns[0], alone.columns[-1]
    lines = {f"quantile {highest}": alone[highest], f"quantile {lowest}": alone[lowest]}
    lines["top - bottom"] = alone[highest] - alone[lowest]
    # What was earned is there where it is earned, one horizon after it was decided: where the next position begins.
    times = list(alone.index)
    if len(times) > 1:
        times.append(times[-1] + (times[-1] - times[-2]))
    for name, returns in lines.items():
        growth.plot(times, [1.0, *(1.0 + returns).cumprod()][: len(times)], label=name)
    growth.set_title("Growth of 1 before costs")
    growth.legend(loc="upper left")
    return figure

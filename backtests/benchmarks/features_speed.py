"""How long features take against the package ``ta``: ``python backtests/benchmarks/features_speed.py``.

The bars are random walks of 500 symbols x 1,260 days. ``ta.add_all_ta_features`` makes its 86 columns symbol by symbol.
We make first those features of which each of its columns is one, or one of them less, divided by or compared with
another; then every feature that ships, but for those in which a model is fitted. All in one process on one thread, ours
after a first call on a few bars that loads what numba has compiled. Each column is compared with that of ``ta`` too, on
one symbol, from the row on which ours has its first number.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from random_bars import days, random_walk

from quantstrats import Market, features

GOAL = 250.0  # x ta, on the columns that both have
Columns = Mapping[str, pd.Series]


# Each column of ta by what it is among our features: itself, or a plain function of several and of the bars.
def _itself(name: str) -> tuple[tuple[str, ...], Callable[..., pd.Series] | None]:
    return (name,), None


def _times(name: str, factor: float) -> tuple[tuple[str, ...], Callable[..., pd.Series]]:
    return (name,), lambda _, values: values * factor


def _is(name: str, code: float) -> tuple[tuple[str, ...], Callable[..., pd.Series]]:
    return (name,), lambda _, values: (values == code).astype(float).where(values.notna())


def _less(one: str, other: str) -> tuple[tuple[str, ...], Callable[..., pd.Series]]:
    return (one, other), lambda _, left, right: left - right


def _where(name: str, code: float) -> tuple[tuple[str, ...], Callable[..., pd.Series]]:
    return (name, f"{name}_trend"), lambda _, level, trend: level.where(trend == code)


def _turns(name: str, code: float) -> tuple[tuple[str, ...], Callable[..., pd.Series]]:
    def turned(_: pd.DataFrame, trend: pd.Series) -> pd.Series:
        return ((trend == code) & (trend.shift(1) == -code)).astype(float).where(trend.shift(1).notna())

    return (name,), turned


SHARED: Mapping[str, tuple[tuple[str, ...], Callable[..., pd.Series] | None]] = {
    "volume_adi": _itself("accumulation_distribution"),
    "volume_obv": _itself("obv"),
    "volume_cmf": _itself("chaikin_money_flow"),
    "volume_fi": _itself("force_index"),
    "volume_em": _itself("ease_of_movement(window=1)"),
    "volume_sma_em": _itself("ease_of_movement"),
    "volume_vpt": _itself("volume_price_trend"),
    "volume_vwap": _itself("rolling_vwap(window=14)"),
    "volume_mfi": _itself("money_flow_index"),
    "volume_nvi": _itself("negative_volume_index"),
    "volatility_bbm": _itself("sma"),
    "volatility_bbh": _itself("bollinger_upper"),
    "volatility_bbl": _itself("bollinger_lower"),
    "volatility_bbw": _times("bollinger_width", 100.0),
    "volatility_bbp": _itself("bollinger_percent"),
    "volatility_bbhi": _is("bollinger_breakout", 1.0),
    "volatility_bbli": _is("bollinger_breakout", -1.0),
    "volatility_kcc": _itself("keltner_middle"),
    "volatility_kch": _itself("keltner_upper"),
    "volatility_kcl": _itself("keltner_lower"),
    "volatility_kcw": _times("keltner_width", 100.0),
    "volatility_kcp": _itself("keltner_percent"),
    "volatility_kchi": _is("keltner_breakout", 1.0),
    "volatility_kcli": _is("keltner_breakout", -1.0),
    "volatility_dcl": _itself("donchian_lower"),
    "volatility_dch": _itself("donchian_upper"),
    "volatility_dcm": _itself("donchian_middle"),
    "volatility_dcw": _times("donchian_width", 100.0),
    "volatility_dcp": _itself("donchian_percent"),
    "volatility_atr": _itself("atr(window=10)"),
    "volatility_ui": _itself("ulcer_index"),
    "trend_macd": _itself("macd"),
    "trend_macd_signal": _itself("macd_signal"),
    "trend_macd_diff": _itself("macd_histogram"),
    "trend_sma_fast": _itself("sma(window=12)"),
    "trend_sma_slow": _itself("sma(window=26)"),
    "trend_ema_fast": _itself("ema(window=12)"),
    "trend_ema_slow": _itself("ema(window=26)"),
    "trend_vortex_ind_pos": _itself("vortex_plus"),
    "trend_vortex_ind_neg": _itself("vortex_minus"),
    "trend_vortex_ind_diff": _less("vortex_plus", "vortex_minus"),
    "trend_trix": _itself("trix"),
    "trend_mass_index": _itself("mass_index"),
    "trend_dpo": _itself("detrended_price"),
    "trend_kst": _itself("kst"),
    "trend_kst_sig": _itself("kst_signal"),
    "trend_kst_diff": _less("kst", "kst_signal"),
    "trend_ichimoku_conv": _itself("ichimoku_conversion"),
    "trend_ichimoku_base": _itself("ichimoku_base"),
    "trend_ichimoku_a": (
        ("ichimoku_conversion", "ichimoku_base"),
        lambda _, conversion, base: (conversion + base) / 2.0,
    ),
    "trend_ichimoku_b": _itself("ichimoku_span_b(shift=0)"),
    "trend_visual_ichimoku_a": _itself("ichimoku_span_a"),
    "trend_visual_ichimoku_b": _itself("ichimoku_span_b"),
    "trend_stc": _itself("schaff_trend_cycle"),
    "trend_adx": _itself("adx"),
    "trend_adx_pos": _itself("plus_di"),
    "trend_adx_neg": _itself("minus_di"),
    "trend_cci": _itself("cci"),
    "trend_aroon_up": _itself("aroon_up"),
    "trend_aroon_down": _itself("aroon_down"),
    "trend_aroon_ind": _itself("aroon_oscillator"),
    "trend_psar_up": _where("parabolic_sar", 1.0),
    "trend_psar_down": _where("parabolic_sar", -1.0),
    "trend_psar_up_indicator": _turns("parabolic_sar_trend", 1.0),
    "trend_psar_down_indicator": _turns("parabolic_sar_trend", -1.0),
    "momentum_rsi": _itself("rsi"),
    "momentum_stoch_rsi": _times("stochastic_rsi", 1.0),
    "momentum_stoch_rsi_k": _itself("stochastic_rsi_k"),
    "momentum_stoch_rsi_d": _itself("stochastic_rsi_d"),
    "momentum_tsi": _itself("true_strength_index"),
    "momentum_uo": _itself("ultimate_oscillator"),
    "momentum_stoch": _itself("stochastic_k"),
    "momentum_stoch_signal": _itself("stochastic_d"),
    "momentum_wr": _itself("williams_r"),
    "momentum_ao": _itself("awesome_oscillator"),
    "momentum_roc": _itself("roc"),
    "momentum_ppo": _itself("ppo"),
    "momentum_ppo_signal": _itself("ppo_signal"),
    "momentum_ppo_hist": _itself("ppo_histogram"),
    "momentum_pvo": _itself("pvo"),
    "momentum_pvo_signal": _itself("pvo_signal"),
    "momentum_pvo_hist": _itself("pvo_histogram"),
    "momentum_kama": _itself("kama"),
    "others_dr": _times("simple_return", 100.0),
    "others_dlr": _times("log_return", 100.0),
    "others_cr": _itself("cumulative_return"),
}

# What of a column of ta ours is: those that sum up from the first bar on are compared over our windows.
WINDOWS = {"volume_adi": 20, "volume_obv": 20, "volume_vpt": 20, "volume_nvi": 60, "others_cr": 252}
# Why a column of ours is another one on purpose.
EXCUSES: Mapping[str, str] = dict.fromkeys(
    ("trend_psar_up", "trend_psar_down", "trend_psar_up_indicator", "trend_psar_down_indicator"),
    "begins afresh by the calendar, not at the first bar",
)


def comparable(column: str, theirs: pd.Series) -> pd.Series:
    """Return what of ta's column can be compared with ours."""
    if column == "volume_nvi":
        return theirs / theirs.shift(WINDOWS[column]) - 1.0
    if column == "others_cr":
        return (1.0 + theirs / 100.0) / (1.0 + theirs / 100.0).shift(WINDOWS[column]) - 1.0
    return theirs - theirs.shift(WINDOWS[column]) if column in WINDOWS else theirs


def ta_columns(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the 86 columns of ta for one symbol."""
    import ta

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of pandas' future in every second indicator
        table = ta.add_all_ta_features(bars.copy(), "open", "high", "low", "close", "volume")
    return table.drop(columns=bars.columns)


def bars_of(market: Market, symbol: str) -> pd.DataFrame:
    """Return one symbol's bars as ta takes them."""
    return pd.DataFrame({field: getattr(market, field)[symbol] for field in ("open", "high", "low", "close", "volume")})


def seconds_of_ta(market: Market) -> float:
    """Return how long ta takes for all symbols, one by one."""
    tables = [bars_of(market, symbol) for symbol in market.symbols]
    began = time.perf_counter()
    for table in tables:
        ta_columns(table)
    return time.perf_counter() - began


def seconds_of_ours(market: Market, names: list[str], rounds: int) -> tuple[float, pd.DataFrame]:
    """Return the shortest of several times for all symbols at once, and the table."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        table = features.compute(market, names)
        times.append(time.perf_counter() - began)
    return min(times), table


def resident() -> float:
    """Return how many megabytes this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def largest_differences(market: Market) -> dict[str, float]:
    """Return by column of ta the largest difference, as a part of the column's largest size."""
    bars = bars_of(market, str(market.symbols[0]))
    theirs = ta_columns(bars)
    names = shared_names()
    ours = features.compute(market.select([market.symbols[0]]), names).droplevel("symbol", axis=1)
    found = {}
    for column, (asked, make) in SHARED.items():
        values = ours[asked[0]] if make is None else make(bars, *(ours[name] for name in asked))
        known = comparable(column, theirs[column])
        both = values.notna() & known.notna()
        size = float(known[both].abs().max()) or 1.0
        found[column] = float((values - known)[both].abs().max()) / size if both.any() else np.nan
    return found


def shared_names() -> list[str]:
    """Return the features of which the columns of ta are made, each once."""
    return list(dict.fromkeys(name for names, _ in SHARED.values() for name in names))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--bars", type=int, default=1260)
    parser.add_argument("--rounds", type=int, default=3, help="of ours; ta is timed once")
    asked = parser.parse_args()
    market = random_walk(days(asked.bars), asked.symbols)
    shared, every = shared_names(), features.possible(market)
    features.compute(market.select(market.symbols[:2]), every)  # what is compiled and loaded once
    before = resident()
    ours, table = seconds_of_ours(market, shared, asked.rounds)
    del table
    whole, table = seconds_of_ours(market, every, 1)
    held, peak = table.to_numpy().nbytes / 2**20, resident() - before
    theirs = seconds_of_ta(market)
    differences = largest_differences(market)
    near = sum(value <= 1e-6 for value in differences.values())
    print(f"{asked.symbols} symbols x {asked.bars:,} bars, one thread")
    print(f"  {'':<44}{'seconds':>10}{'ms a symbol':>13}{'ratio':>8}")
    for what, spent in (
        (f"ta, {len(ta_columns(bars_of(market, market.symbols[0])).columns)} columns", theirs),
        (f"ours, the {len(shared)} features of {len(SHARED)} of them", ours),
        (f"ours, all {len(every)} features", whole),
    ):
        print(f"  {what:<44}{spent:>10.3f}{1000 * spent / asked.symbols:>13.3f}{theirs / spent:>8.0f}")
    print(f"  (goal for those that both have: {GOAL:g} times)")
    print(f"all features hold {held:,.0f} MB; the process took {peak:,.0f} MB more for them at its peak")
    print(f"{near} of {len(SHARED)} columns differ from ta by at most 1e-6 of their largest value; the others:")
    for column, value in differences.items():
        if not value <= 1e-6:
            print(f"  {column:<36}{value:>10.1e}  {EXCUSES.get(column, '')}")


if __name__ == "__main__":
    main()

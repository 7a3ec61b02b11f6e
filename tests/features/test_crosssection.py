"""Cross-section and breadth: against the definitions written plainly with pandas, row by row."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from quantstrats import Market, SideSeries, features
from quantstrats.errors import ConfigError, DataError

from .oracle import Oracle, random_market

SECTORS = {"AAA": "Energy", "BBB": "Health", "CCC": "Energy", "DDD": "Health", "EEE": "Energy", "FFF": "Alone"}
LISTED = 110  # the row on which FFF begins


@functools.cache
def market_of_sectors(rows=450):
    """Return six symbols that move together, one listed late, some bars missing, and one without a sector."""
    rng = np.random.default_rng(21)
    days = random_market().index[:rows]
    names = [*SECTORS, "GGG"]
    shape = (rows, len(names))
    common = 0.006 * rng.standard_normal((rows, 1))
    moves = common * np.linspace(0.5, 1.6, len(names)) + 0.01 * rng.standard_normal(shape)
    moves[1:] += 0.3 * common[:-1]
    close = 40 * np.exp(np.cumsum(moves, axis=0))
    close[rng.random(shape) < 0.02] = np.nan
    close[:LISTED, names.index("FFF")] = np.nan
    close = np.where(rng.random(shape) < 0.1, np.ceil(close * 4) / 4, close)
    frame = pd.DataFrame(close, index=days, columns=names)
    frames = dict.fromkeys(("open", "high", "low", "close"), frame)
    sectors = SideSeries(pd.Series(SECTORS), "assumed")
    return Market.from_frames(**frames, volume=frame * 0 + 1e5, side={"sector": sectors})


def returns_of(market, rows=1):
    return market.close / market.close.shift(rows) - 1


def others_of(returns):
    return pd.DataFrame({name: returns.drop(columns=name).mean(axis=1) for name in returns})


def over_pairs(window, statistic, lag=0, benchmark=None):
    """Return an oracle that calls a function of a symbol's and the market's returns, window by window."""

    def expected(market):
        returns = returns_of(market)
        others = others_of(returns).shift(lag)
        if benchmark:
            others = pd.DataFrame(dict.fromkeys(returns, returns[benchmark]))
        found = pd.DataFrame(np.nan, index=returns.index, columns=returns.columns)
        for name in returns:
            both = pd.DataFrame({"own": returns[name], "market": others[name]})
            for row in range(window + lag, len(both)):
                part = both.iloc[row - window + 1 : row + 1].dropna()
                if len(part) >= 0.8 * window:
                    found.loc[both.index[row], name] = statistic(part.own.to_numpy(), part.market.to_numpy())
        return found.where(market.close.notna())

    return expected


def beta(own, market):
    return stats.linregress(market, own).slope


def correlation(own, market):
    return stats.pearsonr(own, market).statistic


def residual_volatility(own, market):
    fitted = stats.linregress(market, own)
    return np.sqrt(252 * np.mean((own - fitted.intercept - fitted.slope * market) ** 2))


def spread_out(row_values, market):
    """Return a value of each row for all symbols that have a bar on it."""
    return pd.DataFrame(dict.fromkeys(market.symbols, row_values)).where(market.close.notna())


def moves_of(market):
    return np.sign(returns_of(market))


def net(moves):
    return ((moves > 0).sum(axis=1) - (moves < 0).sum(axis=1)) / moves.notna().sum(axis=1)


def mcclellan(market):
    moves = moves_of(market)
    rises, falls = (moves > 0).sum(axis=1), (moves < 0).sum(axis=1)
    ratio = (1000 * (rises - falls) / (rises + falls)).dropna()
    difference = ratio.ewm(alpha=0.1, adjust=False).mean() - ratio.ewm(alpha=0.05, adjust=False).mean()
    return spread_out(difference.reindex(market.index), market)


def above_of(market, window=50):
    mean = market.close.rolling(window, min_periods=40).mean()
    return (market.close > mean).astype(float).where(mean.notna() & market.close.notna())


def by_sector(values):
    """Return the mean of each sector, at each of its symbols."""
    found = pd.DataFrame(np.nan, index=values.index, columns=values.columns)
    for sector in set(SECTORS.values()):
        inside = [name for name, each in SECTORS.items() if each == sector]
        for name in inside:
            found[name] = values[inside].mean(axis=1)
    return found


def sector_line(market):
    return by_sector(moves_of(market)).rolling(20, min_periods=16).sum().where(market.close.notna())


def sector_relative(market):
    returns, found = returns_of(market, 20), {}
    for name in SECTORS:
        inside = [each for each in SECTORS if SECTORS[each] == SECTORS[name]]
        alone = returns[inside].notna().sum(axis=1) < 2
        found[name] = (returns[name] - returns[inside].mean(axis=1)).mask(alone)
    return pd.DataFrame(found)


def mean_correlation(market):
    returns, found = returns_of(market), {}
    for row in range(60, len(returns)):
        part = returns.iloc[row - 59 : row + 1]
        part = part.loc[:, part.notna().sum() >= 48]
        matrix = part.fillna(part.mean()).corr().to_numpy()
        found[returns.index[row]] = matrix[np.triu_indices(len(matrix), 1)].mean()
    return spread_out(pd.Series(found).reindex(market.index), market)


def highs_and_lows(market):
    close = market.close
    known = close.notna() & (close.notna().rolling(60).sum() >= 48)
    top, bottom = close.rolling(60, min_periods=1).max(), close.rolling(60, min_periods=1).min()
    extreme = ((close == top).astype(float) - (close == bottom).astype(float)).where(known)
    return spread_out(extreme.mean(axis=1), market)


def rank(market):
    returns = returns_of(market, 20)
    return (returns.rank(axis=1) - 1).div(returns.notna().sum(axis=1) - 1, axis=0)


def on_sectors(feature, against, expected, tolerance=1e-9):
    return Oracle(feature, against, expected, tolerance, market=market_of_sectors)


ORACLES = [
    on_sectors("market_beta", "scipy", over_pairs(60, beta)),
    on_sectors("market_beta(window=30, benchmark='BBB')", "scipy", over_pairs(30, beta, benchmark="BBB")),
    on_sectors("market_correlation", "scipy", over_pairs(60, correlation)),
    on_sectors("market_residual_volatility", "scipy", over_pairs(60, residual_volatility)),
    on_sectors("lead_lag_correlation", "scipy", over_pairs(60, correlation, lag=1)),
    on_sectors("lead_lag_correlation(window=40, lag=3)", "scipy", over_pairs(40, correlation, lag=3)),
    on_sectors(
        "relative_strength",
        "pandas",
        lambda market: returns_of(market, 60).sub(returns_of(market, 60).mean(axis=1), axis=0),
    ),
    on_sectors("cross_sectional_rank", "pandas", rank),
    on_sectors(
        "cross_sectional_zscore",
        "scipy",
        lambda market: returns_of(market, 20).apply(stats.zscore, axis=1, raw=True, ddof=1, nan_policy="omit"),
    ),
    on_sectors(
        "dispersion",
        "pandas",
        lambda market: spread_out(returns_of(market).std(axis=1).rolling(20, min_periods=16).mean(), market),
    ),
    on_sectors("mean_correlation", "pandas", mean_correlation),
    on_sectors("advance_decline", "pandas", lambda market: spread_out(net(moves_of(market)), market)),
    on_sectors(
        "advance_decline_line",
        "pandas",
        lambda market: spread_out(net(moves_of(market)).rolling(20, min_periods=16).sum(), market),
    ),
    on_sectors("mcclellan_oscillator", "pandas", mcclellan, tolerance=1e-8),
    on_sectors("breadth", "pandas", lambda market: spread_out(above_of(market).mean(axis=1), market)),
    on_sectors("sector_breadth", "pandas", lambda market: by_sector(above_of(market)).where(market.close.notna())),
    on_sectors("sector_advance_decline", "pandas", sector_line),
    on_sectors("sector_relative_return", "pandas", sector_relative),
    on_sectors("new_highs_lows(window=60)", "pandas", highs_and_lows),
    Oracle(
        "new_highs_lows",
        "pandas",
        lambda market: spread_out(
            (
                (market.close == market.close.rolling(252).max()).mean(axis=1)
                - (market.close == market.close.rolling(252).min()).mean(axis=1)
            ),
            market,
        ),
    ),
]
FAMILY = [name for name, each in features.shipped().items() if each.family == "crosssection"]


def of_closes(closes, sectors=None):
    """Return a market of these closes, a dict by symbol, NaN where there is no bar."""
    days = random_market(1800, seed=2).index[: len(next(iter(closes.values())))]
    frame = pd.DataFrame(closes, index=days, dtype=float)
    side = {"sector": SideSeries(pd.Series(sectors), "assumed")} if sectors else None
    return Market.from_frames(**dict.fromkeys(("open", "high", "low", "close"), frame), side=side)


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.feature)
def test_a_value_is_there_where_its_oracles_is(oracle):
    market = oracle.market() if oracle.market else random_market()
    got = features.compute(market, [oracle.feature])[oracle.feature]
    expected = oracle.expected(market).reindex(index=got.index, columns=got.columns)
    rows = features.warmup([oracle.feature]) - 1
    pd.testing.assert_frame_equal(got.iloc[rows:].isna(), expected.iloc[rows:].isna(), check_names=False)


@pytest.mark.parametrize("name", FAMILY)
def test_the_order_of_symbols_does_not_matter(name):
    market = market_of_sectors()
    turned = market.select(list(market.symbols[::-1])).alone()
    one, other = (features.compute(each, [name])[name] for each in (market, turned))
    pd.testing.assert_frame_equal(one, other[one.columns], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", FAMILY)
def test_a_symbol_that_is_not_listed_yet_does_not_matter(name):
    market = market_of_sectors().rows(0, LISTED).alone()
    without = market.with_listed_symbols().alone()
    assert len(without.symbols) == len(market.symbols) - 1
    window = WINDOWS.get(name, "")
    one, other = (features.compute(each, [name + window])[name + window] for each in (market, without))
    assert np.isfinite(other.to_numpy()).any()
    pd.testing.assert_frame_equal(one[other.columns], other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", FAMILY)
def test_one_symbol_alone_is_no_crash(name):
    market = market_of_sectors().select(["AAA"]).alone()
    assert not np.isinf(features.compute(market, [name]).to_numpy()).any()


@pytest.mark.parametrize(
    "name", ["breadth", "advance_decline", "dispersion", "mean_correlation", "mcclellan_oscillator", "new_highs_lows"]
)
def test_what_is_about_the_market_is_the_same_for_all_symbols_that_have_a_bar(name):
    market = market_of_sectors()
    got = features.compute(market, [name])[name].iloc[features.warmup([name]) - 1 :]
    present = market.close.notna().loc[got.index]
    assert (got.max(axis=1) == got.min(axis=1)).all()
    assert (got.notna() == present).all(axis=None)


def risers_and_fallers():
    """Return two sectors: at first the first rises and the other falls, later the other way round."""
    up, down = 10 * 1.01 ** np.arange(100), 10 * 0.99 ** np.arange(100)
    turn_up, turn_down = np.concatenate([down, down[::-1]]), np.concatenate([up, up[::-1]])
    closes = {"AAA": turn_down, "BBB": turn_down * 2, "CCC": turn_up, "DDD": turn_up * 3}
    return of_closes(closes, {"AAA": "Energy", "BBB": "Energy", "CCC": "Health", "DDD": "Health"})


def test_sector_breadth_is_that_of_its_own_row_and_no_later_one_is_known():
    # A sketch of it that circulates writes the last row's share over all rows.
    market = risers_and_fallers()
    whole = features.compute(market, ["sector_breadth"])["sector_breadth"]
    assert (whole.iloc[60:99] == [1, 1, 0, 0]).all(axis=None)
    assert (whole.iloc[-20:] == [0, 0, 1, 1]).all(axis=None)
    for end in (60, 99, 120, 150):
        history = features.compute(market.rows(0, end).alone(), ["sector_breadth"])["sector_breadth"]
        pd.testing.assert_frame_equal(history, whole.iloc[:end])


def test_the_advance_decline_line_of_a_sector_counts_its_own_symbols():
    got = features.compute(risers_and_fallers(), ["sector_advance_decline"])["sector_advance_decline"]
    assert (got.iloc[50] == [20, 20, -20, -20]).all()
    assert (got.iloc[-1] == [-20, -20, 20, 20]).all()


def test_a_symbol_counts_in_the_sector_that_was_known_to_be_its_own():
    market = risers_and_fallers()
    names = pd.DataFrame(
        [["Energy", "Energy", "Health", "Health"], ["Energy", "Health", "Health", "Health"]],
        index=market.index[[0, 60]],
        columns=market.symbols,
    )
    known = pd.DatetimeIndex([market.decided_at[0], market.decided_at[70]])
    moved = market.with_side({"sector": SideSeries(names, known)})
    got = features.compute(moved, ["sector_breadth"])["sector_breadth"]
    assert (got.iloc[69] == [1, 1, 0, 0]).all()
    np.testing.assert_allclose(got.iloc[70], [1, 1 / 3, 1 / 3, 1 / 3])


def test_a_symbol_without_a_sector_has_no_sector_values():
    got = features.compute(market_of_sectors(), ["sector_breadth", "sector_advance_decline", "sector_relative_return"])
    assert got.xs("GGG", axis=1, level="symbol").isna().all(axis=None)
    # The only one of its sector is not compared with itself.
    assert got["sector_relative_return"]["FFF"].isna().all()
    assert got["sector_breadth"]["FFF"].notna().any()


def test_sector_values_need_the_side_series():
    with pytest.raises(DataError, match=r"data\.side\.sector"):
        features.compute(random_market(), ["sector_breadth"])


def test_equal_closes_are_not_above_their_mean():
    # Fifty times most prices has no exact sum; the mean of some of these is rounded to below them.
    prices = (10.1, 33.33, 0.7, 123.45, 19.99, 7.3)
    market = of_closes({f"S{price}": np.full(80, price) for price in prices})
    assert (features.compute(market, ["breadth"]).iloc[49:] == 0).all(axis=None)
    assert (features.compute(market, ["new_highs_lows(window=50)"]).iloc[49:] == 0).all(axis=None)
    assert (features.compute(market, ["advance_decline"]).iloc[1:] == 0).all(axis=None)
    for name in ("mean_correlation", "market_beta", "market_correlation", "cross_sectional_zscore"):
        assert features.compute(market, [name]).isna().all(axis=None), name


def test_beta_is_that_of_returns_that_are_a_multiple_of_the_others():
    moves = 0.01 * np.random.default_rng(3).standard_normal(100)
    closes = {name: 10 * np.cumprod(1 + part * moves) for name, part in {"AAA": 1, "BBB": 1, "CCC": 3}.items()}
    got = features.compute(of_closes(closes), ["market_beta", "market_residual_volatility", "mean_correlation"])
    np.testing.assert_allclose(got["market_beta"].iloc[-1], [0.5, 0.5, 3.0], rtol=1e-9)
    np.testing.assert_allclose(got["market_residual_volatility"].iloc[-1], 0.0, atol=1e-8)
    np.testing.assert_allclose(got["mean_correlation"].iloc[-1], 1.0, rtol=1e-9)


def test_a_benchmark_that_is_not_listed_yet_leaves_all_missing():
    name = "market_beta(window=30, benchmark='FFF')"
    got = features.compute(market_of_sectors(), [name])[name]
    assert got.iloc[:LISTED].isna().all(axis=None)
    assert got["AAA"].iloc[LISTED + 40 :].notna().any()
    cut = features.compute(market_of_sectors().rows(0, LISTED).with_listed_symbols(), [name])
    assert cut.shape == (LISTED, 6)
    assert cut.isna().all(axis=None)


def test_the_beta_of_the_benchmark_is_one():
    own = features.compute(market_of_sectors(), ["market_beta(benchmark='BBB')"])["market_beta(benchmark='BBB')"]["BBB"]
    np.testing.assert_allclose(own.dropna(), 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", ["market_beta", "market_correlation", "market_residual_volatility"])
def test_a_benchmark_that_is_no_symbol_is_told_with_the_nearest(name):
    with pytest.raises(DataError, match=r"^no bars of the benchmark 'BB'; did you mean 'BBB'\?"):
        features.compute(market_of_sectors().rows(5, 400), [f"{name}(benchmark='BB')"])


WINDOWS = {"mcclellan_oscillator": "(fast=3, slow=6)", "new_highs_lows": "(window=40)"}


def with_members(*symbols):
    """Return the market of sectors with a universe of the same members on all rows."""
    market = market_of_sectors()
    inside = pd.DataFrame([[name in symbols for name in market.symbols]] * len(market), market.index, market.symbols)
    return market.with_universe(inside)


@pytest.mark.parametrize("name", FAMILY)
def test_those_outside_the_universe_have_no_value_and_change_none(name):
    asked, members = name + WINDOWS.get(name, ""), ["AAA", "CCC", "DDD", "FFF"]
    got = features.compute(with_members(*members), [asked])[asked]
    alone = market_of_sectors().select(members).alone()
    pd.testing.assert_frame_equal(got[members], features.compute(alone, [asked])[asked], rtol=1e-9, atol=1e-12)
    assert got.drop(columns=members).isna().all(axis=None)
    assert not got[members].equals(features.compute(market_of_sectors(), [asked])[asked][members])


def changing_members():
    """Return the market of sectors with a universe that symbols join and leave."""
    market = market_of_sectors()
    inside = np.random.default_rng(4).random((len(market) // 15 + 1, len(market.symbols))) < 0.7
    inside = np.repeat(inside, 15, axis=0)[: len(market)]
    return market.with_universe(pd.DataFrame(inside, market.index, market.symbols))


# What counts or ranks those of its own row alone, whatever they were before.
ONE_ROW = [
    "relative_strength",
    "cross_sectional_rank",
    "cross_sectional_zscore",
    "mean_correlation",
    "sector_relative_return",
    "advance_decline",
    "breadth",
    "sector_breadth",
    "new_highs_lows(window=40)",
]


@pytest.mark.parametrize("name", ONE_ROW)
def test_a_row_counts_those_that_are_in_the_universe_on_it(name):
    market = changing_members()
    got = features.compute(market, [name])[name]
    for row in (200, 241, 390):
        members = market.universe.columns[market.universe.iloc[row]]
        among = features.compute(market_of_sectors().select(members).alone(), [name])[name]
        pd.testing.assert_series_equal(got.iloc[row][members], among.iloc[row], rtol=1e-9)
        assert got.iloc[row].drop(members).isna().all()


def test_a_window_counts_on_each_of_its_rows_those_that_were_in_the_universe_on_it():
    market = changing_members()
    inside = market.universe
    returns = returns_of(market)
    counted = returns.where(inside)

    def shown(values):
        return spread_out(values, market).where(inside)

    expected = {
        "advance_decline_line": shown(net(np.sign(counted)).rolling(20, min_periods=16).sum()),
        "dispersion": shown(counted.std(axis=1).rolling(20, min_periods=16).mean()),
        "sector_advance_decline": by_sector(np.sign(counted)).rolling(20, min_periods=16).sum(),
    }
    # The symbol's own returns of the whole window, and the mean of the others that were in the universe.
    beta_of = {}
    for name, others in others_of(counted).items():
        both = pd.concat([returns[name], others], axis=1).dropna()
        slope = both.iloc[:, 0].rolling(60).cov(both.iloc[:, 1]) / both.iloc[:, 1].rolling(60).var()
        beta_of[name] = slope
    got = features.compute(market, [*expected, "market_beta"])
    for name, values in expected.items():
        values = values.where(inside & market.close.notna())
        pd.testing.assert_frame_equal(got[name].iloc[25:], values.iloc[25:], check_names=False, rtol=1e-9, atol=1e-12)
    beta = pd.DataFrame(beta_of).reindex(market.index).where(inside)
    # On the rows on which none of the sixty is missing.
    whole = returns.notna().rolling(60).sum().eq(60) & beta.notna()
    assert whole.to_numpy().sum() > 100
    np.testing.assert_allclose(got["market_beta"].to_numpy()[whole], beta.to_numpy()[whole], rtol=1e-9)


@pytest.mark.parametrize(("start", "stop"), [(0, 450), (77, 450), (120, 300)])
def test_a_slice_of_a_market_with_a_universe_has_the_same_values_cut_as_computed_alone(start, stop):
    part = changing_members().rows(start, stop)
    names = [name + WINDOWS.get(name, "") for name in FAMILY]
    cut, alone = features.compute(part, names), features.compute(part.alone(), names)
    pd.testing.assert_frame_equal(cut, alone, rtol=1e-8, atol=1e-10)


def test_another_universe_gives_other_values_of_the_same_bars():
    market = changing_members()
    part = market.rows(100, 300)
    before = features.compute(part, ["breadth"])
    all_inside = pd.DataFrame(True, part.index, part.symbols)
    assert not features.compute(part.with_universe(all_inside), ["breadth"]).equals(before)


def test_longer_bars_count_those_in_the_universe_on_the_row_that_completed_them():
    market = changing_members()
    got = features.compute(market, ["cross_sectional_rank(window=4)@week"]).droplevel("feature", axis=1)
    inside = market.universe
    fridays = np.flatnonzero(market.index.day_name() == "Friday")
    rows = [row for row in fridays[:-1] + 2 if row > 60]  # Tuesdays after a Friday, some with other members
    assert sum((inside.iloc[row] != inside.iloc[row - 2]).any() for row in rows) > 5
    known = 0
    for row in rows:
        weeks = market.close[: market.index[row - 2]].resample("W-FRI").last()
        returns = (weeks.iloc[-1] / weeks.iloc[-5] - 1).where(inside.iloc[row - 2])
        expected = ((returns.rank() - 1) / (returns.notna().sum() - 1)).where(inside.iloc[row])
        pd.testing.assert_series_equal(got.iloc[row], expected, check_names=False)
        known += expected.notna().sum()
    assert known > 10


def test_equal_returns_share_the_middle_of_their_ranks():
    market = of_closes({"AAA": [1, 2], "BBB": [1, 3], "CCC": [2, 4], "DDD": [1, 1], "EEE": [1, np.nan]})
    got = features.compute(market, ["cross_sectional_rank(window=1)"]).iloc[-1].to_numpy()
    np.testing.assert_array_equal(got, [0.5, 1.0, 0.5, 0.0, np.nan])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("breadth(window=1)", "window is 1; it must be at least 2"),
        ("lead_lag_correlation(lag=0)", "lag is 0; it must be at least 1"),
        ("mcclellan_oscillator(slow=19)", "slow is 19; it must be at least 20"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        features.compute(random_market(), [name])

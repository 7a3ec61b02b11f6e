"""Trades towards the nearest centre, against what k-means is by definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.cluster_distance import ClusterDistance

from quantstrats import Market, load_market
from quantstrats.evaluation import evaluate


@pytest.fixture(scope="module")
def market():
    return load_market("synthetic", seed=3, count=4, bars=700)


def points_of(market):
    """Return the three features, rows x symbols x features, worked out with pandas."""
    close = market.close
    logs = np.log(close).diff()
    frames = [
        close / close.rolling(20).mean() - 1,
        100 * (close / close.shift(5) - 1),
        logs.rolling(6).std() / logs.rolling(100).std(),
    ]
    return np.stack([frame.to_numpy() for frame in frames], axis=-1)


def test_centres_are_the_means_of_the_points_that_are_nearest_to_them(market):
    fitted = ClusterDistance(clusters=3).fit(market)
    points = points_of(market)
    points = points[np.isfinite(points).all(axis=-1)]
    np.testing.assert_allclose(fitted.mean, points.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(fitted.deviation, points.std(axis=0), rtol=1e-9)
    scaled = (points - points.mean(axis=0)) / points.std(axis=0)
    apart = np.linalg.norm(scaled[:, None] - fitted.centres, axis=2)
    nearest = apart.argmin(axis=1)
    for number, centre in enumerate(fitted.centres):
        np.testing.assert_allclose(centre, scaled[nearest == number].mean(axis=0), atol=0.02)
    assert (apart.min(axis=1) > fitted.far).mean() == pytest.approx(0.05, abs=0.001)


def test_far_from_all_centres_the_forecast_is_the_way_to_the_nearest(market):
    fitted = ClusterDistance().fit(market)
    found = fitted.forecast(market).to_numpy()
    scaled = (points_of(market) - fitted.mean) / fitted.deviation
    apart = np.linalg.norm(scaled[:, :, None] - fitted.centres, axis=-1)
    known = np.isfinite(apart).all(axis=-1)
    far = known & (apart.min(axis=-1) > fitted.far)
    np.testing.assert_array_equal(np.isfinite(found), known)
    assert (found[known & ~far] == 0.0).all()
    way = fitted.centres[np.where(known, apart.argmin(axis=-1), 0), 0] - scaled[:, :, 0]
    np.testing.assert_allclose(found[far], way[far], rtol=1e-6, atol=1e-9)
    assert far.sum() > 50


def test_a_price_that_is_stretched_upwards_is_sold(market):
    close = market.close.copy()
    close.iloc[-5:, 0] *= np.array([1.1, 1.2, 1.3, 1.4, 1.5])
    found = ClusterDistance().fit(market).forecast(Market.from_frames(close=close))
    assert found.iloc[-1, 0] < -1.0


def test_rows_that_are_too_few_or_stand_still_teach_nothing(market):
    assert ClusterDistance(clusters=50).fit(market.rows(0, 200)) is None
    still = pd.DataFrame({"A": 7.0}, market.index)
    assert evaluate(ClusterDistance(), Market.from_frames(close=still))["A"].isna().all()


def test_the_tear_sheet_shows_the_centres_of_each_refit(market):
    from quantstrats import backtest

    details = backtest(ClusterDistance(train=252), market, guard="off").details
    table = details.tables["Centres of clusters"]
    assert list(table.columns) == ["From", "Centre", "Stretch", "Return, %", "Volatility ratio"]
    assert len(table) == 4 * table["From"].nunique() > 0


@pytest.mark.parametrize(("fields", "line"), [({"clusters": 0}, r"clusters \(0\)"), ({"quantile": 1.0}, r"\(1\.0\)")])
def test_parameters_that_make_no_sense_are_refused(fields, line):
    with pytest.raises(ValueError, match=line):
        ClusterDistance(**fields)

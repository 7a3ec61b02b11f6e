"""Side series: each row sees what was known when its bar was complete, and nothing later."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Market, SideSeries
from quantstrats.errors import DataError

DAYS = pd.to_datetime(["2015-01-05", "2015-01-06", "2015-01-07", "2015-01-08"])  # complete at 21:00 UTC
NAN = float("nan")


def utc(*times):
    return pd.DatetimeIndex(times, tz="UTC")


def joined(side, symbols=("A", "B")):
    close = pd.DataFrame(1.0, index=DAYS, columns=list(symbols))
    return Market.from_frames(close=close, side={"x": side}).side["x"]


def publications(*rows):
    """Make a series from (about, known at, value)."""
    about, known, values = zip(*rows, strict=True)
    return SideSeries(pd.Series(values, index=pd.to_datetime(list(about))), utc(*known))


def test_a_value_is_seen_by_the_row_completed_at_the_instant_it_became_known():
    side = publications(("2015-01-05", "2015-01-06 21:00:00", 1.0))
    assert joined(side).tolist() == pytest.approx([NAN, 1, 1, 1], nan_ok=True)


def test_a_value_known_a_nanosecond_later_is_seen_by_the_next_row():
    side = publications(("2015-01-05", "2015-01-06 21:00:00.000000001", 1.0))
    assert joined(side).tolist() == pytest.approx([NAN, NAN, 1, 1], nan_ok=True)


def test_known_at_of_another_zone_is_the_same_instant():
    known = pd.DatetimeIndex(["2015-01-06 16:00"], tz="America/New_York")
    side = SideSeries(pd.Series([1.0], index=DAYS[:1]), known)
    assert joined(side).tolist() == pytest.approx([NAN, 1, 1, 1], nan_ok=True)


def test_the_second_vintage_of_an_observation_replaces_the_first_when_it_is_known():
    side = publications(("2014-12-31", "2015-01-05 12:00", 1.0), ("2014-12-31", "2015-01-07 12:00", 1.5))
    assert joined(side).tolist() == [1, 1, 1.5, 1.5]


def test_a_late_revision_of_an_older_observation_is_ignored():
    side = publications(
        ("2014-09-30", "2015-01-05 12:00", 1.0),
        ("2014-12-31", "2015-01-06 12:00", 2.0),
        ("2014-09-30", "2015-01-07 12:00", 1.1),
    )
    assert joined(side).tolist() == [1, 2, 2, 2]


def test_the_order_of_publications_in_the_series_does_not_matter():
    rows = [("2014-09-30", "2015-01-05 12:00", 1.0), ("2014-12-31", "2015-01-06 12:00", 2.0)]
    assert joined(publications(*rows)).tolist() == joined(publications(*rows[::-1])).tolist() == [1, 2, 2, 2]


def test_of_observations_known_at_one_instant_the_newest_counts():
    rows = [("2014-12-31", "2015-01-05 12:00", 2.0), ("2014-09-30", "2015-01-05 12:00", 1.0)]
    assert joined(publications(*rows)).tolist() == joined(publications(*rows[::-1])).tolist() == [2, 2, 2, 2]


def test_a_missing_value_is_no_publication():
    side = publications(("2015-01-05", "2015-01-05 12:00", 1.0), ("2015-01-06", "2015-01-06 12:00", NAN))
    assert joined(side).tolist() == [1, 1, 1, 1]


def test_frames_have_filing_dates_of_their_own_by_symbol():
    # Each filing is one row; the other company's cell is empty.
    filed = pd.DataFrame(
        {"A": [1.0, NAN, 3.0], "B": [NAN, 2.0, NAN]}, index=pd.to_datetime(["2014-09-30"] * 2 + ["2014-12-31"])
    )
    side = SideSeries(filed, utc("2015-01-05 12:00", "2015-01-06 22:00", "2015-01-08 12:00"))
    assert joined(side)["A"].tolist() == [1, 1, 1, 3]
    assert joined(side)["B"].tolist() == pytest.approx([NAN, NAN, 2, 2], nan_ok=True)


def test_a_frame_is_joined_for_the_markets_symbols_alone():
    values = pd.DataFrame({"Z": [1.0], "A": [2.0]}, index=DAYS[:1])
    frame = joined(SideSeries(values, utc("2015-01-05 12:00")))
    assert frame.columns.tolist() == ["A", "B"]
    assert frame["A"].tolist() == [2.0] * 4
    assert frame["B"].isna().all()


def test_numbers_as_symbols_match_the_markets_text():
    values = pd.DataFrame({7203: [1.0]}, index=DAYS[:1])
    assert joined(SideSeries(values, utc("2015-01-05 12:00")), ["7203"])["7203"].tolist() == [1.0] * 4
    assert joined(SideSeries(pd.Series({7203: "cars"}), "assumed"), ["7203"]).to_dict() == {"7203": "cars"}


def test_a_static_map_is_known_at_all_times_for_the_markets_symbols():
    side = SideSeries(pd.Series({"B": "tech", "A": "oil", "Z": "cars"}), "assumed")
    assert side.is_assumed
    assert joined(side).to_dict() == {"A": "oil", "B": "tech"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.Series([1, 2]), [1.0, 2.0]),
        (pd.Series([1, 2], dtype="Int64"), [1.0, 2.0]),
        (pd.Series([True, False]), [1.0, 0.0]),
        (pd.Series(["calm", "wild"]), ["calm", "wild"]),
        (pd.Series(["calm", "wild"], dtype="category"), ["calm", "wild"]),
    ],
)
def test_values_of_any_kind_are_joined(values, expected):
    series = joined(SideSeries(values.set_axis(DAYS[[0, 2]]), utc("2015-01-06 12:00", "2015-01-08 12:00")))
    assert pd.isna(series.iloc[0])
    assert series.tolist()[1:] == [expected[0], expected[0], expected[1]]


def test_a_series_without_any_value_is_unknown_throughout():
    assert joined(SideSeries(pd.Series([NAN], index=DAYS[:1]), utc("2015-01-05"))).isna().all()


ONE = pd.Series([1.0], index=DAYS[:1])


@pytest.mark.parametrize(
    ("values", "known_at", "message"),
    [
        (ONE, "asumed", "known_at is 'asumed'; give one instant per value, or 'assumed'"),
        (ONE, DAYS[:1], "known_at has no time zone; localise it"),
        (ONE, utc("2015-01-05", "2015-01-06"), "known_at has 2 instants for 1 values; give one for each"),
        (ONE, pd.DatetimeIndex([None], tz="UTC"), "known_at is missing for 1 values; drop them or say when"),
        (ONE, ["soon"], "known_at are not instants"),
        (ONE, pd.Timestamp("2015-01-05", tz="UTC"), "known_at are not instants"),
        ([1.0], utc("2015-01-05"), "values are of type list; give a Series or a DataFrame"),
        (pd.DataFrame([[1, 2]], columns=["A", "A"]), utc("2015-01-05"), "values have the symbol 'A' more than once"),
        (pd.Series(["x", "y"], index=["A", "A"]), "assumed", "values have the symbol 'A' more than once"),
    ],
)
def test_what_cannot_be_joined_is_refused(values, known_at, message):
    with pytest.raises(DataError, match=message):
        SideSeries(values, known_at)


def test_a_side_series_that_is_not_there_is_told_with_those_that_are(nasdaq):
    with pytest.raises(DataError, match=r"no side series called 'vx'; did you mean 'vix'\? \(there is: vix\)"):
        nasdaq.side["vx"]
    assert "vx" not in nasdaq.side
    assert list(nasdaq.side) == ["vix"]
    assert len(nasdaq.side) == 1


def naive(publications, decided_at):
    """Of what is known at an instant take the newest observation, and of that the last publication."""
    known = [row for row in publications if row[1] <= decided_at]
    return max(known, key=lambda row: (row[0], row[1], row[2]))[3] if known else NAN


hours = st.integers(0, 120)
drawn = st.lists(st.tuples(st.integers(0, 6), hours), min_size=1, max_size=25)


@given(drawn)
def test_the_join_is_the_newest_known_observation_row_by_row(pairs):
    rows = [
        (
            pd.Timestamp(2014, 1, 1 + about),
            pd.Timestamp(2015, 1, 4, tz="UTC") + pd.Timedelta(hours=hour),
            place,
            float(place),
        )
        for place, (about, hour) in enumerate(pairs)
    ]
    side = SideSeries(
        pd.Series([row[3] for row in rows], index=pd.DatetimeIndex([row[0] for row in rows])),
        pd.DatetimeIndex([row[1] for row in rows]),
    )
    decided = [day.tz_localize("UTC") + pd.Timedelta(hours=21) for day in DAYS]
    assert joined(side).tolist() == pytest.approx([naive(rows, instant) for instant in decided], nan_ok=True)


def test_a_series_that_stopped_long_ago_is_told():
    rows = pd.date_range("2015-01-01 21:00", periods=100, freq="D", tz="UTC")

    def note(days):
        known = rows[0] + pd.to_timedelta(days, unit="D")
        return SideSeries(pd.Series(1.0, index=known.tz_localize(None)), known).ended_note(rows)

    # Rows end on day 99. Silent for a day before, it may be so for ten.
    assert note(range(90)) == ""
    assert note(range(89)) == "nothing of it was known after 2015-03-30: that value stands on the 11 rows after it"
    # A quarterly one may be silent for twice its longest silence.
    assert note([0, 30, 60]) == ""
    assert note([0, 10, 30]) == ("nothing of it was known after 2015-01-31: that value stands on the 69 rows after it")
    assert note([200]) == ""


def test_of_symbols_one_that_stopped_is_told_and_words_are_not():
    rows = pd.date_range("2015-01-01 21:00", periods=100, freq="D", tz="UTC")
    values = pd.DataFrame({"A": 1.0, "B": [1.0] * 40 + [None] * 60}, index=rows.tz_localize(None), dtype="float64")
    note = SideSeries(values, rows).ended_note(rows)
    assert note == "nothing of B was known after 2015-02-09: that value stands on the 60 rows after it"
    words = pd.DataFrame({"A": ["Energy"]}, index=rows[:1].tz_localize(None))
    assert SideSeries(words, rows[:1]).ended_note(rows) == ""

from datetime import UTC, date, datetime

from quantstrats.market.cache.barfile import Revision
from quantstrats.market.cache.report import FetchReport, Outcome
from quantstrats.market.cache.sessions import Span

SPAN = Span(date(2015, 1, 2), date(2024, 2, 29))
REVISION = Revision(datetime(2024, 3, 1, tzinfo=UTC), 2520, 2520, "2015-01-02", 0.75, 3 / 4)


def test_a_report_says_counts_first_and_then_what_is_missing():
    outcomes = (
        Outcome("AAA", "fetched", 2520),
        Outcome("BBB", "current"),
        Outcome("SPLIT", "revised", 1, revision=REVISION),
        Outcome("NEW", "empty"),
        Outcome("TYPO", "unknown", reason="no such symbol"),
        Outcome("EEE", "failed", reason="the vendor cannot be reached"),
        Outcome("FFF", "failed", reason="the vendor cannot be reached"),
    )
    report = FetchReport("yahoo", "1d-adjusted", SPAN, outcomes, ("x.parquet is damaged; it was moved to y",))
    assert report.as_text().splitlines() == [
        "yahoo 1d-adjusted, 2015-01-02 to 2024-02-29: 7 symbols",
        "1 fetched, 1 current, 1 revised, 1 empty, 1 unknown, 2 failed, 2,521 bars added",
        "revised: SPLIT: 2,520 of 2,520 bars differ, first 2015-01-02, prices by up to",
        "  75.00%, volumes by up to 75.00%",
        "without bars in this span: NEW",
        "x.parquet is damaged; it was moved to y",
        "missing: EEE, FFF (the vendor cannot be reached)",
        "unknown: TYPO (no such symbol)",
    ]
    plain = report.as_plain()
    assert plain["counts"] == {"fetched": 1, "current": 1, "revised": 1, "empty": 1, "unknown": 1, "failed": 2}
    assert plain["missing"] == {
        "TYPO": "no such symbol",
        "EEE": "the vendor cannot be reached",
        "FFF": "the vendor cannot be reached",
    }
    assert plain["revised"]["SPLIT"]["different"] == 2520


def test_a_report_of_many_symbols_stays_short():
    outcomes = [Outcome(f"S{n}", "unknown", reason=f"no such symbol as S{n}") for n in range(500)]
    outcomes += [Outcome(f"F{n}", "failed", reason="no network") for n in range(500)]
    outcomes += [Outcome(f"R{n}", "revised", revision=REVISION) for n in range(500)]
    lines = (
        FetchReport("yahoo", "1d", SPAN, tuple(outcomes), tuple(f"note {n}" for n in range(99))).as_text().splitlines()
    )
    assert len(lines) < 60
    assert max(map(len, lines)) <= 80
    assert "missing: F0, F1, F2, F3, F4, F5, F6, F7, F8, F9 and 490 more (no network)" in lines

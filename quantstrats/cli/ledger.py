"""``quantstrats ledger``: every trial, failed ones too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

_SHOWN = 20


def ledger(
    limit: Annotated[
        int | None, typer.Option(min=0, metavar="N", help=f"List the newest N (default: {_SHOWN}; 0: all).")
    ] = None,
    signal: Annotated[str | None, typer.Option(metavar="NAME", help="Only trials of this signal.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all as JSON.")] = False,
) -> None:
    """List the trials, newest first: every backtest that began, stored or not, and what became of it.

    What was searched within a backtest, a hyperparameter for instance, is counted with it: each setting is a trial.
    """
    from quantstrats.cli.texts import plain_name, print_json
    from quantstrats.errors import ConfigError, did_you_mean
    from quantstrats.runs.ledger import Ledger

    book = Ledger()
    rows, searched = book.rows(verifications=True)[::-1], book.searched()
    if signal is not None:
        known = {name for row in rows for name in (row["signal"], plain_name(row["signal"]))}
        if rows and signal not in known:
            raise ConfigError(f"the ledger has no trial of a signal {signal!r}{did_you_mean(signal, known)}")
        rows = [row for row in rows if signal in (row["signal"], plain_name(row["signal"]))]
        searched = _of(rows, searched)
    within = Counter(each["trial"] for each in searched)
    shown = rows[: limit or None] if limit is not None or as_json else rows[:_SHOWN]
    if as_json:
        print_json([_plain(row) | {"searched": within[row["trial"]]} for row in shown])
        return
    if shown:
        heads = f"{'trial':>6}  {'started (UTC)':<16}  {'took':>7}  {'status':<8}  {'signal':<16}"
        typer.echo(f"{heads}  {'return':>8}  {'Sharpe':>6}")
    for row in shown:
        _list(row, within[row["trial"]])
    typer.echo(_counted(rows) if rows or searched else "no trials")
    if searched:
        typer.echo(_counted_in_all(rows, within))
    typer.echo(f"in {book.path}")
    if len(rows) > len(shown):
        typer.echo(f"(the newest {len(shown)} are listed; --limit 0 lists all)")


def _of(rows: list[dict[str, Any]], searched: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was searched within these runs."""
    trials = {row["trial"] for row in rows}
    return [each for each in searched if each["trial"] in trials]


def _list(row: Mapping[str, Any], searched: int) -> None:
    from quantstrats.cli.texts import WIDTH, count, cut, percent, plain_name, ratio

    metrics = json.loads(row["metrics"] or "{}")
    started = str(row["started_at"])[:16].replace("T", " ")
    figures = f"{percent(metrics.get('total_return')):>8}  {ratio(metrics.get('sharpe')):>6}"
    name = cut(plain_name(row["signal"]), 16)
    typer.echo(f"{row['trial']:>6}  {started}  {_took(row):>7}  {row['status']:<8}  {name:<16}  {figures}")
    error = "interrupted" if str(row["error"]).startswith("KeyboardInterrupt") else row["error"]
    verifies = row["verifies"] and f"verifies {row['verifies']}, no trial of its own"
    for remark in (error, verifies, searched and f"{count(searched, 'trial')} searched within it"):
        if remark:
            typer.echo(f"{'':<8}{cut(remark, WIDTH - 8)}")


def _took(row: Mapping[str, Any]) -> str:
    if not row["finished_at"]:
        return "-"
    began, ended = (datetime.fromisoformat(row[when]) for when in ("started_at", "finished_at"))
    seconds = (ended - began).total_seconds()
    return f"{seconds:.1f} s" if seconds < 1000 else f"{seconds / 60:,.0f} min"


def _counted(rows: list[dict[str, Any]]) -> str:
    from quantstrats.cli.texts import count
    from quantstrats.runs.ledger import STATUSES

    trials = Counter(row["status"] for row in rows if row["verifies"] is None)
    verifications = sum(row["verifies"] is not None for row in rows)
    by_status = ", ".join(f"{trials[status]:,} {status}" for status in STATUSES if trials[status])
    text = f"{count(trials.total(), 'trial')}{f': {by_status}' if by_status else ''}"
    return text + (f"; {count(verifications, 'verification')}, not counted" if verifications else "")


def _counted_in_all(rows: list[dict[str, Any]], within: Mapping[int | None, int]) -> str:
    """Return how many more trials searches were, and the number of all: what honest statistics count."""
    from quantstrats.cli.texts import count

    outside, searched = within.get(None, 0), sum(within.values())
    where = " and ".join(
        f"{number:,} {place}" for number, place in ((searched - outside, "within runs"), (outside, "outside")) if number
    )
    runs = sum(row["verifies"] is None for row in rows)
    return f"{count(searched, 'more trial')} searched, {where}: {count(runs + searched, 'trial')} in all"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its configuration and metrics as data; what is not a number in these is null."""
    config, metrics = (
        json.loads(row[column] or "null", parse_constant=lambda _: None) for column in ("config", "metrics")
    )
    return {**row, "config": config, "metrics": metrics}

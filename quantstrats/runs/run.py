"""Run: one execution and all it produced, as plain data, kept in one folder."""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from quantstrats.atomic import whole_folder
from quantstrats.errors import RunError, in_one_line
from quantstrats.hashing import hash_frame, hash_parts
from quantstrats.runs.stored import CONFIG, LOG, MANIFEST, METRICS, find_run_folder, read_mapping, runs_folder
from quantstrats.signals import Details

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_FRAMES = ("positions", "transactions", "orders", "trades", "targets")
_EQUITY, _BARS = "equity.parquet", "bars.parquet"
# What a run's folder always has; bars, details/ and further files are there where the run has some.
_FILES = (CONFIG, MANIFEST, METRICS, LOG, _EQUITY, *(f"{name}.parquet" for name in _FRAMES))


@dataclass(frozen=True, eq=False)
class Run:
    """One execution and all it produced.

    Attributes
    ----------
    run_id : str
        Name of its folder.
    config : dict
        The complete, resolved configuration.
    manifest : dict
        What it stood on: hashes of data, code, configuration and results, versions, trial number.
    equity : Series
        Value of the account after each bar, in units of currency.
    positions : DataFrame
        Value of each position after each bar, and ``cash``: rows x (symbols, cash), in units of currency.
    transactions : DataFrame
        One row per fill, by the label of its bar: symbol, amount (shares), price, commission, slippage (what the
        fill cost against the open of its bar, in units of currency), order.
    orders : DataFrame
        One row per order, by number: decided, symbol, size, reason ("decision"; "risk" or "account" where a limit or
        an empty account closed a position; "ended" where a symbol was settled), status, changed, filled, price,
        commission.
    trades : DataFrame
        One row per round trip: symbol, side, opened, closed, bars, pnl, commission, pnl_net.
    targets : DataFrame
        Wanted fraction of equity, rows x symbols; NaN on rows without a decision, and where a symbol has no bar.
    benchmark : Series or None
        Returns per bar of what the run is compared with.
    metrics : dict
        The figures of the summary; None where one is undefined.
    bars : DataFrame or None
        Prices for charts, rows x (field, symbol), in units of currency: open, high, low and close, or the close alone,
        of the symbols that were traded most (all of them, unless there are millions of prices).
    details : Details
        What the signal wants to show; pictures are PNG bytes.
    log : list of dict
        What happened, in order: time (UTC), level, message.
    """

    run_id: str
    config: dict[str, Any]
    manifest: dict[str, Any]
    equity: pd.Series
    positions: pd.DataFrame
    transactions: pd.DataFrame
    orders: pd.DataFrame
    trades: pd.DataFrame
    targets: pd.DataFrame
    benchmark: pd.Series | None
    metrics: dict[str, Any]
    bars: pd.DataFrame | None = field(default=None, repr=False)
    details: Details = field(default_factory=Details, repr=False)
    log: list[dict[str, str]] = field(default_factory=list, repr=False)

    @property
    def returns(self) -> pd.Series:
        """Return per bar, the first against the starting cash; -1 where the account is gone, and 0 after that."""
        return returns_of(self.equity, float(self.config["engine"]["cash"]))

    @property
    def warnings(self) -> list[str]:
        """What a user should know of, in the order of the log."""
        return [line["message"] for line in self.log if line["level"] == "warning"]

    def __repr__(self) -> str:
        start, end = (label.date() for label in (self.equity.index[0], self.equity.index[-1]))
        return f"<Run {self.run_id}: {start} to {end}, final equity {self.equity.iloc[-1]:,.2f}>"

    def _repr_html_(self) -> str:
        from quantstrats.runs.summary import summary_html

        return summary_html(self)

    def save(self, files: Mapping[str, str] | None = None, folder: str | Path | None = None) -> Path:
        """Store the run in a folder named after it and return that folder.

        The folder is complete or absent, also if the process is killed, the disk is full or the power fails:
        everything is written beside it under a hidden name, brought to the disk, and then renamed.

        Parameters
        ----------
        files : mapping of file name to text, optional
            More files to store, such as ``{"tearsheet.html": tearsheet(run)}``.
        folder : str or Path, optional
            The folder to put the run's folder in, by default ``logs/runs``.

        Raises
        ------
        RunError
            If the run is stored there already or cannot be written, or a file has the name of one of the run's own.
        """
        place = (runs_folder() if folder is None else Path(folder)) / self.run_id
        stored_already = RunError(f"run {self.run_id} is stored already, in {place}")
        if os.path.lexists(place):
            raise stored_already
        try:
            with whole_folder(place) as temporary:
                _write(self, temporary)
                for name, text in (files or {}).items():
                    if name != Path(name).name or (temporary / name).exists():
                        raise RunError(f"file {name!r} cannot be stored with the run; give another plain name")
                    (temporary / name).write_text(text, encoding="utf-8")
        except OSError as error:
            if place.is_dir():  # by another process, in the meantime
                raise stored_already from None
            # pyarrow's errors have the system's number, but a text of their own.
            reason = os.strerror(error.errno) if error.errno else str(error)
            room = "make room there, or " if error.errno in _NO_ROOM else ""
            raise RunError(
                f"run {self.run_id} cannot be stored in {place.parent}: {reason}; {room}choose another folder with "
                "--out or QUANTSTRATS_HOME"
            ) from error
        except (TypeError, ValueError) as error:  # pyarrow's errors are ValueErrors or TypeErrors
            raise RunError(f"run {self.run_id} cannot be stored: {in_one_line(error)}") from error
        return place


def check_run(run: object, what: str) -> None:
    """Refuse what is no run, as the id of one, where ``what`` is to be made of a run.

    Raises
    ------
    RunError
        If it is none.
    """
    if not isinstance(run, Run):
        raise RunError(f"{what} is of a run, not of {type(run).__name__}; load_run(id) gives a stored one")


def returns_of(equity: pd.Series, cash: float) -> pd.Series:
    """Return per bar of an account that started with ``cash``.

    An account is gone when its equity is not above zero: that bar's return is -1, whatever is owed beyond that, and
    those after it are 0.
    """
    before = equity.shift(1)
    before.iloc[0] = cash
    gone = (equity <= 0.0).cummax()
    lost = gone & ~gone.shift(1, fill_value=False)
    returns = (equity / before.where(before != 0.0) - 1.0).mask(gone, 0.0).mask(lost, -1.0)
    return returns.rename("returns")


def content_hashes(**frames: pd.DataFrame | pd.Series) -> dict[str, str]:
    """Hash each result, and all of them as ``all``."""
    hashes = {name: hash_frame(frame) for name, frame in frames.items()}
    return {**hashes, "all": hash_parts(hashes)}


def new_run_id(signal: str) -> str:
    """Return a name for a run that starts now: sortable by time, and unique."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{signal}-{secrets.token_hex(3)}"


def load_run(run: str | Path) -> Run:
    """Read a run back from its folder.

    Parameters
    ----------
    run : str or Path
        A run's id, the beginning of its id as far as no other has it, or the path of its folder.

    Raises
    ------
    RunNotFoundError
        If there is no such run, or more than one begins so.
    RunError
        If its folder is not complete or a file in it cannot be read; the line names the files.
    """
    folder = find_run_folder(run)
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if MANIFEST in missing and CONFIG in missing:
        raise RunError(f"folder {folder} holds no run: it has neither {CONFIG} nor {MANIFEST}")
    if missing:
        raise RunError(f"run folder {folder} is not complete: it has no {', '.join(missing)}")
    return _read(folder)


def _write(run: Run, folder: Path) -> None:
    import yaml

    (folder / CONFIG).write_text(yaml.safe_dump(run.config, sort_keys=False), encoding="utf-8")
    _write_json(folder / MANIFEST, run.manifest)
    _write_json(folder / METRICS, run.metrics)
    equity = run.equity.to_frame().assign(returns=run.returns)
    equity = equity if run.benchmark is None else equity.assign(benchmark=run.benchmark)
    equity.to_parquet(folder / _EQUITY)
    for name in _FRAMES:
        getattr(run, name).to_parquet(folder / f"{name}.parquet")
    if run.bars is not None:
        run.bars.to_parquet(folder / _BARS)
    lines = "".join(json.dumps(line) + "\n" for line in run.log)
    (folder / LOG).write_text(lines, encoding="utf-8")
    _write_details(run.details, folder / "details")


def _write_details(details: Details, folder: Path) -> None:
    if not (details.overlays or details.tables or details.pictures):
        return
    folder.mkdir()
    contents: dict[str, dict[str, str]] = {"overlays": {}, "tables": {}, "pictures": {}}
    for kind, frames in (("overlays", details.overlays), ("tables", details.tables)):
        for number, (name, frame) in enumerate(frames.items(), start=1):
            contents[kind][name] = f"{kind}-{number}.parquet"
            _storable(frame).to_parquet(folder / contents[kind][name])
    for number, (name, picture) in enumerate(details.pictures.items(), start=1):
        contents["pictures"][name] = f"picture-{number}.png"
        (folder / contents["pictures"][name]).write_bytes(picture)
    _write_json(folder / "contents.json", contents)


def _storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a signal's frame with text for column names, and for what is neither number, time nor text."""
    stored = frame.set_axis([str(name) for name in frame.columns], axis=1)
    return stored.astype(
        dict.fromkeys([name for name, kind in stored.dtypes.items() if kind.kind == "O" and kind == "object"], str)
    )


def _read(folder: Path) -> Run:
    equity = _read_file(folder / _EQUITY, _table_with_equity)
    frames = {name: _read_file(folder / f"{name}.parquet", _table) for name in _FRAMES}
    return Run(
        run_id=folder.resolve().name,
        config=_read_file(folder / CONFIG, read_mapping),
        manifest=_read_file(folder / MANIFEST, read_mapping),
        equity=equity["equity"],
        benchmark=equity.get("benchmark"),
        metrics=_read_file(folder / METRICS, read_mapping),
        bars=_read_file(folder / _BARS, _table) if (folder / _BARS).is_file() else None,
        details=_read_details(folder / "details"),
        log=_read_file(folder / LOG, _json_lines),
        **frames,
    )


def _read_details(folder: Path) -> Details:
    if not folder.is_dir():
        return Details()
    contents = _read_file(folder / "contents.json", read_mapping)
    readers: dict[str, Callable[[Path], Any]] = {"overlays": _table, "tables": _table, "pictures": Path.read_bytes}
    return Details(
        **{
            kind: {name: _read_file(folder / file, reader) for name, file in contents.get(kind, {}).items()}
            for kind, reader in readers.items()
        }
    )


def _read_file(path: Path, reader: Callable[[Path], T]) -> T:
    """Read one file of a run's folder.

    Raises
    ------
    RunError
        That names the file.
    """
    import yaml

    try:
        return reader(path)
    except (OSError, KeyError, ValueError, TypeError, yaml.YAMLError) as error:  # pyarrow's are among these
        raise RunError(f"run folder {path.parent}: {path.name} cannot be read: {in_one_line(error)}") from error


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_parquet(path)


def _table_with_equity(path: Path) -> pd.DataFrame:
    table = _table(path)
    if "equity" not in table:
        raise ValueError("it has no column 'equity'")
    return table


def _json_lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(_finite(value), indent=2) + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """Return plain data that strict JSON can carry: what is not a finite number becomes None."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

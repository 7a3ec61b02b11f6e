"""Run: one execution and all it produced, as plain data, kept in one folder."""

from __future__ import annotations

import json
import math
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.errors import RunError, did_you_mean, in_one_line
from quantstrats.hashing import hash_frame, hash_parts
from quantstrats.home import logs_folder
from quantstrats.signals import Details

if TYPE_CHECKING:
    import pandas as pd

_FRAMES = ("positions", "transactions", "orders", "trades", "targets")


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
        One row per fill, by the label of its bar: symbol, amount (shares), price, commission, order.
    orders : DataFrame
        One row per order, by number: decided, symbol, size, status, changed, filled, price, commission.
    trades : DataFrame
        One row per round trip: symbol, side, opened, closed, bars, pnl, commission, pnl_net.
    targets : DataFrame
        Wanted fraction of equity, rows x symbols; NaN on rows without a decision, and where a symbol has no bar.
    benchmark : Series or None
        Returns per bar of what the run is compared with.
    metrics : dict
        The figures of the summary; None where one is undefined.
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
    details: Details = field(default_factory=Details, repr=False)
    log: list[dict[str, str]] = field(default_factory=list, repr=False)

    @property
    def returns(self) -> pd.Series:
        """Return per bar, the first against the starting cash; -1 where the account is gone, and 0 after that."""
        return returns_of(self.equity, float(self.config["engine"]["cash"]))

    def __repr__(self) -> str:
        start, end = (label.date() for label in (self.equity.index[0], self.equity.index[-1]))
        return f"<Run {self.run_id}: {start} to {end}, final equity {self.equity.iloc[-1]:,.2f}>"

    def save(self, files: Mapping[str, str] | None = None) -> Path:
        """Store the run in ``logs/runs/<run_id>`` and return that folder.

        Everything is written to a temporary folder that is then renamed, so the folder is complete or absent.

        Parameters
        ----------
        files : mapping of file name to text, optional
            More files to store, such as ``{"tearsheet.html": tearsheet(run)}``.

        Raises
        ------
        RunError
            If the folder exists already or cannot be written, or a file has the name of one of the run's own.
        """
        folder = runs_folder() / self.run_id
        temporary = folder.with_name(f".{self.run_id}.writing")
        if folder.exists():
            raise RunError(f"run {self.run_id} is stored already, in {folder}")
        try:
            temporary.mkdir(parents=True)
            _write(self, temporary)
            for name, text in (files or {}).items():
                if name != Path(name).name or (temporary / name).exists():
                    raise RunError(f"file {name!r} cannot be stored with the run; give another plain name")
                (temporary / name).write_text(text, encoding="utf-8")
            temporary.rename(folder)
        except OSError as error:
            raise RunError(f"run {self.run_id} cannot be stored in {folder}: {error.strerror or error}") from error
        except (TypeError, ValueError) as error:  # pyarrow's errors are ValueErrors or TypeErrors
            raise RunError(f"run {self.run_id} cannot be stored: {in_one_line(error)}") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return folder


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


def runs_folder() -> Path:
    """Return the folder that holds the folders of all runs."""
    return logs_folder() / "runs"


def load_run(run: str | Path) -> Run:
    """Read a run back from its folder.

    Parameters
    ----------
    run : str or Path
        A run's id, or the path of its folder.

    Raises
    ------
    RunError
        If there is no such run, or its folder is not complete.
    """
    folder = Path(run) if Path(run).is_dir() else runs_folder() / str(run)
    if not folder.is_dir():
        known = [path.name for path in runs_folder().glob("[!.]*")]
        raise RunError(f"no run called {str(run)!r}{did_you_mean(str(run), known)} (looked in {runs_folder()})")
    import yaml

    try:
        return _read(folder)
    except (OSError, KeyError, ValueError, yaml.YAMLError) as error:
        raise RunError(f"run folder {folder} cannot be read: {type(error).__name__}: {error}") from error


def _write(run: Run, folder: Path) -> None:
    import yaml

    (folder / "config.yaml").write_text(yaml.safe_dump(run.config, sort_keys=False), encoding="utf-8")
    _write_json(folder / "manifest.json", run.manifest)
    _write_json(folder / "metrics.json", run.metrics)
    equity = run.equity.to_frame().assign(returns=run.returns)
    equity = equity if run.benchmark is None else equity.assign(benchmark=run.benchmark)
    equity.to_parquet(folder / "equity.parquet")
    for name in _FRAMES:
        getattr(run, name).to_parquet(folder / f"{name}.parquet")
    lines = "".join(json.dumps(line) + "\n" for line in run.log)
    (folder / "run.log").write_text(lines, encoding="utf-8")
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
    import pandas as pd
    import yaml

    equity = pd.read_parquet(folder / "equity.parquet")
    frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in _FRAMES}
    return Run(
        run_id=folder.name,
        config=yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")),
        manifest=json.loads((folder / "manifest.json").read_text(encoding="utf-8")),
        equity=equity["equity"],
        benchmark=equity.get("benchmark"),
        metrics=json.loads((folder / "metrics.json").read_text(encoding="utf-8")),
        details=_read_details(folder / "details"),
        log=[json.loads(line) for line in (folder / "run.log").read_text(encoding="utf-8").splitlines()],
        **frames,
    )


def _read_details(folder: Path) -> Details:
    import pandas as pd

    if not folder.is_dir():
        return Details()
    contents = json.loads((folder / "contents.json").read_text(encoding="utf-8"))
    return Details(
        overlays={name: pd.read_parquet(folder / file) for name, file in contents["overlays"].items()},
        tables={name: pd.read_parquet(folder / file) for name, file in contents["tables"].items()},
        pictures={name: (folder / file).read_bytes() for name, file in contents["pictures"].items()},
    )


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

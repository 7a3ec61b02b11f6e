"""A Run's folder: complete or absent, and the same when read back."""

from __future__ import annotations

import copy
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml

from quantstrats import Details, backtest
from quantstrats.atomic import clear_leftovers, whole_folder, write_whole
from quantstrats.errors import RunError, RunNotFoundError
from quantstrats.runs.run import content_hashes, load_run, new_run_id, returns_of
from quantstrats.runs.stored import find_run_folder, find_run_folders, removable, remove_run, stored_runs

HARM = Path(__file__).parents[1] / "harm"


@pytest.fixture(scope="module")
def finished(tmp_path_factory, nasdaq):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTSTRATS_HOME", str(tmp_path_factory.mktemp("home")))
        return backtest("sma_cross", nasdaq.between("2010-01-01", "2011-12-31"))


@pytest.fixture
def run(finished):
    return copy.deepcopy(finished)


FRAMES = ("equity", "positions", "transactions", "orders", "trades", "targets")


def test_a_stored_run_reads_back_equal(run):
    run.save()
    back = load_run(run.run_id)
    for name in FRAMES:
        read, kept = getattr(back, name), getattr(run, name)
        same = pd.testing.assert_series_equal if read.ndim == 1 else pd.testing.assert_frame_equal
        same(read, kept, check_freq=False, check_index_type=False)
    assert back.config == run.config
    assert back.metrics == run.metrics
    assert back.manifest == run.manifest
    assert back.log == run.log
    pd.testing.assert_series_equal(back.benchmark, run.benchmark, check_freq=False)
    pd.testing.assert_frame_equal(back.bars, run.bars, check_freq=False)
    assert content_hashes(**{name: getattr(back, name) for name in FRAMES}) == run.manifest["content"]


def test_details_read_back_equal(run):
    overlay = pd.DataFrame({"NASDAQ": [1.0, math.nan]}, index=run.equity.index[:2])
    table = pd.DataFrame({"pair": ["A/B"], "p": [0.01]})
    details = Details(overlays={"a line": overlay}, tables={"a table": table}, pictures={"a picture": b"\x89PNG"})
    replace(run, details=details).save()
    back = load_run(run.run_id).details
    pd.testing.assert_frame_equal(back.overlays["a line"], overlay, check_freq=False)
    pd.testing.assert_frame_equal(back.tables["a table"], table)
    assert back.pictures == {"a picture": b"\x89PNG"}


def test_the_folder_holds_the_whole_run(run):
    folder = run.save({"tearsheet.html": "<html>é</html>"})
    assert folder.name == run.run_id
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["config.yaml", "manifest.json", "metrics.json", "run.log", "tearsheet.html", "details"]
        + [f"{name}.parquet" for name in (*FRAMES, "bars")]
    )
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["signal"] == {"name": "sma_cross", "fast": 20, "slow": 50}
    assert (folder / "tearsheet.html").read_text(encoding="utf-8") == "<html>é</html>"
    assert all(json.loads(line)["message"] for line in (folder / "run.log").read_text().splitlines())


def test_json_is_strict_where_figures_are_undefined(run):
    folder = replace(run, metrics={"sharpe": math.nan, "list": [math.inf, 1.5]}).save()
    text = (folder / "metrics.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"sharpe": None, "list": [None, 1.5]}


@pytest.mark.parametrize("name", ["../outside.html", "config.yaml", "orders.parquet", "folder/page.html"])
def test_a_file_cannot_leave_the_folder_or_replace_what_is_in_it(run, home, name):
    with pytest.raises(RunError, match="cannot be stored with the run; give another plain name"):
        run.save({name: "text"})
    assert list((home / "logs" / "runs").iterdir()) == []


def test_a_crash_before_the_last_step_leaves_no_folder(run, home, monkeypatch):
    def crash(self, target):
        raise OSError("power failure")

    monkeypatch.setattr(Path, "rename", crash)
    with pytest.raises(RunError, match="power failure"):
        run.save()
    assert list((home / "logs" / "runs").iterdir()) == []


def test_a_table_of_mixed_kinds_is_stored_as_text(run):
    table = pd.DataFrame({1: ["text", 5, None]})
    replace(run, details=Details(tables={"mixed": table})).save()
    back = load_run(run.run_id).details.tables["mixed"]["1"]
    assert back.tolist()[:2] == ["text", "5"]
    assert pd.isna(back[2])


def test_saving_twice_is_refused(run):
    run.save()
    with pytest.raises(RunError, match="is stored already"):
        run.save()


def test_a_run_that_cannot_be_written_leaves_nothing(run, home):
    broken = replace(run, details=Details(pictures={"line": "not bytes"}))
    with pytest.raises(RunError, match="cannot be stored: TypeError"):
        broken.save()
    assert list((home / "logs" / "runs").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_in_one_line(run, home):
    (home / "logs").mkdir(exist_ok=True)
    (home / "logs" / "runs").write_text("in the way")
    with pytest.raises(RunError, match="cannot be stored in"):
        run.save()


def test_an_unknown_run_is_told_with_the_closest_one(run):
    run.save()
    wrong = run.run_id[:-1] + "x"
    with pytest.raises(RunError, match=f"no run called '{wrong}'; did you mean '{run.run_id}'"):
        load_run(wrong)


def test_a_run_loads_by_its_folder_from_anywhere(run, tmp_path, monkeypatch):
    folder = run.save()
    monkeypatch.setenv("QUANTSTRATS_HOME", str(tmp_path))
    assert load_run(Path(os.path.relpath(folder))).run_id == run.run_id


def test_the_files_that_a_folder_lacks_are_named(run):
    folder = run.save()
    (folder / "orders.parquet").unlink()
    (folder / "run.log").unlink()
    with pytest.raises(RunError, match=r"is not complete: it has no run\.log, orders\.parquet$"):
        load_run(run.run_id)


def test_a_folder_that_holds_something_else_is_told(tmp_path):
    with pytest.raises(RunError, match=r"holds no run: it has neither config\.yaml nor manifest\.json"):
        load_run(tmp_path)


@pytest.mark.parametrize("name", ["orders.parquet", "equity.parquet", "manifest.json", "config.yaml", "run.log"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff: [", b"[1, 2]\n{"])
def test_a_damaged_file_is_named_in_one_line(run, name, content):
    folder = run.save()
    if (name, content) == ("run.log", b""):
        pytest.skip("an empty log is a log")
    (folder / name).write_bytes(content)
    with pytest.raises(RunError, match=rf"run folder {folder}: {name} cannot be read: ") as told:
        load_run(run.run_id)
    assert "\n" not in str(told.value)


def test_details_that_lack_a_file_are_told(run):
    overlay = pd.DataFrame({"NASDAQ": [1.0]}, index=run.equity.index[:1])
    folder = replace(run, details=Details(overlays={"a line": overlay})).save()
    (folder / "details" / "overlays-1.parquet").unlink()
    with pytest.raises(RunError, match=r"overlays-1\.parquet cannot be read: FileNotFoundError"):
        load_run(run.run_id)


@pytest.mark.parametrize("cut", [9, 16, -1])
def test_the_beginning_of_an_id_is_enough_while_no_other_run_has_it(run, cut):
    run.save()
    assert load_run(run.run_id[:cut]).run_id == run.run_id
    replace(run, run_id=f"{run.run_id[:-1]}!").save()
    with pytest.raises(RunNotFoundError, match=rf"^2 runs begin with '{run.run_id[:cut]}': {run.run_id[:-1]}"):
        load_run(run.run_id[:cut])
    assert load_run(run.run_id).run_id == run.run_id


@pytest.mark.parametrize("wrong", ["", "x", "..", ".", "no/such/folder", ".20100101T000000-x-1.0a1b2c3d.writing"])
def test_what_is_no_run_is_told_as_such(run, wrong):
    run.save()
    with pytest.raises(RunNotFoundError, match=r"no run called|is no folder of a run"):
        load_run(wrong)


def test_a_run_can_be_stored_in_another_folder(run, tmp_path, home):
    folder = run.save({"tearsheet.html": "page"}, folder=tmp_path / "new" / "place")
    assert folder == tmp_path / "new" / "place" / run.run_id
    assert load_run(folder).manifest == run.manifest
    assert load_run(str(folder)).run_id == run.run_id
    assert find_run_folder(run.run_id[:9], tmp_path / "new" / "place") == folder
    assert not (home / "logs" / "runs").exists()


def test_a_run_is_found_by_a_relative_path(run, tmp_path, monkeypatch):
    run.save(folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load_run(run.run_id).run_id == run.run_id
    assert load_run(f"./{run.run_id}").run_id == run.run_id
    monkeypatch.chdir(tmp_path / run.run_id)
    assert load_run(Path()).run_id == run.run_id


# --- what is left of processes that were killed


def leftover(parent, name):
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("half")
    return folder


def test_leftovers_are_no_runs_and_in_nobodys_way(run, home):
    runs = home / "logs" / "runs"
    left = [leftover(runs, name) for name in (f".{run.run_id}.writing", ".x.0a1b2c3d.writing", ".y.0a1b2c3d.removing")]
    folder = run.save()
    assert [stored.run_id for stored in stored_runs()] == [run.run_id]
    assert find_run_folder(run.run_id[:3]) == folder
    (folder / ".tearsheet.html.0a1b2c3d.writing").write_text("half")
    assert load_run(run.run_id).run_id == run.run_id
    assert len(clear_leftovers(runs, dry_run=True)) == 4
    assert all(path.exists() for path in left)
    assert len(clear_leftovers(runs)) == 4
    assert [path.name for path in runs.iterdir()] == [run.run_id]
    assert load_run(run.run_id).run_id == run.run_id


def test_what_a_living_process_is_writing_is_left_alone(tmp_path):
    program = (
        "import sys; from pathlib import Path; from quantstrats.atomic import whole_folder\n"
        "with whole_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'file').write_text('text'); print('writing', flush=True); sys.stdin.read()\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "writing\n"
    assert clear_leftovers(tmp_path) == []
    writer.communicate("")
    assert writer.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_where_folders_cannot_be_locked_only_what_is_a_day_old_is_a_leftover(tmp_path, monkeypatch):
    monkeypatch.setattr("quantstrats.atomic.fcntl", None)
    old, new = leftover(tmp_path, ".old.writing"), leftover(tmp_path, ".new.writing")
    long_ago = time.time() - 25 * 3600
    os.utime(old, (long_ago, long_ago))
    assert clear_leftovers(tmp_path) == [old]
    assert new.exists()


def test_clearing_while_others_write_breaks_nothing(tmp_path):
    done = threading.Event()

    def clear():
        while not done.is_set():
            clear_leftovers(tmp_path)

    clearing = threading.Thread(target=clear)
    clearing.start()
    try:
        for number in range(200):
            with whole_folder(tmp_path / f"run-{number}") as folder:
                (folder / "file").write_text("text")
    finally:
        done.set()
        clearing.join()
    assert len(list(tmp_path.glob("run-*/file"))) == 200


def test_of_two_processes_that_store_the_same_run_one_succeeds(tmp_path):
    first, second = whole_folder(tmp_path / "run"), whole_folder(tmp_path / "run")
    for writer, text in ((first, "first"), (second, "second")):
        (writer.__enter__() / "file").write_text(text)
    first.__exit__(None, None, None)
    with pytest.raises(OSError, match="not empty"):
        second.__exit__(None, None, None)
    assert (tmp_path / "run" / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "page.html"
    write_whole(file, "old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("page.html", "old")]


def test_a_file_that_is_no_plain_file_is_not_replaced(tmp_path):
    # Renaming over a device would replace the device.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a plain file"):
        write_whole(pipe, "text")
    assert pipe.is_fifo()


def test_a_link_goes_on_pointing_to_the_replaced_file(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


def test_a_removed_run_is_gone_whole(run, home):
    folder = run.save()
    remove_run(folder)
    assert list((home / "logs" / "runs").iterdir()) == []
    with pytest.raises(RunError, match="cannot be removed"):
        remove_run(folder)


def test_killed_writers_leave_complete_folders_or_none(run, tmp_path):
    stored = run.save()
    campaign = [sys.executable, HARM / "kill_while_saving.py", stored, tmp_path / "scratch"]
    command = [*campaign, "--kills", "30", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == 30
    # The rest landed between two saves, or before the first.
    assert found["landed"]["anywhere mid-write"] >= 12
    assert len(found["files there when a writer was killed"]) >= 4
    assert found["visible folders, all complete"] >= 10


# --- disks that are full or cannot be written


@pytest.fixture(scope="session")
def own_mounts():
    """Return how to start a process that may mount file systems of its own, as root or not; skip where nobody may."""
    for how in (["unshare", "--user", "--map-root-user", "--mount"], ["unshare", "--mount"]):
        if shutil.which("unshare") and shutil.which("mount"):
            trial = subprocess.run([*how, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
            if trial.returncode == 0:
                return how
    pytest.skip("neither a user namespace nor the right to mount is to be had here, so no disk can be made small")


def sweep(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_sweep(attempts, reason):
    failed = [attempt for attempt in attempts if attempt["told"]]
    for attempt in failed:
        assert (
            f": {reason}; make room there, or choose another folder with --out or QUANTSTRATS_HOME" in attempt["told"]
        )
        assert "\n" not in attempt["told"]
    assert [attempt["left"] for attempt in attempts] == [[]] * len(attempts)
    assert all(attempt["complete"] for attempt in attempts if not attempt["told"])
    return failed


def test_a_full_disk_leaves_no_folder_whichever_file_it_hits(run, own_mounts, tmp_path):
    stored = run.save()
    attempts = sweep([*own_mounts, sys.executable, HARM / "save_on_full_disk.py", "tmpfs", stored, tmp_path])
    failed = check_sweep(attempts, "No space left on device")
    assert 20 <= len(failed) < len(attempts)
    assert len({attempt["files"] for attempt in failed}) >= 8


def test_a_file_that_cannot_grow_leaves_no_folder(run, tmp_path):
    # The same with another error of the system, where nobody may mount: a limit on the size of files.
    stored = run.save()
    attempts = sweep([sys.executable, HARM / "save_on_full_disk.py", "limit", stored, tmp_path])
    failed = check_sweep(attempts, "File too large")
    assert 10 <= len(failed) < len(attempts)
    assert len({attempt["files"] for attempt in failed}) >= 3


@pytest.mark.parametrize(("kib", "line"), [(64, "error: run "), (8, "error: the ledger ")])
def test_a_full_disk_is_one_line_and_exit_code_1_on_the_command_line(own_mounts, tmp_path, kib, line):
    command = f'mount -t tmpfs -o size={kib}k none "$0" && cd "$0" && "$@"; code=$?; ls -A "$0/logs/runs"; exit $code'
    backtest_command = [sys.executable, "-m", "quantstrats", "backtest", "sma_cross", "--end", "2001-12-31"]
    done = subprocess.run(
        [*own_mounts, "sh", "-c", command, tmp_path, *backtest_command],
        capture_output=True, text=True, timeout=120, check=False, env=os.environ | {"QUANTSTRATS_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    told = [text for text in done.stderr.splitlines() if not text.startswith("ls: ")]
    assert len(told) == 1
    assert told[0].startswith(line)
    assert str(tmp_path) in told[0]
    assert done.stdout == ""


def test_a_folder_that_cannot_be_written_is_told_in_one_line(run, own_mounts, tmp_path):
    program = "import sys; from quantstrats import load_run; load_run(sys.argv[1]).save(folder=sys.argv[2])"
    command = f'mount -t tmpfs -o ro none "$0" && "{sys.executable}" -c "{program}" "$1" "$0"'
    done = subprocess.run(
        [*own_mounts, "sh", "-c", command, tmp_path, run.save()], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == (
        f"quantstrats.errors.RunError: run {run.run_id} cannot be stored in {tmp_path}: Read-only file system; choose "
        "another folder with --out or QUANTSTRATS_HOME"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_someone_else_is_told_in_one_line(run, tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(RunError, match=r"Permission denied; choose another folder"):
            run.save(folder=tmp_path)
    finally:
        tmp_path.chmod(0o755)


def test_a_file_in_the_way_is_not_replaced(run, tmp_path):
    (tmp_path / run.run_id).write_text("in the way")
    with pytest.raises(RunError, match="is stored already"):
        run.save(folder=tmp_path)
    with pytest.raises(RunError, match="Not a directory"):
        run.save(folder=tmp_path / run.run_id / "below")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["in the way"]


# --- the stored runs, newest first


@pytest.fixture
def three(run):
    """Store three runs that began one, two and three days ago."""
    now = datetime(2020, 1, 10, tzinfo=UTC)
    for days in (2, 1, 3):
        started = now - timedelta(days=days)
        replace(run, run_id=f"{days}-days-old", manifest=run.manifest | {"started_at": started.isoformat()}).save()
    return now


def ids(runs):
    return [run.run_id for run in runs]


def test_stored_runs_come_newest_first(three):
    assert ids(stored_runs()) == ["1-days-old", "2-days-old", "3-days-old"]


@pytest.mark.parametrize(
    ("keep", "days", "gone"),
    [
        (None, None, []),
        (0, None, [1, 2, 3]),
        (2, None, [3]),
        (5, None, []),
        (None, 1.5, [2, 3]),
        (1, 0.0, [2, 3]),
        (2, 1.5, [3]),
        (0, 2.5, [3]),
    ],
)
def test_only_runs_that_fit_all_that_was_asked_may_go(three, keep, days, gone):
    age = None if days is None else timedelta(days=days)
    found = removable(stored_runs(), keep=keep, older_than=age, now=three)
    assert ids(found) == [f"{day}-days-old" for day in gone]


def test_a_folder_that_holds_no_run_never_goes(three, home):
    (home / "logs" / "runs" / "my notes").mkdir()
    assert "my notes" in ids(stored_runs())
    assert "my notes" not in ids(removable(stored_runs(), keep=0, now=three))
    with pytest.raises(RunNotFoundError, match="my notes holds no run"):
        find_run_folders(["my notes", "1"])
    assert [folder.name for folder in find_run_folders(["1", "2", "1-days"])] == ["1-days-old", "2-days-old"]


def test_what_a_damaged_run_lacks_is_in_the_list(run):
    folder = run.save()
    (folder / "metrics.json").write_text("[1]")
    (folder / "config.yaml").unlink()
    stored = stored_runs()[0]
    assert stored.trouble == "it has no config.yaml, metrics.json cannot be read"
    assert stored.trial == run.manifest["trial"]


def test_the_first_return_is_against_the_starting_cash():
    equity = pd.Series([90.0, 99.0], index=pd.to_datetime(["2015-01-02", "2015-01-05"]))
    assert returns_of(equity, 100.0).tolist() == pytest.approx([-0.1, 0.1])


def test_an_account_that_is_gone_loses_everything_once_and_earns_nothing_after():
    equity = pd.Series([50.0, -10.0, -20.0, 5.0], index=pd.date_range("2015-01-05", periods=4))
    assert returns_of(equity, 100.0).tolist() == [-0.5, -1.0, 0.0, 0.0]
    assert returns_of(equity - 50.0, 100.0).tolist() == [-1.0, 0.0, 0.0, 0.0]


def test_run_ids_sort_by_time_and_never_repeat():
    ids = {new_run_id("x") for _ in range(50)}
    assert len(ids) == 50
    assert all(run_id[8] == "T" and run_id[15:18] == "-x-" for run_id in ids)


def test_a_run_says_in_short_what_it_is(run):
    assert repr(run).startswith(f"<Run {run.run_id}: 2010-01-04 to 2011-12-30, final equity ")

"""Where runs and the ledger live."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantstrats.home import HOME_VARIABLE, logs_folder


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.delenv(HOME_VARIABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path.resolve()


def test_the_variable_wins(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "elsewhere"))
    assert logs_folder() == (tmp_path / "elsewhere" / "logs").resolve()
    assert not logs_folder().exists()


def test_the_variable_may_name_the_users_home(monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, "~/trading")
    assert logs_folder() == Path("~/trading/logs").expanduser().resolve()


@pytest.mark.parametrize("mark", ["setup.cfg", "pyproject.toml", ".git"])
def test_else_it_is_the_nearest_project_at_or_above_the_working_directory(nowhere, monkeypatch, mark):
    project = nowhere / "project"
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    (project / mark).touch()
    (nowhere / ".git").mkdir(exist_ok=True)
    monkeypatch.chdir(deep)
    assert logs_folder() == project / "logs"
    monkeypatch.chdir(project)
    assert logs_folder() == project / "logs"


def test_an_empty_variable_counts_as_unset(nowhere, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, "")
    (nowhere / "setup.cfg").touch()
    assert logs_folder() == nowhere / "logs"


def test_without_a_project_it_is_the_working_directorys(nowhere, monkeypatch):
    monkeypatch.setattr("quantstrats.home._PROJECT_MARKS", ("no project has this",))
    assert logs_folder() == nowhere / "logs"

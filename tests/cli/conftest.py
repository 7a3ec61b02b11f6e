"""Fixtures for tests of the command line."""

from __future__ import annotations

import pytest

from quantstrats.cli.main import main


@pytest.fixture
def command(capsys):
    """Run a command of ours within this process; return its exit code, output and errors."""

    def run(*arguments):
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = left.code or 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return run

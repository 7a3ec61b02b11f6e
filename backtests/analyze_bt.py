"""Look at stored runs: ``python backtests/analyze_bt.py RUN [RUN ...]``.

One run: the same as ``quantstrats report``, its tear sheet made again. Several: the same as ``quantstrats compare``,
side by side. ``--help`` tells the options.
"""

import sys

from quantstrats.cli.main import main

_TAKES_A_VALUE = "--out"


def _runs(words: list[str]) -> list[str]:
    """Return the words of a command line that are no options, nor an option's value."""
    before = ["", *words]
    return [word for word, last in zip(words, before, strict=False) if word[:1] != "-" and last != _TAKES_A_VALUE]


if __name__ == "__main__":
    words = sys.argv[1:]
    main(["report" if len(_runs(words)) == 1 else "compare", *words])

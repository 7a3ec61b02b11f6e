"""Backtest a signal by its plugin's name: ``python backtests/run_bt.py sma_cross``.

The same as ``quantstrats backtest``; ``--help`` tells the options.
"""

import sys

from quantstrats.cli.main import main

if __name__ == "__main__":
    main(["backtest", *sys.argv[1:]])

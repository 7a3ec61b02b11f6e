"""``python -m quantstrats``: the command line."""

from quantstrats.cli.main import main

if __name__ == "__main__":
    main()

"""Draw the README's picture: the upper part of a tear sheet, as Chromium shows it. Run by ``make picture``."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import NO_CHROMIUM, Browser, BrowserError, find_chromium  # noqa: E402 - it is found by that path

if TYPE_CHECKING:
    from browser import Page

PICTURE = ROOT / "docs" / "images" / "tearsheet.png"
WIDTH, HEIGHT = 1280, 1600
COLOURS = 256
MOST_BYTES = 300_000
READY = 'document.documentElement.dataset.ready === "true"'
READY_SECONDS = 30.0


def main() -> None:
    """Backtest sma_cross on the sample bars, open its tear sheet and write the picture."""
    program = find_chromium()
    if program is None:
        sys.exit(NO_CHROMIUM)
    browser = Browser(program)
    with tempfile.TemporaryDirectory() as folder:
        try:
            with browser.open(tearsheet_in(Path(folder)), width=WIDTH, height=HEIGHT) as page:
                picture = upper_part(page, Path(folder))
        except BrowserError as error:
            sys.exit(f"no picture: {error}")
        finally:
            browser.close()
    if len(picture) > MOST_BYTES:
        sys.exit(f"no picture: it has {len(picture)} bytes, and may have {MOST_BYTES}")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(picture)
    typer.echo(f"{PICTURE.relative_to(ROOT)}: {WIDTH} x {HEIGHT}, {len(picture) / 1000:.0f} kB")


def tearsheet_in(folder: Path) -> Path:
    """Make a run and write its tear sheet, as the README's first command does."""
    from quantstrats import backtest, load_market, tearsheet

    # A picture is no trial: it has a ledger of its own, which goes with the folder.
    os.environ["QUANTSTRATS_HOME"] = str(folder)
    file = folder / "tearsheet.html"
    file.write_text(tearsheet(backtest("sma_cross", load_market("sample"))), encoding="utf-8")
    return file


def upper_part(page: Page, folder: Path) -> bytes:
    """Return the upper part of a page as PNG of few colours, once its charts are drawn.

    Raises
    ------
    BrowserError
        Where the charts are not drawn in time, or the page has something to say.
    """
    from PIL import Image

    page.wait_for(READY, READY_SECONDS)
    if page.messages:
        raise BrowserError(f"the page said: {'; '.join(page.messages)}")
    page.screenshot(folder / "whole.png", full=False)
    small = io.BytesIO()
    with Image.open(folder / "whole.png") as shot:
        shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    main()

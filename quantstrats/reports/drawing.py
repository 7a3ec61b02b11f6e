"""Drawing figures off screen, as PNG, without touching the user's matplotlib."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from quantstrats.drawing import DPI, HEIGHT, STYLE, WIDE, load_matplotlib

# In inches: a half-width figure is about 560 pixels wide on a desktop and 360 on a phone, legible on both.
WIDTH = 6.4
_MARGIN, _PALETTE = 0.06, 128


@dataclass(frozen=True)
class Drawing:
    """One figure, or the reason for which there is none.

    Parameters
    ----------
    title : str
        Its caption.
    draw : callable
        Draws on the axes it is given.
    left_out : str
        Why it cannot be drawn; empty if it can.
    wide : bool
        Whether it takes the page's whole width.
    height : float
        In inches.
    """

    title: str
    draw: Callable[[Any], object]
    left_out: str = ""
    wide: bool = False
    height: float = HEIGHT


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it: its caption, and a data address or the reason for which there is none.

    One that was drawn here, dark on white, may be inverted on a dark page; a stranger's picture may not.
    """

    title: str
    source: str = ""
    left_out: str = ""
    wide: bool = False
    drawn: bool = False


def pictures(drawings: Iterable[Drawing]) -> list[Picture]:
    """Draw each figure once; those that cannot be drawn keep their reason."""
    with off_screen():
        return [
            Picture(drawing.title, left_out=drawing.left_out)
            if drawing.left_out
            else Picture(drawing.title, source=png_source(_png(drawing)), wide=drawing.wide, drawn=True)
            for drawing in drawings
        ]


def png_source(png: bytes) -> str:
    """Return a picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


@contextmanager
def off_screen() -> Iterator[None]:
    """Give matplotlib, pandas and numpy the state that figures are drawn in, and restore the user's."""
    load_matplotlib()
    import matplotlib as mpl
    import numpy as np
    import pandas as pd

    random_state = np.random.get_state()  # noqa: NPY002 - pyfolio seeds numpy's global generator
    try:
        with (
            quiet(),
            mpl.rc_context(),
            pd.option_context("plotting.backend", "quantstrats.reports.axes_plots"),
        ):
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE)
            yield
    finally:
        np.random.set_state(random_state)  # noqa: NPY002


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings of pyfolio and of what it stands on from the user, who could do nothing about them."""
    import numpy as np

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for module in ("pyfolio", "empyrical", "seaborn", "scipy"):
            warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")
        # These are laid at the door of the caller, or of numpy.
        warnings.filterwarnings("ignore", message='Module "zipline.assets" not found')
        warnings.filterwarnings("ignore", message="(Mean of empty slice|All-NaN slice|Degrees of freedom)")
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _png(drawing: Drawing) -> bytes:
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    size = (WIDE if drawing.wide else WIDTH, drawing.height)
    canvas: Any = FigureCanvasAgg(figure := Figure(figsize=size, dpi=DPI))
    axes = figure.add_subplot()
    drawing.draw(axes)
    _tidy(axes)
    _fill(figure, axes, canvas.get_renderer())
    canvas.draw()
    drawn = io.BytesIO()
    # Figure.savefig would draw everything twice; in a palette a picture takes a third of the room.
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    picture.quantize(_PALETTE, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(drawn, format="png")
    return drawn.getvalue()


def _tidy(axes: Any) -> None:
    """Let the caption be the title, and thin what pyfolio draws heavily."""
    axes.set_title("")
    legend = axes.get_legend()
    if legend is not None:
        legend.get_frame().set(edgecolor="#dfe3e9", linewidth=0.8, alpha=0.85)
        for handle in legend.get_lines():
            handle.set_linewidth(min(handle.get_linewidth(), 1.8))
    for line in axes.get_lines():
        if line.get_linestyle() == "--":  # a mean or a level
            line.set_linewidth(1.0)
    # These end at the axes; measuring thousands of points for the layout would be lost time.
    for artist in (*axes.lines, *axes.collections, *axes.patches, *axes.texts):
        artist.set_in_layout(False)


def _fill(figure: Any, axes: Any, renderer: Any) -> None:
    """Let the axes and their labels fill the figure (in one measurement; matplotlib's own layouts take two)."""
    inside, taken = axes.get_position(), axes.get_tightbbox(renderer).transformed(figure.transFigure.inverted())
    margin_x, margin_y = (_MARGIN / length for length in figure.get_size_inches())
    left, bottom = margin_x + inside.x0 - taken.x0, margin_y + inside.y0 - taken.y0
    right, top = 1.0 - margin_x - (taken.x1 - inside.x1), 1.0 - margin_y - (taken.y1 - inside.y1)
    axes.set_position((left, bottom, right - left, top - bottom))

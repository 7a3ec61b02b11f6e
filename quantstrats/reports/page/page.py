"""Page: an HTML page that holds all it shows, made from a template and charts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from quantstrats.reports.page.chartdata import ChartData

_HEIGHT = 900  # pixels of the frame in which a notebook shows a page


class Page(str):
    """One HTML page that holds all it shows and asks no network for anything; a notebook displays it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.encode()) / 1e6:.1f} MB>"

    def _repr_html_(self) -> str:
        # A frame of its own, so that the page's style and the notebook's leave each other alone.
        style = f"width:100%;height:{_HEIGHT}px;border:0"
        # Otherwise a link within the page would lead to the notebook, which the frame would then show.
        page = self.replace("<head>", '<head>\n<base href="about:srcdoc">', 1)
        return f'<iframe srcdoc="{escape(page)}" style="{style}"></iframe>'


def render(template: str, context: Mapping[str, Any]) -> Page:
    """Return the page that a template of this folder makes.

    Parameters
    ----------
    template : str
        Its file name. Where it calls ``charts.place(chart)``, a chart is taken in.
    context : mapping
        What it is filled with.
    """
    charts = ChartData()
    notice, script = _plotly()
    return Page(_pages().get_template(template).render(**context, charts=charts, plotly=script, plotly_notice=notice))


@lru_cache(maxsize=1)
def _pages() -> Any:
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@lru_cache(maxsize=1)
def _plotly() -> tuple[str, str]:
    """Return the notice of plotly's script for browsers, and the script, packed to a third: base64 of gzip.

    The package itself is not imported.
    """
    import base64
    import gzip
    import importlib.util

    spec = importlib.util.find_spec("plotly")
    assert spec is not None  # noqa: S101 - a requirement of this package
    script = (Path(str(spec.origin)).parent / "package_data" / "plotly.min.js").read_bytes()
    notice = script[: script.index(b"*/")].decode().strip("/* \n")
    lines = [line.strip("* ") for line in notice.splitlines()]
    return "; ".join(lines), base64.b64encode(gzip.compress(script, 9, mtime=0)).decode()

"""``quantstrats verify``: run a stored run again, and name the first difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from quantstrats.plugins import Plugins
    from quantstrats.runs.run import Run


def verify(
    run: Annotated[str, typer.Argument(metavar="ID", help="Id of a stored run, its beginning, or its folder.")],
    offline: Annotated[bool, typer.Option("--offline", help="Ask no vendor for bars: use what is kept.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Run a stored run again from its configuration and name the first difference, or say 'identical'.

    It leaves with 0 if they are identical and with 1 if they differ. The ledger does not count it as a trial, nor is
    a hold-out opened once more. What learners learn is learned anew, whatever the cache of fits holds.
    """
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import printed_aside
    from quantstrats.cli.texts import print_json
    from quantstrats.runs.comparison import damage, first_difference, notes
    from quantstrats.runs.run import load_run

    stored = load_run(run)
    with progress_line(), printed_aside():
        fresh = _run_again(stored, offline)
    found = first_difference(stored, fresh)
    changed = [f"stored {name}: changed after the run, its hash is not that of the manifest" for name in damage(stored)]
    remarks = [*changed, *notes(stored, fresh)]
    if as_json:
        difference = found.as_dict() if found else None
        print_json({"run_id": stored.run_id, "identical": found is None, "difference": difference, "notes": remarks})
    else:
        for remark in remarks:
            typer.echo(f"note: {remark}")
        typer.echo(f"{stored.run_id} differs in {found}" if found else f"{stored.run_id}: identical")
    if found:
        raise typer.Exit(1)


def _run_again(stored: Run, offline: bool) -> Run:
    from quantstrats.api import backtest_settings
    from quantstrats.cli.strangers import installed_plugins
    from quantstrats.errors import PluginError
    from quantstrats.learning.fits import Fits
    from quantstrats.runs.holdout import looking_again
    from quantstrats.runs.ledger import verifying
    from quantstrats.settings.settings import settings_of
    from quantstrats.warned import Warned, listening

    if stored.config.get("data", {}).get("source") == "frames":
        raise PluginError(
            f"run {stored.run_id} cannot be verified: its bars came from frames in memory (Market.from_frames), not "
            "from a source that can be asked again"
        )
    with listening(Warned()):  # its log, with all that is warned of, is not kept
        plugins = installed_plugins()
    config = dict(stored.config)
    if offline:
        config["data"] = {**config["data"], "offline": True}
    for block, kind, role in (("signal", "signal", "plugin"), ("allocation", "allocator", "allocator")):
        config[block] = _by_its_provider(config[block], stored.manifest.get(role, {}), kind, plugins)
    try:
        with verifying(stored.run_id), looking_again():
            return backtest_settings(settings_of(config), plugins=plugins, fits=Fits())
    except PluginError as error:
        raise PluginError(f"run {stored.run_id} cannot be verified: {error}{_origin_of_plugins(stored)}") from error


def _by_its_provider(block: Mapping[str, Any], code: Mapping[str, Any], kind: str, plugins: Plugins) -> dict[str, Any]:
    """Return a block whose plugin, and whose parts, are named with the provider that the run had them from.

    A name that was plain then may be that of two plugins by now.
    """
    named, provider = dict(block), code.get("provider")
    if any((o.kind, o.name, o.provider) == (kind, block["name"], provider) for o in plugins.offers):
        named["name"] = f"{provider}:{block['name']}"
    for part, inner in code.get("parts", {}).items():
        field, _, place = part.partition("[")
        if place:
            named[field] = list(named[field])
            at = int(place[:-1])
            named[field][at] = _by_its_provider(named[field][at], inner, kind, plugins)
        else:
            named[field] = _by_its_provider(named[field], inner, kind, plugins)
    return named


def _origin_of_plugins(stored: Run) -> str:
    """Tell where a class came from that no plugin offered: a notebook, or a script."""
    told = ""
    for role in ("plugin", "allocator"):
        code = stored.manifest.get(role, {})
        if code and not code.get("version"):
            told += f"; {code['name']!r} came from {code['provider']!r}, not from an installed plugin"
    return told

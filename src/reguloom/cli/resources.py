"""``reguloom resources``: fetch, check and find what motif analysis needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import rich_click as click

from reguloom.cli._common import CONTEXT, LazyGroup, apply, verbosity_options

if TYPE_CHECKING:
    import pandas as pd


class _Group(LazyGroup):
    """The subcommands, of which ``build-db`` lives in a module of its own."""

    lazy = {"build-db": ("build_db", "Make a ranking database for a species of your own.")}


def _set_environment(variable: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """Return a callback that hands an option on through the environment, where the library looks."""

    def callback(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value:
            before = os.environ.get(variable)
            os.environ[variable] = "1" if value is True else str(value)
            ctx.call_on_close(lambda: _restore(variable, before))

    return callback


def _restore(variable: str, value: str | None) -> None:
    """Put an environment variable back."""
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value


_cache_option = click.option(
    *("--cache", "cache"), type=click.Path(), expose_value=False, callback=_set_environment("REGULOOM_CACHE"),
    help="Cache folder, in place of the system's (or set REGULOOM_CACHE).",
)  # fmt: skip
_network = apply(
    click.option("--offline", is_flag=True, expose_value=False, callback=_set_environment("REGULOOM_OFFLINE"),
                 help="Use the cache alone (or set REGULOOM_OFFLINE=1)."),
    click.option("--url", "--resources-url", "url", expose_value=False, metavar="URL",
                 callback=_set_environment("REGULOOM_RESOURCES_URL"),
                 help="A mirror in place of the publisher's address (or set REGULOOM_RESOURCES_URL)."),
)  # fmt: skip
_selection = apply(
    click.option("-s", "--species", default=None, help="human, mouse, fly, ... or a genome such as mm10."),
    click.option("--version", default=None, help="Motif collection: v10, v9, v8."),
    click.option("--kind", type=click.Choice(["rankings", "annotations", "tfs", "motifs", "data"]), default=None,
                 help="One kind of file alone."),
)  # fmt: skip


@click.group("resources", cls=_Group, context_settings=CONTEXT)
@verbosity_options
def command() -> None:
    """Fetch, check and find motif rankings, annotations and TF lists.

    Files are downloaded once into a cache, checked against the publisher's checksums, and found again offline. A
    transfer that breaks off is resumed. All that a mouse analysis needs: reguloom resources fetch --species mouse.
    """


@command.command("list", cls=click.RichCommand, context_settings=CONTEXT)
@_selection
@_cache_option
@verbosity_options
def _list(species: str | None, version: str | None, kind: str | None) -> None:
    """List what can be fetched and what is in the cache: a table on a terminal, tab-separated text in a pipe."""
    from reguloom.resources import cache_dir, list_resources

    table = list_resources(species=species, version=version, kind=kind).reset_index()
    if not sys.stdout.isatty():
        click.echo(table.to_csv(sep="\t", index=False), nl=False)
        return
    _show(table)
    click.echo("\n".join([*table["terms"].unique(), f"Cache: {cache_dir()}"]))


def _show(table: pd.DataFrame) -> None:
    """Show the list on a terminal."""
    from rich.console import Console
    from rich.table import Column, Table

    headings = ("kind", "species", "version", "MB", "state", "search space")
    shown = Table(Column("name", no_wrap=True), *headings, box=None, header_style="bold")
    for row in table.itertuples():
        size = f"{row.size_mb:,.0f}" if row.size_mb >= 1 else "<1" if row.size_mb > 0 else "?"
        shown.add_row(row.name, row.kind, row.species, row.version, size, row.state, row.search_space)
    Console().print(shown)
    for row in table[table["about"] != ""].itertuples():
        Console().print(f"{row.name}: {row.about}")


@command.command("fetch", cls=click.RichCommand, context_settings=CONTEXT)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_selection
@click.option("--force", is_flag=True, help="Download again what the cache has.")
@click.option("--no-check", is_flag=True, help="Do not compare checksums.")
@_network
@_cache_option
@verbosity_options
def _fetch(names: tuple[str, ...], force: bool, no_check: bool, **selection: str | None) -> None:
    """Download what is named, or everything that --species (and --version, --kind) selects; print the paths.

    With --species and no --version the newest motif collection is taken: rankings and annotations must be of one.
    """
    from reguloom.resources import fetch

    for name in _chosen(names, selection):
        click.echo(str(fetch(name, force=force, check=not no_check)))


@command.command("where", cls=click.RichCommand, context_settings=CONTEXT)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_selection
@_cache_option
@verbosity_options
def _where(names: tuple[str, ...], **selection: str | None) -> None:
    """Print the paths of files in the cache; without a name, the cache folder."""
    from reguloom.resources import cache_dir, where

    if not names and not any(selection.values()):
        click.echo(str(cache_dir()))
        return
    for path in [where(name) for name in _chosen(names, selection)]:
        click.echo(str(path))


@command.command("verify", cls=click.RichCommand, context_settings=CONTEXT)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_network
@_cache_option
@verbosity_options
def _verify(names: tuple[str, ...]) -> None:
    """Check that cached files (all, unless named) still have their checksums; exit code 4 if one does not."""
    from reguloom._errors import ResourceError
    from reguloom.resources import list_resources, verify

    table = list_resources()
    failed: list[ResourceError] = []
    for name in names or table.index[table["state"] == "cached"]:
        try:
            click.echo(f"{name}\t{verify(name)}")
        except ResourceError as error:
            click.echo(f"{name}\tFAILED")
            failed.append(error)
    if failed:
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        msg = f"{failed[0]}{more}"
        raise ResourceError(msg)


def _chosen(names: tuple[str, ...], selection: dict[str, str | None]) -> list[str]:
    """Return the names that were given, or those that the selection gives."""
    from reguloom.resources import select

    if names:
        return list(names)
    if not any(selection.values()):
        msg = "name at least one resource ('reguloom resources list' shows them), or give --species"
        raise click.UsageError(msg)
    if selection["species"] and not selection["version"]:
        selection = {**selection, "version": _newest(selection["species"])}
    return [one.name for one in select(**selection)]


def _newest(species: str) -> str | None:
    """Return the newest motif collection that there is for a species."""
    from reguloom.resources import select

    versions = {one.version for one in select(species=species) if one.version}
    return max(versions, key=lambda version: int(version.lstrip("v")), default=None)

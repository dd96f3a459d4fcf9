"""``reguloom merge``: the shards of ``grn --shard i/n`` or ``ctx --shard i/n`` in, what one run gives out."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from reguloom.cli._activity import check_suffix
from reguloom.cli._common import INPUT, check_outputs, force_option, output_option
from reguloom.cli._common import command as make_command


@make_command("merge")
@click.argument("shards", type=INPUT, nargs=-1, required=True)
@output_option
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Write only the strongest edges.")
@force_option
def command(shards: tuple[Path, ...], output: Path, limit: int | None, force: bool) -> None:
    """Join the results of several shards into what one run would have written.

    SHARDS are the files of `reguloom grn --shard 1/N` to `N/N`, or those of `reguloom ctx --shard 1/N` to `N/N`.
    """
    from reguloom import cistarget, grn, io
    from reguloom.cli import ctx
    from reguloom.cli.grn import SUFFIXES, write

    if any(cistarget.is_shard(path) for path in shards):
        suffix = ctx.check_format(output)
        check_outputs(output, force=force)
        ctx.write(cistarget.merge_shards([cistarget.read_shard(path) for path in shards]), output, suffix, force=force)
        return
    check_suffix(output, SUFFIXES)
    check_outputs(output, force=force)
    write(grn.merge_shards([io.read_network(path) for path in shards], limit=limit), output, force=force)

"""The directive ``{commands}``: the reference of the command line, read off the commands themselves."""

from __future__ import annotations

import click
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx


def _option(parameter: click.Parameter) -> tuple[str, str]:
    """Return how an option or argument is written, and what it does."""
    if isinstance(parameter, click.Option):
        spelled = ", ".join([*parameter.opts, *parameter.secondary_opts])
        kind = (
            ""
            if parameter.is_flag or parameter.count
            else f" {parameter.make_metavar(click.Context(click.Command('x')))}"
        )
        return spelled + kind, f"{(parameter.help or '').replace(chr(8), '')}{_default(parameter)}"
    return parameter.human_readable_name, getattr(parameter, "help", None) or ("needed" if parameter.required else "")


def _default(option: click.Option) -> str:
    """Return what is taken if the option is left out, where that is worth a word."""
    if isinstance(option.show_default, str):
        return f" Default: {option.show_default}."
    value = option.to_info_dict()["default"]
    if (
        value in (None, "", (), [])
        or option.is_flag
        or option.count
        or not isinstance(value, str | int | float | tuple | list)
    ):
        return ""
    return f" Default: {' '.join(map(str, value)) if isinstance(value, tuple | list) else value}."


def _table(command: click.Command) -> nodes.definition_list:
    """Return the options of one command as a definition list."""
    made = nodes.definition_list()
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        spelled, text = _option(parameter)
        item = nodes.definition_list_item()
        item += nodes.term("", "", nodes.literal("", spelled))
        item += nodes.definition("", nodes.paragraph("", text))
        made += item
    return made


def _section(name: str, command: click.Command) -> nodes.section:
    """Return a section for one command, its subcommands inside."""
    made = nodes.section(ids=[nodes.make_id(name)], names=[name])
    made += nodes.title("", name)
    for paragraph in (command.help or "").replace("\b", "").strip().split("\n\n"):
        made += nodes.paragraph("", " ".join(paragraph.split()))
    if command.params:
        made += _table(command)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            made += _section(f"{name} {child}", command.get_command(context, child))
    return made


class Commands(Directive):
    """List every command with its options."""

    def run(self) -> list[nodes.Node]:
        """Return one section for each command."""
        from reguloom.cli.app import COMMANDS, app

        context = click.Context(app)
        found = [(name, app.get_command(context, name)) for name in COMMANDS]
        return [_section(f"reguloom {name}", command) for name, command in found if command is not None]


def setup(application: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    application.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

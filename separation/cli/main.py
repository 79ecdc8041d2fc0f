"""`audio-playground`: the group all commands hang from. Imports nothing but click, so help is instant."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import click
except KeyboardInterrupt:  # before anything is there that could say it
    raise SystemExit(130) from None

INTERRUPTED = 130  # as in `separation.cli.common`, which is not imported before it is needed
COMMANDS = {
    "serve": ("separation.cli.serve", "Open the studio in the browser."),
    "extract": ("separation.cli.extracting.extract", "Take sounds out of a recording."),
    "batch": ("separation.cli.batch", "Take the same sounds out of every recording in a folder."),
    "run": ("separation.cli.run", "Run the commands of a workflow file, one after the other."),
    "compare": ("separation.cli.compare", "Make blind tests of results and files, and get their answers."),
    "stems": ("separation.cli.benching.stems", "Bring songs whose stems are known, such as MUSDB18-HQ."),
    "bench": ("separation.cli.benching.bench", "Compare separators and settings by number, on this computer."),
    "models": ("separation.cli.models", "List models, fetch their weights, delete them."),
    "cache": ("separation.cli.cache", "Say what recordings and results take on this computer, and make room."),
    "convert": ("separation.cli.convert", "Turn any recording into WAV."),
    "chunk": ("separation.cli.chunk", "Cut a recording into overlapping files."),
    "merge": ("separation.cli.chunk", "Join such files, or others, into one recording."),
    "worker": ("separation.cli.worker", "Do chunk work for studios on other computers."),
    "tune": ("separation.cli.this_computer.tune", "Measure what is fastest on this computer; later runs take it."),
    "doctor": (
        "separation.cli.this_computer.doctor",
        "Say what works on this computer, and what to do about the rest.",
    ),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, and which ends with a sentence whatever happens."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run a command line; errors outside of commands, as in an option or in printing help, end it as theirs do."""
        _open_closed_streams()
        try:
            return super().main(*arguments, **options)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except Exception as error:
            from separation.cli import common

            sys.exit(common.last_words(error))
        finally:
            _settle_output()

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Parse the command line."""
        with _interrupts_said():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Import the command and run it; it says itself what an interrupt means once it runs."""
        with _interrupts_said():
            from separation.audio.interrupts import stops_as_interrupts

            with stops_as_interrupts():
                return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@contextmanager
def _interrupts_said() -> Iterator[None]:
    """End with the status of an interrupt, rather than click's “Aborted!” and that of an error."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _open_closed_streams() -> None:
    """Give each standard stream that nobody has opened the null device, which reads as empty and drops what it gets.

    Services and windows without a terminal start programs so. Otherwise the next file to be opened gets the number of
    such a stream, and what libraries print goes into that file.
    """
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(spare)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # to the end


def _settle_output() -> None:
    """Write out what is left; what cannot be written is dropped, because Python would complain again at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="audio-playground", prog_name="audio-playground")
def main() -> None:
    """Take one sound out of a recording.

    Exit status: 0 done, 2 wrong usage, 3 a file cannot be used, 4 a backend cannot run here, 5 a prompt no backend here
    can answer, 6 the run failed, 130 interrupted.
    """


if __name__ == "__main__":  # for “python -m”, where the folder of scripts is not in PATH
    main()

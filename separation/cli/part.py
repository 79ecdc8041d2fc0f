"""The options `--start-time` and `--end-time`, which select a part of each recording."""

from __future__ import annotations

from typing import Any

import click

from separation.audio import times
from separation.cli.common import Function
from separation.errors import SettingsError


class Time(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """An option's type: seconds, minutes:seconds, or hours:minutes:seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds, or raise click's own error."""
        if isinstance(value, float):  # a default
            return value
        try:
            return times.parse_time(value)
        except SettingsError as error:
            self.fail(str(error), param, ctx)


def part_options(command: Function) -> Function:
    """Add `start_time` and `end_time`, in seconds, for a `separation.audio.part.Part`."""
    start = click.option("--start-time", type=Time(), default=0.0, help="Where to begin: 90, 1:30 or 1:02:03.5.")
    end = click.option("--end-time", type=Time(), help="Where to end; the recording's end unless given.")
    return start(end(command))

"""Says errors about settings with the options that a person types for them."""

from __future__ import annotations

import re

import click

from separation.errors import PlaygroundError, SettingsError

# The fields of settings whose option has another name.
OPTIONS = {
    "chunk_s": ("chunk_duration", "duration"),
    "overlap_s": ("overlap_duration", "overlap"),
    "fade": ("crossfade_type",),
    "n_steps": ("solver_steps",),
    "method": ("solver",),
    "chain": ("chain_residuals",),
}


def name_options(error: PlaygroundError, command: click.Command) -> None:
    """Put the options of a command in place of the names that their settings have inside this program."""
    if not isinstance(error, SettingsError):
        return
    typed = {str(param.name): max(param.opts, key=len) for param in command.params if isinstance(param, click.Option)}
    options = {field: typed[name] for field, names in OPTIONS.items() for name in names if name in typed}
    error.what, error.why, error.todo = (
        _with_options(text, {**typed, **options}, error.place[-1:]) for text in (error.what, error.why, error.todo)
    )


def _with_options(text: str, options: dict[str, str], wrong: tuple[str | int, ...]) -> str:
    for field, option in options.items():
        text = re.sub(rf"\b(?:\w+\.)?{field}=(?=\S)", f"{option} ", text)
        if "_" in field or field in wrong:  # else it may be a plain word
            text = re.sub(rf"(?<!-)\b(?:\w+\.)?{field}\b", option, text)
    return text

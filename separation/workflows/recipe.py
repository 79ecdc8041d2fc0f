"""Recipes: reads and writes a `Request` as YAML."""

from __future__ import annotations

from pathlib import Path

import yaml

from separation.audio.files import NOTHING_READ, FilesRead, new_file
from separation.errors import SettingsError
from separation.request import Request
from separation.workflows import yaml_lines

HEADING = "# A recipe of Audio Playground: audio-playground extract recipe RECORDING THIS-FILE\n"


def written(request: Request) -> str:
    """Return a recipe's text with every setting, so that it means the same even if defaults change."""
    settings: str = yaml.safe_dump(request.to_dict(), sort_keys=False, allow_unicode=True)
    if "\x85" in settings:  # PyYAML writes this character as it is, and reads it as the end of a line
        settings = yaml.safe_dump(request.to_dict(), sort_keys=False)
    return HEADING + settings


def write(request: Request, path: Path, read: FilesRead = NOTHING_READ) -> None:
    """Write a recipe; the file appears when it is complete.

    Raises:
        FileError: it cannot be written.
        SettingsError: one of the files `read` lies there.
    """
    with new_file(path, read) as part:
        part.write_text(written(request), encoding="utf-8", newline="\n")


def read(path: Path) -> Request:
    """Read the request from a recipe's file; settings that are not in it get their defaults.

    Raises:
        SettingsError: it cannot be read, or describes no request; the message names file and line.
    """
    return _request(yaml_lines.read(path), path)


def parse_recipe(text: str) -> Request:
    """Parse the request from a recipe's text, such as a pasted one.

    Raises:
        SettingsError: it describes no request; names the line.
    """
    name = "The recipe"
    return _request(yaml_lines.parse_yaml(text, name), Path(name))


def _request(document: yaml_lines.Node, path: Path) -> Request:
    try:
        return Request.from_dict(document.plain)
    except SettingsError as error:
        line = document.line_number(error.place)
        raise yaml_lines.refused(path, line, error.what, error.why, error.todo) from error

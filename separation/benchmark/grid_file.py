"""Reads and writes grids as YAML: a recipe with lists in it, and what is timed."""

from __future__ import annotations

from pathlib import Path

import yaml

from separation.benchmark.grid import Grid, refuse_nonsense
from separation.errors import SettingsError
from separation.workflows import yaml_lines

HEADING = "# A grid of Audio Playground: any setting may be a list, and every combination is computed.\n"


def written(grid: Grid) -> str:
    """Return a grid as the text of a file."""
    return HEADING + str(yaml.safe_dump(grid.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None))


def read(path: Path) -> Grid:
    """Read a grid from a file.

    Raises:
        SettingsError: it cannot be read, or is no grid; the message names file and line.
    """
    return _grid(yaml_lines.read(path), path)


def parse(text: str) -> Grid:
    """Parse a grid from the text of a file, such as one typed into a page.

    Raises:
        SettingsError: it is no grid; the message names the line.
    """
    name = "The grid"
    return _grid(yaml_lines.parse_yaml(text, name), Path(name))


def _grid(document: yaml_lines.Node, path: Path) -> Grid:
    if not isinstance(document.value, dict):
        raise yaml_lines.refused(path, document.line, "This is no grid.", "It has no settings.", "Write name: value.")
    try:
        grid = Grid.from_dict(document.plain)
        refuse_nonsense(grid)
        return grid
    except SettingsError as error:
        line = document.line_number(error.place)
        raise yaml_lines.refused(path, line, error.what, error.why, error.todo) from error

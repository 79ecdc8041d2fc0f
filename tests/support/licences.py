"""The packages that come with this program, each with its licence; `python -m tests.support.licences` prints them.

The names are those of pyproject.toml, the licences what the packages say of themselves.
"""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
SPDX = {  # what is written where there is no expression yet
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
}


def dependencies() -> list[str]:
    """The names of the direct dependencies, in alphabetical order."""
    listed = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]
    return sorted(re.match(r"[\w.-]+", one)[0] for one in listed)


def licence(package: str) -> str | None:
    """What an installed package says its licence is; None if it is not installed."""
    try:
        about = metadata.metadata(package)
    except metadata.PackageNotFoundError:  # some are only for some systems
        return None
    if expression := about.get("License-Expression"):
        return str(expression)
    classified = [one.rsplit(" :: ", 1)[1] for one in about.get_all("Classifier") or [] if one.startswith("License ::")]
    said = classified[0] if classified else str(about.get("License")).splitlines()[0]
    return SPDX.get(said, said)


def table() -> str:
    """The rows of docs/licences.md."""
    return "\n".join(f"| {name} | {licence(name)} |" for name in dependencies())


if __name__ == "__main__":
    print(table())

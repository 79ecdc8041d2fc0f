"""`audio-playground doctor`: checks packages, folders and backends, and says how to fix what does not work."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import Common, common_options, make_folder, open_store
from separation.doctor import installed
from separation.formatted import size

if TYPE_CHECKING:
    from pathlib import Path

    from separation.model import Backend

NO_DATA_FOLDER = 2
ELSEWHERE = "Let it be written to, or choose another with the environment variable AUDIO_PLAYGROUND_HOME."


@click.command()
@click.option(
    "--self-test/--no-self-test", default=True, help="Separate two seconds of noise with each usable backend."
)
@common_options
def doctor(self_test: bool, common: Common) -> None:
    """List packages, the data folder and backends; test the usable backends with two seconds of sound."""
    from separation.backends import registry
    from storage import data_folder

    folder = data_folder()
    finding = _finding(folder, common)
    report: dict[str, Any] = {
        "python": installed.python(),
        "system": installed.system(),
        "packages": installed.versions(),
        "data_folder": str(folder),
        "free_bytes": None if finding else shutil.disk_usage(folder).free,
        "findings": [finding] if finding else [],
        "backends": {},
    }
    common.say(f"Python {report['python']} on {report['system']}")
    common.say("".join(f"  {name} {version}\n" for name, version in report["packages"].items()).rstrip())
    common.say(f"Data folder {folder}" + (f": {finding}" if finding else f", {size(report['free_bytes'])} free"))
    for backend in registry.BACKENDS.values():
        availability = backend.availability()
        words = availability.readiness.value
        if availability.usable and self_test:
            words += f", self-test {_tested(backend)}"
        common.say(f"{backend.label}: {words}. {availability}")
        report["backends"][backend.name] = {"readiness": words, "sentence": str(availability)}
    common.result(report)
    if finding:
        sys.exit(NO_DATA_FOLDER)


def _finding(folder: Path, common: Common) -> str:
    """Return what keeps recordings and results from being kept in the data folder, as text; "" if nothing does."""
    from separation.errors import PlaygroundError

    try:
        make_folder(folder, "recordings and results")
        open_store(common.temp_dir, common.say).close()
    except PlaygroundError as error:
        return f"{error.what} {error.why} {ELSEWHERE}"
    return ""


def _tested(backend: Backend) -> str:
    """Return the time of a test, loading included, or its error, as text."""
    from separation.doctor.self_test import self_test
    from separation.errors import PlaygroundError
    from separation.events import EventStream

    stream = EventStream(self_test(backend))
    try:
        for _ in stream:
            pass
    except PlaygroundError as error:  # the other backends are still tested
        return f"failed: {error}"
    passed = stream.result
    words = [f"{passed.seconds:.2f} s"]
    words += [f"products by {passed.products}"] if passed.products else []
    words += [f"without --precision in {passed.precision}"] if passed.precision else []
    return ", ".join(words)

"""The report of a benchmark: the same figures as a page, a spreadsheet, a table to paste, and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from separation.audio.files import NOTHING_READ, FilesRead, new_file
from separation.benchmark.benchmark import Benchmark
from separation.benchmark.reporting import everything, markdown, page, spreadsheet
from separation.benchmark.reporting.facts import Outcomes

# By the name of the file, what makes its text.
FILES: Mapping[str, Callable[[Benchmark, Outcomes], str]] = {
    "index.html": page.text,
    "table.csv": spreadsheet.text,
    "table.md": markdown.text,
    "benchmark.json": everything.text,
}


def write(benchmark: Benchmark, outcomes: Outcomes, folder: Path, read: FilesRead = NOTHING_READ) -> list[Path]:
    """Write all files of a report into a folder that is there; each replaces an earlier one only when it is whole.

    Raises:
        FileError: one cannot be written.
        SettingsError: one of the files `read` lies there.
    """
    texts = {name: made(benchmark, outcomes) for name, made in FILES.items()}
    written = []
    for name, text in texts.items():
        with new_file(folder / name, read) as making:
            making.write_text(text, encoding="utf-8", newline="")
        written.append(folder / name)
    return written

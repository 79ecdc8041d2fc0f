"""`audio-playground bench`: compares settings by number, on this computer and one's own recordings."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import Common, TypedPath, common_options, make_folder, open_store, printable
from separation.cli.options import model_folder_option, no_cache_option, span_options
from separation.errors import SettingsError

if TYPE_CHECKING:
    from separation.cli.benching.asked import BenchOptions

SOME_FAILED = 6  # the exit status, as that of a batch
EXAMPLES = (
    "separators",
    "solvers",
    "precisions",
    "attention",
    "chunks",
    "quick",
)  # those of `benchmark.examples`


@click.command()
@click.argument("recordings", nargs=-1, type=TypedPath())
@click.option(
    "--grid",
    "grid_name",
    metavar="EXAMPLE|FILE",
    help=f"What to compare: {', '.join(EXAMPLES)}, or a YAML file, a recipe with lists in it. Separators unless given.",
)
@click.option("--set", "stem_set", type=TypedPath(), help="A folder of songs with known stems, such as MUSDB18-HQ.")
@click.option("--quick", is_flag=True, help="The fastest separators on 10 s, once each: under a minute.")
@click.option("--prompt", "-p", "prompts", multiple=True, help="A sound, instead of the grid's; repeatable.")
@click.option("--model", help="A model for all separators of the grid, instead of the grid's.")
@click.option("--stem", default="", help="The track whose table is printed; the first one unless given.")
@click.option(
    "--times", "n_times", type=click.IntRange(1, 20), help="Timed runs of each cell; the grid's unless given."
)
@span_options
@click.option("--keep-busy", is_flag=True, help="Time nothing again because the computer was busy; it is marked.")
@click.option("--out", "-o", type=TypedPath(), default=Path("report"), help="Folder for the report.", show_default=True)
@no_cache_option
@model_folder_option
@common_options
def bench(
    recordings: tuple[Path, ...],
    grid_name: str | None,
    stem_set: Path | None,
    quick: bool,
    prompts: tuple[str, ...],
    model: str | None,
    stem: str,
    n_times: int | None,
    span: Mapping[str, Any],
    keep_busy: bool,
    out: Path,
    no_cache: bool,
    common: Common,
) -> None:
    """Compare settings on RECORDINGS, on songs with known stems, or on the demo, and write a report.

    Each combination of a grid is computed, timed after a run that warms up, and held against the true stems where they
    are known, or against the grid's reference. The report has the same figures as a page with charts, as CSV, as
    Markdown and as JSON.

    Every finished cell is kept: the same command goes on where it was interrupted, and tries what failed again. With
    --no-cache it begins anew.
    """
    from separation.cli.benching.asked import BenchOptions

    if quick and grid_name is not None:
        raise SettingsError("--quick was given together with --grid.", "It is a grid.", "Leave one of the two out.")
    asked = BenchOptions(
        recordings=recordings,
        stem_set=stem_set,
        grid_name="quick" if quick else grid_name or EXAMPLES[0],
        prompts=prompts,
        model=model,
        n_times=n_times,
        start_s=span["start_s"],
        end_s=span["end_s"],
        device=common.device,
    )
    run_bench(asked, stem, out, no_cache, keep_busy or quick, common)


def run_bench(asked: BenchOptions, stem: str, out: Path, no_cache: bool, keep_busy: bool, common: Common) -> None:
    """Run what was asked for, and write its report into the folder `out`."""
    from separation.benchmark import report
    from separation.cli.benching import tables
    from separation.cli.benching.running import KeptBenchmark, say_before

    grid = asked.grid()
    read = common.claim([*asked.files()], [out / name for name in report.FILES])
    make_folder(out, "the report")
    with closing(open_store(common.temp_dir, common.say)) as store:
        recordings = asked.songs(store, grid, common)
        kept = KeptBenchmark(store, grid, recordings)
        with closing(kept):
            if no_cache:
                kept.forget()
            say_before(kept, recordings, common)
            _require_track(stem, kept.possible_tracks)
            kept.run(common, keep_busy=keep_busy)
            _require_stem(stem, kept.tracks)
            written = report.write(kept.benchmark, kept.outcomes, out, read)
            track = stem or next(iter(kept.tracks), "")
            for line in tables.lines(kept.benchmark, kept.outcomes, track):
                common.say(printable(line))
            for path in written:
                common.say(f"wrote {path}")
            n_failed = sum(outcome.error is not None for outcome in kept.outcomes.values())
            common.result(
                {
                    "id": kept.benchmark.id,
                    "files": [str(path) for path in written],
                    "n_cells": len(kept.outcomes),
                    "n_computed": kept.n_computed,
                    "n_failed": n_failed,
                    "tracks": list(kept.tracks),
                    "left_out": [one.why for one in kept.benchmark.left_out],
                    "rows": tables.values(kept.benchmark, kept.outcomes, track),
                }
            )
    if n_failed:
        sys.exit(SOME_FAILED)


def _require_track(stem: str, tracks: tuple[str, ...]) -> None:
    """Refuse before anything is computed what no setting makes."""
    if stem and stem not in tracks:
        raise SettingsError(
            f"No setting of this grid makes a track “{stem}”.",
            f"They make {', '.join(tracks)}.",
            "Choose another --stem, or leave it out.",
        )


def _require_stem(stem: str, tracks: tuple[str, ...]) -> None:
    if stem and stem not in tracks:
        raise SettingsError(
            f"There is no track “{stem}” whose quality is known.",
            f"There are {', '.join(tracks)}." if tracks else "No true stems are known, and the grid has no reference.",
            "Choose another --stem, or leave it out; what is computed is kept.",
        )

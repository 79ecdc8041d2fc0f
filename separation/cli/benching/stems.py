"""`audio-playground stems`: brings songs whose stems are known, and says how they were recognised."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import Common, TypedPath, common_options, open_store, plain_error, printable, shown
from separation.cli.options import span_options
from separation.errors import PlaygroundError
from separation.formatted import clock, counted, size

if TYPE_CHECKING:
    from separation.results.kept import Recording
    from separation.stem_sets.song import KnownSong

SOME_FAILED = 6  # the exit status, as that of a batch


@click.group()
def stems() -> None:
    """Bring songs whose stems are known: true stems to hear, and to measure separators by.

    They lie in a folder laid out as MUSDB18-HQ, Slakh2100 or MoisesDB, in .stem.mp4 files, or in plain folders with a
    mixture and its stems as files, named so that one knows which is which.
    """


@stems.command("list")
@click.argument("folder", type=TypedPath())
@common_options
def list_(folder: Path, common: Common) -> None:
    """Say which songs with known stems are in FOLDER, and which file is taken for which stem; nothing is kept."""
    from separation.stem_sets.finding import find_songs

    songs = find_songs(folder)
    for song in songs:
        _say_song(song, common)
    common.say(f"{counted(len(songs), 'song')}.")
    common.result({"songs": [_described(song) for song in songs]})


@stems.command("import")
@click.argument("folder", type=TypedPath())
@span_options
@click.option(
    "--cache-limit-gb",
    type=click.FloatRange(min=0.1, max=1e6),
    help="The most GB that recordings and results may take; as usual unless given.",
)
@common_options
def import_(folder: Path, span: Mapping[str, Any], cache_limit_gb: float | None, common: Common) -> None:
    """Keep the songs in FOLDER, or the same part of each, as recordings with their true stems.

    FOLDER is one song, a folder of songs at any depth, or a .stem.mp4 file. A song that fails does not stop the rest;
    the exit status is then 6. What is kept already is found again.
    """
    from separation.audio.part import Part
    from separation.stem_sets.finding import find_songs
    from separation.stem_sets.importing import import_song

    part = Part(**span)
    songs = find_songs(folder)
    kept: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    limit_bytes = None if cache_limit_gb is None else int(cache_limit_gb * 10**9)
    with closing(open_store(common.temp_dir, common.say, limit_bytes)) as store:
        for song in songs:
            _say_song(song, common)
            try:
                recording = import_song(song, store, part)
            except PlaygroundError as error:
                common.say(f"  failed. {printable(str(error))}")
                failed.append({**_described(song), **plain_error(error)})
                continue
            _say_recording(recording, song, common)
            kept.append({**_described(song), **_kept(recording)})
        there = {item.key for item in store.list("recording")}
        limit = size(store.limit_bytes)
    n_gone = len({one["key"] for one in kept} - there)
    common.say(f"{counted(len(kept), 'song')} kept" + (f", {len(failed)} failed." if failed else "."))
    if n_gone:
        common.say(
            f"note: {counted(n_gone, 'song')} had to go again, because no more than {limit} are kept; give a higher "
            "--cache-limit-gb here and to “serve”, or a shorter part."
        )
    common.result({"songs": kept, "failed": failed, "n_gone": n_gone})
    if failed:
        sys.exit(SOME_FAILED)


def _say_song(song: KnownSong, common: Common) -> None:
    common.say(printable(f"{song.name} ({song.layout})"))
    mixture = "the sum of the stems" if song.mixture is None else _file(song.mixture.path, song)
    common.say(printable(f"  mixture: {mixture}"))
    for stem in song.stems:
        files = [file for file, of in song.renamed.items() if of == stem]
        common.say(printable(f"  {stem}: {' + '.join(files)}"))
    for note in song.notes:
        common.say(printable(f"  note: {note}"))


def _say_recording(recording: Recording, song: KnownSong, common: Common) -> None:
    for warning in (warning for warning in recording.warnings if warning not in song.notes):
        common.say(printable(f"  note: {warning}"))
    length = clock(recording.duration_s, 1)
    common.say(f"  kept as {recording.key[:12]}: {length}, {recording.sample_rate} Hz, {recording.n_channels} ch")


def _file(path: Path, song: KnownSong) -> str:
    return "audio track 1" if path == song.place else shown(path.relative_to(song.place))


def _described(song: KnownSong) -> dict[str, Any]:
    return {
        "name": song.name,
        "layout": song.layout,
        "place": shown(song.place),
        "mixture": None if song.mixture is None else _file(song.mixture.path, song),
        "stems": list(song.stems),
        "renamed": dict(song.renamed),
        "notes": list(song.notes),
    }


def _kept(recording: Recording) -> dict[str, Any]:
    return {
        "key": recording.key,
        "n_samples": recording.n_samples,
        "sample_rate": recording.sample_rate,
        "n_channels": recording.n_channels,
        "warnings": list(recording.warnings),
    }

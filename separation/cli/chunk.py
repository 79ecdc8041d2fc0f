"""`audio-playground chunk` and `audio-playground merge`: recordings cut into overlapping files, and joined again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from separation.cli.common import Common, TypedPath, common_options, gives, make_folder, require_source, scratch
from separation.cli.options import part_options, peak_option
from separation.export.level import RESCALE
from separation.request import FADES
from separation.results.exported import FORMATS

CHUNK_FORMATS = ("wav32f", "wav24", "wav16", "flac")  # as in `separation.chunking.files`, which brings NumPy
METADATA_SUFFIX = ".chunks.json"


@click.group()
def chunk() -> None:
    """Cut recordings into overlapping files."""


@chunk.command("split")
@gives("metadata", "files", "n_samples", "sample_rate", "n_channels")
@click.argument("source", type=TypedPath())
@click.option("--duration", type=float, default=10.0, show_default=True, help="Seconds per file.")
@click.option("--overlap", type=float, default=2.0, show_default=True, help="Seconds neighbouring files share.")
@part_options
@click.option("--out", "-o", type=TypedPath(), default=Path(), help="Folder for the files.")
@click.option("--format", "format_", type=click.Choice(CHUNK_FORMATS), default="wav32f", show_default=True)
@peak_option
@common_options
def split_(
    source: Path,
    duration: float,
    overlap: float,
    span: Mapping[str, Any],
    out: Path,
    format_: str,
    peak: str | None,
    common: Common,
) -> None:
    """Cut SOURCE (audio or video) into files that overlap.

    Beside them a .chunks.json file says where they lie, for “merge concat”, which joins them again, however they were
    processed meanwhile, as long as they keep their names, rate, channels and length.
    """
    from separation.audio.part import Part
    from separation.chunking.files import split
    from separation.request import ChunkSettings

    settings, part = ChunkSettings(chunk_s=duration, overlap_s=overlap), Part(**span)
    read = common.claim([source], ())
    require_source(source)
    make_folder(out, "the files")
    with scratch(common.temp_dir) as temporary:
        written = split(
            source, out, settings, scratch=temporary, format=format_, part=part, peak_rule=peak or RESCALE, read=read
        )
    common.claim((), [written.metadata, *(out / file for file in written.split.files)])
    for note in written.notes:
        common.say(f"note: {note}")
    for file in written.split.files:
        common.say(f"wrote {out / file}")
    common.say(f"wrote {written.metadata}: {len(written.split.files)} files, {written.split.sample_rate} Hz")
    common.result(
        {
            "metadata": str(written.metadata),
            "files": [str(out / file) for file in written.split.files],
            "n_samples": written.split.n_samples,
            "sample_rate": written.split.sample_rate,
            "n_channels": written.split.n_channels,
            "warnings": list(written.notes),
        }
    )


@click.group()
def merge() -> None:
    """Join files into one recording."""


@merge.command()
@gives("file", "n_samples", "sample_rate", "n_channels")
@click.argument("sources", type=TypedPath(), nargs=-1, required=True)
@click.option("--out", "-o", type=TypedPath(), required=True, help="The file to write.")
@click.option(
    "--crossfade-type", type=click.Choice(FADES), help="How chunks are blended; as they were cut for, unless given."
)
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="wav32f", show_default=True)
@peak_option
@common_options
def concat(
    sources: tuple[Path, ...],
    out: Path,
    crossfade_type: str | None,
    format_: str,
    peak: str | None,
    common: Common,
) -> None:
    """Join what “chunk split” wrote, or other files end to end.

    SOURCES is a folder of chunks or its .chunks.json file; or else the files to join, in their order, all of one rate
    and channel count.
    """
    from separation.chunking.files import concat as join
    from separation.chunking.files import merge as blend
    from separation.chunking.files import pieces_of

    metadata = _checked(sources, out, crossfade_type, format_)
    common.claim(sources if metadata is None else pieces_of(metadata), [out])
    if metadata is not None:
        written = blend(metadata, out, fade=crossfade_type, format=format_, peak_rule=peak or RESCALE)
    else:
        written = join(sources, out, format=format_, peak_rule=peak or RESCALE)
    for note in written.notes:
        common.say(f"note: {note}")
    seconds = written.n_samples / written.sample_rate
    common.say(f"wrote {out}: {seconds:.2f} s, {written.sample_rate} Hz, {written.n_channels} ch")
    common.result(
        {
            "file": str(out),
            "n_samples": written.n_samples,
            "sample_rate": written.sample_rate,
            "n_channels": written.n_channels,
            "warnings": list(written.notes),
        }
    )


def _checked(sources: tuple[Path, ...], out: Path, fade: str | None, format_: str) -> Path | None:
    """Check the arguments; return the metadata to join by, or None for files to be joined end to end."""
    from separation.errors import SettingsError

    if out.suffix.lower() != FORMATS[format_]:
        raise SettingsError(
            f"{out.name!r} is no name for {format_}.",
            f"Such files end in {FORMATS[format_]}.",
            "Change the name, or choose another --format.",
        )
    described = [source for source in sources if source.is_dir() or source.name.endswith(METADATA_SUFFIX)]
    if len(sources) == len(described) == 1:
        return _metadata_in(sources[0]) if sources[0].is_dir() else sources[0]
    if described:
        raise SettingsError(
            f"{str(described[0])!r} was given together with other files.",
            "A folder of chunks or its .chunks.json file is joined by itself.",
            "Give it alone, or the files one by one.",
        )
    if fade is not None:
        raise SettingsError(
            "A crossfade was given for files that are joined end to end.",
            "Only the .chunks.json file of “chunk split” says where files overlap.",
            "Leave --crossfade-type out, or give the folder of the chunks.",
        )
    return None


def _metadata_in(folder: Path) -> Path:
    from separation.errors import SettingsError

    found = sorted(folder.glob(f"*{METADATA_SUFFIX}"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:5]) or "none"
        raise SettingsError(
            f"{str(folder)!r} does not hold the chunks of one recording.",
            f"{len(found)} {METADATA_SUFFIX} files in it: {names}.",
            "Give the .chunks.json file, or the files to join one by one.",
        )
    return found[0]

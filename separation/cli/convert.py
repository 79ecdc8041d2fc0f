"""`audio-playground convert`: any recording becomes a WAV the rest of the world reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from separation.cli.common import Common, TypedPath, common_options, gives, require_source, scratch
from separation.cli.options import part_options, tags_option
from separation.export.tags import NO_TAGS, Tags


@click.group()
def convert() -> None:
    """Turn recordings into other files."""


@convert.command("to-wav")
@gives("file", "n_samples", "sample_rate", "n_channels")
@click.argument("source", type=TypedPath())
@click.option("--out", "-o", type=TypedPath(), help="The WAV to write; beside the source if absent.")
@part_options
@tags_option
@common_options
def to_wav(source: Path, out: Path | None, span: Mapping[str, Any], tags: bool, common: Common) -> None:
    """Decode SOURCE (audio or video) into a float32 WAV of one or two channels, by blocks."""
    from separation.audio.convert import convert as convert_file
    from separation.audio.encode import FORMATS, check_extension
    from separation.audio.part import Part

    part = Part(**span)
    target = out or _beside(source)
    check_extension(target, FORMATS["wav32f"])
    common.claim([source], [target])
    require_source(source)
    with scratch(common.temp_dir) as folder:
        found, said = _tags_of(source, folder / "cover") if tags else (NO_TAGS, ())
        conversion = convert_file(source, target, part=part, tags=found)
    for warning in (*conversion.warnings, *said):
        common.say(f"note: {warning}")
    common.say(
        f"wrote {target}: {conversion.duration_s:.2f} s, {conversion.sample_rate} Hz, {conversion.n_channels} ch"
    )
    common.result(
        {
            "file": str(target),
            "n_samples": conversion.n_samples,
            "sample_rate": conversion.sample_rate,
            "n_channels": conversion.n_channels,
            "warnings": [*conversion.warnings, *said],
        }
    )


def _tags_of(source: Path, cover: Path) -> tuple[Tags, tuple[str, ...]]:
    """Return the tags of a file, whose cover is put at `cover`, and warnings."""
    from separation.results.source_tags import read_tags

    texts, warnings = read_tags(source, cover)
    return Tags(**texts, cover=cover if cover.exists() else None), warnings


def _beside(source: Path) -> Path:
    """Return the place of the WAV of a file when none was named."""
    target = source.with_suffix(".wav")
    itself = target == source or (target.exists() and source.exists() and target.samefile(source))
    return source.with_name(f"{source.stem}-converted.wav") if itself else target

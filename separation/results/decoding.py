"""Decodes a file into what is kept of a recording: its samples, its peaks, and the picture of a video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from separation.audio.convert import Conversion, converted_blocks
from separation.audio.encode import FloatWavWriter
from separation.audio.files import private
from separation.audio.part import Part
from separation.audio.partial_file import GrowingFile
from separation.audio.peaks import PeaksWriter
from separation.audio.video import Picture, PictureNotKept, keep_picture
from separation.results.partial import PartialAudio
from separation.results.source_tags import read_tags

AUDIO, PEAKS, PICTURE, COVER = "audio.wav", "peaks", "video", "cover"  # the names of the files


def decode_into(
    folder: Path,
    source: Path | GrowingFile,
    part: Part,
    max_duration_s: float,
    on_decoded: Callable[[PartialAudio], object],
) -> tuple[Conversion, Picture | None]:
    """Write the audio of a file's part, its peaks, its cover, and, of a whole video, its picture into `folder`.

    Args:
        folder: takes the files `AUDIO`, `PEAKS`, `PICTURE` and `COVER`; the last two only if there are such.
        source: any file that `separation.decode` takes; it may still be arriving.
        part: the part of it.
        max_duration_s: longer ones are refused.
        on_decoded: called after each block.

    Raises:
        AudioError: no audio can be read, or it is too long.
        FileError: a file cannot be written.
        SettingsError: the part begins after the end of the recording.
        OSError: the source was broken off.
    """
    conversion = _decode_audio(folder, source, part, max_duration_s, on_decoded)
    if isinstance(source, GrowingFile):
        source.wait_for_end()
        source = source.path
    tags, warnings = read_tags(source, folder / COVER)
    conversion = replace(conversion, tags=tags, warnings=(*conversion.warnings, *warnings))
    if not part.is_whole:
        return conversion, None
    try:
        return conversion, keep_picture(source, folder / PICTURE, part.track)
    except PictureNotKept as lost:
        said = f"The picture is not kept, so only the sound can be downloaded: {lost}."
        return replace(conversion, warnings=(*conversion.warnings, said)), None


def _decode_audio(
    folder: Path,
    source: Path | GrowingFile,
    part: Part,
    max_duration_s: float,
    on_decoded: Callable[[PartialAudio], object],
) -> Conversion:
    audio_path, peaks_path = private(folder / AUDIO), private(folder / PEAKS)
    with (
        converted_blocks(source, part=part, max_duration_s=max_duration_s) as blocks,
        FloatWavWriter(audio_path, blocks.n_channels, blocks.sample_rate) as audio,
        PeaksWriter(peaks_path) as peaks,
    ):
        for block in blocks:
            for writer in (audio, peaks):
                writer.write(block)
                writer.flush()
            on_decoded(
                PartialAudio(
                    audio=audio_path,
                    peaks=peaks_path,
                    n_ready=audio.n_samples,
                    n_expected=blocks.n_expected,
                    sample_rate=blocks.sample_rate,
                    n_channels=blocks.n_channels,
                )
            )
        return blocks.conversion()

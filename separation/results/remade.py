"""Makes a damaged file of a recording or a result again from its whole files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from separation.results.kept import COVER, SOURCE, STEM, VIDEO

PEAKS = ".peaks"
BLOCK_SAMPLES = 1 << 18


def remade(kind: str, files: Mapping[str, Path], name: str, target: Path) -> Literal["made", "spared", "lost"]:
    """Write a damaged file of a kept item again to `target`, if its other files allow that.

    Args:
        kind: "recording", "result" or "chunk".
        files: the whole files by name.
        name: of the damaged file.
        target: where to write it.

    Returns:
        "made"; "spared" if the item can do without it, as both can without their cover, and a recording without its
        picture, its source file and its known stems; "lost" otherwise.

    Raises:
        PlaygroundError, OSError: a whole file cannot be read, or the new one cannot be written.
    """
    if name == COVER or (kind == "recording" and name in (VIDEO, SOURCE)):
        return "spared"
    track = name.removesuffix(PEAKS)
    if kind == "recording" and track.startswith(STEM) and track not in files:
        return "spared"
    if not name.endswith(PEAKS) or track not in files:
        return "lost"
    from separation.audio.decode import AudioFile
    from separation.audio.peaks import PeaksWriter

    with AudioFile(files[track]) as audio, PeaksWriter(target) as peaks:
        for start in range(0, audio.n_samples, BLOCK_SAMPLES):
            peaks.write(audio.read(start, min(start + BLOCK_SAMPLES, audio.n_samples)))
    return "made"

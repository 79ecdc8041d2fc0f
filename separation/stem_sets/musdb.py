"""The layout of MUSDB18-HQ: folders “Artist - Title” with mixture.wav, drums.wav, bass.wav, other.wav, vocals.wav."""

from __future__ import annotations

from separation.stem_sets.folder import SongFolder, readable
from separation.stem_sets.song import KnownSong, StemSource

LAYOUT = "MUSDB18-HQ"
MIXTURE = "mixture.wav"
STEMS = ("drums", "bass", "other", "vocals")  # the order of its .stem.mp4 files


def song_in(folder: SongFolder) -> KnownSong | None:
    """Return the song of such a folder, one stem of which may be missing; None if it is another kind of folder."""
    files = {name.casefold(): path for name, path in folder.audio.items()}
    there = [stem for stem in STEMS if f"{stem}.wav" in files]
    if MIXTURE not in files or len(there) < len(STEMS) - 1 or len(files) != len(folder.audio):
        return None
    if files.keys() - {MIXTURE, *(f"{stem}.wav" for stem in STEMS)}:
        return None
    sources = {stem: StemSource(path=files[f"{stem}.wav"]) for stem in there}
    return KnownSong(
        name=readable(folder.path.resolve().name),
        layout=LAYOUT,
        place=folder.path,
        mixture=StemSource(path=files[MIXTURE]),
        stems={stem: (source,) for stem, source in sources.items()},
        renamed={readable(source.path.name): stem for stem, source in sources.items()},
        notes=tuple(f"It has no {stem}, which songs of {LAYOUT} have." for stem in STEMS if stem not in there),
    )

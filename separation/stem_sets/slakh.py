"""The layout of Slakh2100: a folder with mix.flac (or .wav), a folder “stems” with S00, S01, …, and metadata.yaml.

metadata.yaml says of each sound in “stems” of which class of instruments it is; those of one class are one stem.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from separation.stem_sets.folder import SongFolder, readable
from separation.stem_sets.song import KnownSong, StemSource

LAYOUT = "Slakh2100"
METADATA = "metadata.yaml"
MAX_METADATA_BYTES = 1 << 20  # those of Slakh2100 have a few kB


def song_in(folder: SongFolder) -> KnownSong | None:
    """Return the song of such a folder; None if it is another kind of folder."""
    if METADATA not in folder.files:
        return None
    inner = folder.within("stems")
    sounds = {} if inner is None else {readable(path.stem): path for path in inner.audio.values()}
    if not sounds:
        return None
    classes = _classes(folder.files[METADATA])
    stems: dict[str, tuple[StemSource, ...]] = {}
    renamed = {}
    for sound, path in sounds.items():
        stem = (classes or {}).get(sound, sound).casefold()
        stems[stem] = (*stems.get(stem, ()), StemSource(path=path))
        renamed[f"{readable(path.parent.name)}/{readable(path.name)}"] = stem
    mixture = next((path for name, path in folder.audio.items() if Path(name).stem.casefold() == "mix"), None)
    return KnownSong(
        name=readable(folder.path.resolve().name),
        layout=LAYOUT,
        place=folder.path,
        mixture=None if mixture is None else StemSource(path=mixture),
        stems=stems,
        renamed=renamed,
        notes=tuple(_notes(classes, sounds)),
    )


def _classes(metadata: Path) -> Mapping[str, str] | None:
    """Return the class of each sound that was rendered; None if the file cannot be understood."""
    import yaml  # 30 ms to import

    try:
        with metadata.open("rb") as file:
            said = yaml.safe_load(file.read(MAX_METADATA_BYTES))
        return {
            str(sound): _class(about) for sound, about in said["stems"].items() if about.get("audio_rendered", True)
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, yaml.YAMLError):
        return None


def _class(about: Mapping[str, Any]) -> str:
    name = "drums" if about.get("is_drum") else " ".join(str(about["inst_class"]).split())
    return name.removesuffix(" (continued)")  # “Strings (continued)” are those of the General MIDI ensembles


def _notes(classes: Mapping[str, str] | None, sounds: Mapping[str, Path]) -> list[str]:
    if classes is None:
        return [f"{METADATA} cannot be understood, so each sound is a stem by the name of its file."]
    missing = [sound for sound in classes if sound not in sounds]
    return [f"{METADATA} names {', '.join(missing)}, of which there is no file."] if missing else []

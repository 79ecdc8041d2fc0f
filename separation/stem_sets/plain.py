"""Plain folders: a mixture and its stems, or the stems alone, told apart by what the names of the files mean.

What names mean is what they mean to a separator of a fixed set of stems (`separation.prompts.vocabulary`): “vox” is the
stem “vocals”. Files that mean one stem are added up; a name that means none is a stem of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from separation.errors import PromptError
from separation.prompts import vocabulary
from separation.stem_sets.folder import SongFolder, readable
from separation.stem_sets.native_instruments import is_stem_file
from separation.stem_sets.song import KnownSong, StemSource

LAYOUT = "plain folder"
STEMS = "stems"  # a folder of that name may hold the stems, beside their mixture or without it
MIXTURES = ("mixture", "mix", "full mix", "mixdown", "master", "full", "original", "linear mixture")
BEST_FIRST = ("wav", "rf64", "w64", "aiff", "aif", "caf", "flac", "wv", "ape", "tta")  # then what may be lossy
KNOWN_STEMS = vocabulary.MUSIC


def song_in(folder: SongFolder) -> KnownSong | None:
    """Return the song whose stems the folder holds; None if it holds recordings that are none of each other's."""
    found = _Files()
    found.take(folder.audio.values())
    if found.mixture is not None and not found.stems and (inner := folder.within(STEMS)) is not None:
        found.take(inner.audio.values())
    found.pass_over_sums()
    if not found.is_song:
        return None
    place = folder.path.resolve()
    name = place.parent.name if place.name.casefold() == STEMS else place.name
    stems: dict[str, tuple[StemSource, ...]] = {}
    for path, stem in found.stems.items():
        stems[stem] = (*stems.get(stem, ()), StemSource(path=path))
    return KnownSong(
        name=readable(name),
        layout=LAYOUT,
        place=folder.path,
        mixture=None if found.mixture is None else StemSource(path=found.mixture),
        stems=stems,
        renamed={_shown(path, folder.path): stem for path, stem in found.stems.items()},
        notes=tuple(found.notes),
    )


@dataclass(slots=True)
class _Files:
    """The files of one song.

    Attributes:
        mixture: the mixture, if there is a file of it.
        stems: the stem that each of the others means.
        notes: what was passed over.
    """

    mixture: Path | None = None
    stems: dict[Path, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, paths: Iterable[Path]) -> None:
        """Sort out files of one folder."""
        by_name: dict[str, list[Path]] = {}
        for path in paths:
            if not is_stem_file(path.name):
                by_name.setdefault(_words(path), []).append(path)
        once = {name: self._best(same) for name, same in by_name.items()}
        told = _told_apart(once)
        mixtures = sorted((name for name in told if name in ("", *MIXTURES)), key=("", *MIXTURES).index)
        if mixtures and self.mixture is None:
            self.mixture = told[mixtures[0]]
        for name in mixtures:
            if told[name] != self.mixture:
                self._pass_over(told[name], f"{_quoted(self.mixture)} is taken for the mixture.")
        self.stems |= {path: vocabulary.meaning(name) for name, path in told.items() if name not in mixtures}

    def pass_over_sums(self) -> None:
        """Leave out what is all but some stem, such as an instrumental, where the stems in it are there themselves."""
        sums = {path: without for path, stem in self.stems.items() if (without := _all_but(stem))}
        known = {stem for path, stem in self.stems.items() if path not in sums} & {*KNOWN_STEMS}
        for path, without in sums.items():
            if known - without:
                self._pass_over(path, "It holds several stems at once.")
                del self.stems[path]

    @property
    def is_song(self) -> bool:
        """Whether the files belong together: there is a mixture of the others, or most of their names mean a stem."""
        if self.mixture is not None:
            return bool(self.stems)
        n_known = sum(stem in KNOWN_STEMS or bool(_all_but(stem)) for stem in self.stems.values())
        return len(self.stems) > 1 and 2 * n_known >= len(self.stems)

    def _best(self, same: list[Path]) -> Path:
        """Return the best of several files of one name."""
        best, *others = sorted(same, key=lambda path: (_rank(path), path.name))
        for path in others:
            self._pass_over(path, f"{_quoted(best)} has the same name.")
        return best

    def _pass_over(self, path: Path, why: str) -> None:
        self.notes.append(f"{_quoted(path)} was passed over: {why[0].lower()}{why[1:]}")


def _words(path: Path) -> str:
    """Return the words in a file's name: “vox lead” of “03_Vox-Lead.wav”."""
    words = " ".join(re.split(r"[\s_.()\[\]{}-]+", readable(path.stem).casefold())).strip()
    return re.sub(r"^\d+ (?=\D)", "", words) or readable(path.stem).casefold()


def _told_apart(files: Mapping[str, Path]) -> dict[str, Path]:
    """Return the files by what tells their names apart, if no name means anything as it stands.

    “Song drums” and “Song bass” are drums and bass, and “Song” beside them is the mixture, which gets the name "".
    """
    if len(files) < 2 or any(map(_means_something, files)):
        return dict(files)
    split = {name: name.split() for name in files}
    n_first = _n_common(list(split.values()))
    n_last = _n_common([words[n_first:][::-1] for words in split.values()])
    short = {" ".join(words[n_first : len(words) - n_last]): name for name, words in split.items()}
    if len(short) < len(files) or not any(map(_means_something, short)):
        return dict(files)
    return {name: files[whole] for name, whole in short.items()}


def _n_common(split: list[list[str]]) -> int:
    """Return how many first words all have in common."""
    n = 0
    while all(len(words) > n and words[n] == split[0][n] for words in split):
        n += 1
    return n


def _means_something(name: str) -> bool:
    return name in MIXTURES or vocabulary.meaning(name) in KNOWN_STEMS or bool(_all_but(name))


def _all_but(name: str) -> frozenset[str]:
    """Return the stems that a name such as “instrumental” or “no drums” leaves out; none if it is no such name."""
    try:
        target = vocabulary.match(name, KNOWN_STEMS, backend=LAYOUT)
    except PromptError:
        return frozenset()
    return target.stems if target.complement else frozenset()


def _rank(path: Path) -> int:
    extension = path.suffix.lower().removeprefix(".")
    return BEST_FIRST.index(extension) if extension in BEST_FIRST else len(BEST_FIRST)


def _shown(path: Path, folder: Path) -> str:
    return readable(path.relative_to(folder).as_posix())


def _quoted(path: Path | None) -> str:
    return "" if path is None else f"“{readable(path.name)}”"

"""What is compared, as one value: the sides in their order, the sound that is heard of each, and their tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from separation.comparing.addresses import address_of
from separation.comparing.heard import ASKED, MIX, HeardTrack, asked_of, sound_words, stem_of, tracks_of
from separation.comparing.heard import Compared as Item
from separation.comparing.labels import labels_of_sides
from separation.comparing.matching import Matched
from separation.comparing.true_stems import TrueStems
from separation.errors import SettingsError
from separation.formatted import duration
from separation.results.kept import KeptSound, Recording, Result
from webapp.components.player.track import Track
from webapp.components.sides.sides import Side
from webapp.components.stem_colors import FREE_COLORS
from webapp.components.tracks.kept_tracks import sound_track

MOST = 8
DIFFERENCE = "D"  # the side on which two others are played against each other, and its key


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """The sides of a comparison.

    Attributes:
        items: of one rate; the first is side 1.
        stem: the name of the track that is heard of each, `MIX`, or `ASKED`.
        pair: the two sides whose difference can be heard, by index.
    """

    items: tuple[Item, ...] = ()
    stem: str = MIX
    pair: tuple[int, int] = (0, 1)

    @property
    def stems(self) -> tuple[str, ...]:
        """The names of the tracks that every side here has; recordings count as every sound."""
        return tuple(name for name in self._names if all(tracks_of(one, name, self._names) for one in self.items))

    @property
    def asked(self) -> str:
        """The sound that is compared unless another is chosen: the first that every result was asked for."""
        if common := asked_of(self.stems):
            return common[0]
        return ASKED if self.has_unlike_sounds else MIX

    @property
    def has_unlike_sounds(self) -> bool:
        """Whether the results were asked for sounds of several names."""
        return len(set(self._first_asked)) > 1

    @property
    def sound(self) -> str:
        """What is compared, for people."""
        return " / ".join(dict.fromkeys(self._first_asked)) if self.stem == ASKED else sound_words(self.stem)

    @property
    def _first_asked(self) -> tuple[str, ...]:
        return tuple(name for item in self.items if isinstance(item, Result) for name in asked_of(item.track_names)[:1])

    @property
    def _names(self) -> tuple[str, ...]:
        """The names of the tracks of the first result, or of the true stems where there is no result."""
        named: list[KeptSound] = [item for item in self.items if isinstance(item, Result)]
        named += [item for item in self.items if isinstance(item, TrueStems)]
        return named[0].track_names if named else ()

    @property
    def heard(self) -> tuple[tuple[HeardTrack, ...], ...]:
        """What is heard of each side."""
        return tuple(stem_of(item, self.stem, self._names) for item in self.items)

    @property
    def labels(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The name of each side, and the settings in which it differs."""
        return labels_of_sides(self.items)

    def sides(self, matched: Sequence[Matched]) -> list[Side]:
        """Return the switch's sides; `matched` is empty until their loudness is measured."""
        found: list[Side] = []
        for index, (item, (name, settings)) in enumerate(zip(self.items, self.labels, strict=True)):
            run_s = item.seconds if isinstance(item, Result) else 0.0
            match = matched[index].words if matched else "measuring…"
            about = duration(run_s) if run_s else ""
            if self.stem == ASKED and isinstance(item, Result):
                settings = (*asked_of(item.track_names)[:1], *settings)
            one = Side(side=str(index + 1), label=name, match=match, settings=" · ".join(settings), about=about)
            found.append(one)
        return found

    def tracks(self, matched: Sequence[Matched]) -> list[Track]:
        """Return all tracks to play: those of each side, and of the difference of the pair."""
        tracks = []
        for index in range(len(self.items)):
            tracks += self._side_tracks(index, str(index + 1), matched)
        if len(self.items) > 1:
            for index, inverted in zip(self.pair, (False, True), strict=True):
                for track in self._side_tracks(index, DIFFERENCE, matched):
                    track["inverted"] = inverted
                    tracks.append(track)
        return tracks

    def with_stem(self, stem: str) -> Compared:
        """Hear another sound of each side; one that not every side has is the whole mix."""
        is_here = self.has_unlike_sounds if stem == ASKED else stem in self.stems
        return replace(self, stem=stem if is_here else MIX)

    def with_pair(self, pair: tuple[int, int]) -> Compared:
        """Take the difference of two other sides; what are none changes nothing."""
        here = range(len(self.items))
        if pair[0] == pair[1] or any(index not in here for index in pair):
            return self
        return replace(self, pair=pair)

    def with_item(self, item: Item) -> Compared:
        """Add a side.

        Raises:
            SettingsError: there are eight, it is there already, or it cannot be played beside the others.
        """
        if any(address_of(one) == address_of(item) for one in self.items):
            return self
        if len(self.items) >= MOST:
            raise SettingsError(
                f"At most {MOST} sounds can be compared at once.", "There are as many keys.", "Remove one first."
            )
        if self.items and self.items[0].sample_rate != item.sample_rate:
            raise SettingsError(
                f"“{item.name}” has another sample rate than the others.",
                f"It has {item.sample_rate} Hz, they have {self.items[0].sample_rate} Hz; "
                "resampling one of them would be a difference of its own.",
                "Compare it with sounds of its own rate.",
            )
        return replace(self, items=(*self.items, item)).with_stem(self.stem)

    def without(self, address: str) -> Compared:
        """Remove a side."""
        items = tuple(item for item in self.items if address_of(item) != address)
        return Compared(items=items).with_stem(self.stem)

    def _side_tracks(self, index: int, side: str, matched: Sequence[Matched]) -> list[Track]:
        item = self.items[index]
        gain_db = matched[index].gain_db if matched else 0.0
        tracks = []
        for kept in tracks_of(item, self.stem, self._names):
            track = sound_track(item, kept)
            name = f"{index + 1} {item.name if isinstance(item, Recording) else track['name']}"
            about: Mapping[str, object] = {
                "id": f"{side}-{track['id']}",
                "name": name,
                "color": FREE_COLORS[index % len(FREE_COLORS)],
                "side": side,
                "twin": f"{side} {track['name']}",
                "match_db": gain_db,
                "download": "",
            }
            tracks.append({**track, **about})
        return tracks  # type: ignore[return-value]  # a Track with some of its fields replaced


def asked_alike(results: Sequence[Result]) -> list[Result]:
    """Return those that were made for the same sound as the first, unless none but itself was."""
    asked = [asked_of(result.track_names) for result in results]
    alike = [one for one, names in zip(results, asked, strict=True) if asked[0][:1] and asked[0][0] in names]
    return alike if len(alike) > 1 else list(results)

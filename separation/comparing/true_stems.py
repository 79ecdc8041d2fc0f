"""The true stems of a recording as a side of a comparison: what each of a result's tracks should have been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from separation.errors import PromptError
from separation.prompts import vocabulary
from separation.prompts.targets import RESIDUAL
from separation.results.kept import KeptSound, KeptTrack, Recording

NAME = "True stems"
OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrueStems(KeptSound):
    """The known stems of a recording; `key` is the recording's, which keeps them."""

    @property
    def recording(self) -> str:
        """Key of the recording."""
        return self.key


def true_stems_of(recording: Recording) -> TrueStems | None:
    """Return the true stems of a recording; None if they are not known."""
    if not recording.known_stems:
        return None
    common = {one.name: getattr(recording, one.name) for one in fields(KeptSound)}
    return TrueStems(**{**common, "name": NAME, "tracks": recording.known_stems, "warnings": ()})


def true_tracks(true: TrueStems, name: str, beside: Sequence[str] = ()) -> tuple[KeptTrack, ...]:
    """Return the stems whose sum is what a track of that name should be; empty if the name means none of them.

    Words mean what they mean to a separator of a fixed set of stems (`separation.prompts.vocabulary`): “singer” is the
    stem “voice”, and “instrumental” all stems but that. What “other” is to a separator depends on its other stems: if
    there is no “everything else” beside it, it is what the other tracks leave, whatever is called “other” here.

    Args:
        true: the stems.
        name: of a result's track.
        beside: the names of all tracks of that result, which “everything else” and “other” leave out.
    """
    if len(beside) > 1 and RESIDUAL not in beside and vocabulary.meaning(name) == OTHER:
        return true_tracks(true, RESIDUAL, [other for other in beside if other != name])
    if name == RESIDUAL:
        wanted = [set(true_tracks(true, other)) for other in beside if other != RESIDUAL]
        taken = set[KeptTrack]().union(*wanted)
        return tuple(one for one in true.tracks if one not in taken) if wanted and all(wanted) else ()
    if own := tuple(one for one in true.tracks if one.name == name):
        return own
    meanings = {one: vocabulary.meaning(one.name) for one in true.tracks}
    try:
        target = vocabulary.match(name, sorted(set(meanings.values())), backend=NAME)
    except PromptError:
        return ()
    return tuple(one for one in true.tracks if (meanings[one] in target.stems) is not target.complement)

"""Who answers for voices: in a song the singing, in an interview the talking."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from separation.audio.content import Content
from separation.errors import PromptError
from separation.formatted import counted
from separation.prompts import vocabulary
from separation.prompts.folding import folded
from separation.request import Prompt

# Words of the vocabulary that leave no doubt that somebody sings, in its languages.
_SUNG = re.compile(
    r"\b(?:sing|song|sung|choir|rap|lyric|lead|back(?:ing|up|ground) v|harmon|a ?capp?ella|main v)"
    r"|cant|chant|gesang|spiew|пени|歌|唱|ボーカル|人声"
)


class Meant(Enum):
    """What kind of voice a prompt means."""

    SPOKEN = "spoken"
    SUNG = "sung"
    EITHER = "either"
    NOISE = "noise"  # what is around a voice


def meant(prompt: Prompt) -> Meant | None:
    """Return what kind of voice a prompt means; None if it means something else."""
    try:
        target = vocabulary.match(prompt.text, ("speech", "noise", "vocals"), backend="voices")
    except PromptError:
        return None
    if "vocals" in target.stems:
        if target.complement or len(target.stems) > 1:
            return None  # “instrumental”
        return Meant.SUNG if _SUNG.search(folded(prompt.text)) else Meant.EITHER
    return Meant.SPOKEN if "speech" in target.stems else Meant.NOISE


def in_question(prompts: Iterable[Prompt]) -> bool:
    """Whether it depends on the recording who should answer."""
    kinds = {meant(prompt) for prompt in prompts}
    return kinds <= {Meant.SPOKEN, Meant.EITHER, Meant.NOISE} and bool(kinds & {Meant.SPOKEN, Meant.EITHER})


def spoken(prompts: Iterable[Prompt], content: Content | None) -> bool:
    """Whether the prompts are answered best by who separates speech.

    Words for speech and noise are, unless the recording is music; “voice” and “vocals” are if it is talk.

    Args:
        prompts: of the request.
        content: what the recording holds, if that is known.
    """
    kinds = {meant(prompt) for prompt in prompts}
    if kinds == {Meant.NOISE}:
        return True
    if not kinds <= {Meant.SPOKEN, Meant.EITHER, Meant.NOISE}:
        return False
    return Meant.EITHER not in kinds if content is None else not content.is_music


def sentence(content: Content) -> str:
    """Return what a recording sounds like, and why, to stand after a colon."""
    kind = "music" if content.is_music else "talk"
    if content.n_passages == 1:
        return (
            f"this sounds like {kind} (it holds {'notes or a beat' if content.n_musical else 'no notes and no beat'})"
        )
    held = f"{content.n_musical or 'none'} of {counted(content.n_passages, 'passage')}"
    return f"this sounds like {kind} ({held} {'holds' if content.n_musical == 1 else 'hold'} notes or a beat)"

"""The trials of a blind test: which sounds are heard in each, and which answers it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import ascii_uppercase
from typing import Any, ClassVar, TypeAlias

from separation.errors import SettingsError

TRAINING = -1  # instead of a side: the first one without its highs and at half its level, which everybody tells apart
MID_ANCHOR, LOW_ANCHOR = -2, -3  # instead of a side: the reference without what lies above 7 and 3.5 kHz
REFERENCE = "R"  # the letter of the sound that is known to be the reference
BEST = 100  # of a rating, from 0


class Said(StrEnum):
    """An answer about A and B; "none" is no difference, which only a test of preference knows."""

    A = "A"
    B = "B"
    NONE = "none"


Scores: TypeAlias = tuple[int, ...]  # of the sounds of a rating in the order of their letters, 0 to 100
Answer: TypeAlias = Said | Scores


@dataclass(frozen=True, slots=True)
class Trial:
    """What is heard in one trial of ABX or of a preference.

    Attributes:
        a, b: indices of sides, or `TRAINING`.
        x: one of these two; None for a preference.
        passage: there is one only.
    """

    a: int
    b: int
    x: int | None = None
    passage: ClassVar[int] = 0

    @property
    def is_training(self) -> bool:
        """Whether its answer counts for nothing but whether the listener has understood."""
        return TRAINING in (self.a, self.b)

    def side_of(self, sound: str) -> int | None:
        """Return the side that is played as "A", "B" or "X"; None if there is no such sound."""
        return {"A": self.a, "B": self.b, "X": self.x}.get(sound)

    @property
    def sounds(self) -> str:
        """The names of its sounds: "AB" or "ABX"."""
        return "AB" if self.x is None else "ABX"

    def check(self, said: Answer) -> None:
        """Refuse what is no answer to it.

        Raises:
            SettingsError: it is none.
        """
        if not isinstance(said, Said):
            raise SettingsError("A and B are not rated in this test.", "", "Answer A or B.")
        if said is Said.NONE and self.x is not None:
            raise SettingsError("X is A or B.", "There is no third answer in this kind of test.", "Answer A or B.")


@dataclass(frozen=True, kw_only=True, slots=True)
class RatingTrial:
    """What is heard in one trial of a rating: the reference, and beside it what is rated, the reference among it.

    Attributes:
        rated: sides and anchors in the order of their letters, A first.
        reference: the side that is heard as "R" too.
        passage: which of the test's passages, from 0 on.
        is_training: whether its answer counts for nothing.
    """

    rated: tuple[int, ...]
    reference: int
    passage: int = 0
    is_training: bool = False

    @property
    def sounds(self) -> str:
        """The names of its sounds: "RABCD"."""
        return REFERENCE + ascii_uppercase[: len(self.rated)]

    def side_of(self, sound: str) -> int | None:
        """Return the side or anchor that is played under a letter; None if there is no such sound."""
        return {REFERENCE: self.reference, **dict(zip(ascii_uppercase, self.rated, strict=False))}.get(sound)

    def check(self, said: Answer) -> None:
        """Refuse what is no answer to it.

        Raises:
            SettingsError: it is none.
        """
        if isinstance(said, Said) or len(said) != len(self.rated) or not all(0 <= score <= BEST for score in said):
            raise SettingsError(
                "That is no rating of these sounds.",
                f"There are {len(self.rated)} of them.",
                f"Give each a score from 0 to {BEST}.",
            )


AnyTrial: TypeAlias = Trial | RatingTrial


def trial_of(values: Mapping[str, Any]) -> AnyTrial:
    """Return the trial of these plain values, as `dataclasses.asdict` made them.

    Raises:
        TypeError, ValueError: they are none.
    """
    if "rated" in values:
        return RatingTrial(**{**values, "rated": tuple(map(int, values["rated"]))})
    return Trial(**values)


def answer_of(value: Any) -> Answer:
    """Return the answer of a plain value.

    Raises:
        TypeError, ValueError: it is none.
    """
    return Said(value) if isinstance(value, str) else tuple(map(int, value))


def is_right(trial: AnyTrial, said: Answer) -> bool | None:
    """Return whether X is what was said; None where nothing is right or wrong."""
    if isinstance(trial, RatingTrial) or trial.x is None:
        return None
    return trial.x == (trial.a if said is Said.A else trial.b)

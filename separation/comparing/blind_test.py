"""A blind test: its sides, what each listener is to hear in which order, and what the answers mean.

Here are values and pure functions; nothing is stored or played. Which sound X is lies in a listener's plan, which never
leaves the server before the listener has answered everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from itertools import combinations
from typing import Any

from separation.comparing.heard import sound_words
from separation.comparing.trials import Answer, AnyTrial, answer_of, is_right, trial_of
from separation.errors import SettingsError
from separation.formatted import clock

MOST_TRIALS = 100
LONGEST_S, SHORTEST_S = 30.0, 0.5
MOST_SIDES = 8


class Kind(StrEnum):
    """What is asked: which of A and B is X, which of A and B is preferred, or how near each sound is to a reference."""

    ABX = "abx"
    PREFERENCE = "preference"
    RATING = "rating"


@dataclass(frozen=True, kw_only=True, slots=True)
class BlindSide:
    """One of the sounds that are compared.

    Attributes:
        name: what people call it: the separator, or the name of a file.
        settings: the settings in which it differs from the others, in words.
        source: key of the result or recording it was taken from.
        run_s: seconds of the run that made it; 0 if unknown.
        made_with: the whole request that made it, as `Request.to_dict` has it; empty if unknown.
        gain_db: by how much it is turned down to be as loud as the others.
        note: why its loudness was not matched; "" if it was.
    """

    name: str
    settings: tuple[str, ...] = ()
    source: str = ""
    run_s: float = 0.0
    made_with: Mapping[str, Any] = field(default_factory=dict)
    gain_db: float = 0.0
    note: str = ""

    @property
    def label(self) -> str:
        """The name with its settings."""
        return " · ".join([self.name, *self.settings])


@dataclass(frozen=True, kw_only=True, slots=True)
class BlindTest:
    """A test: everything about it that is fixed before the first answer, and what became of it.

    Attributes:
        id: in its address.
        key: what a listener needs to take part, in the link.
        kind: what is asked.
        recording: key of the recording that all sides were taken from.
        recording_name: its name, which stays when it is gone.
        stem: what is heard; "" for the whole mix.
        sides: two for ABX, up to eight otherwise.
        start_s: where the passage begins.
        end_s: where it ends.
        n_trials: how many trials each listener answers, the training left out; of ratings, one for each passage.
        sounds: key of the item that keeps the sides' samples.
        guided: whether listeners give a name, check their headphones and have a trial to train; else it starts at once.
        created: UTC time, ISO 8601; so are `closed` and `seen`, which are "" until then.
        closed: when it took no more answers.
        seen: when its results were first shown to somebody.
        reopened: whether it was opened again after its results had been seen.
        reference: of ratings, the side that the others are to be like.
        passages_s: of ratings, start and end of each passage, all of one length; else there is the one passage.
    """

    id: str
    key: str
    kind: Kind
    recording: str
    recording_name: str
    stem: str
    sides: tuple[BlindSide, ...]
    start_s: float
    end_s: float
    n_trials: int
    sounds: str
    guided: bool = True
    created: str = ""
    closed: str = ""
    seen: str = ""
    reopened: bool = False
    reference: int = 0
    passages_s: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        n_sides, most = len(self.sides), 2 if self.kind is Kind.ABX else MOST_SIDES
        if not 2 <= n_sides <= most:
            asks = "two sounds" if most == 2 else f"two to {most} sounds"
            raise SettingsError(
                f"{n_sides} sounds cannot be compared so.",
                f"This kind of test compares {asks}.",
                "Choose as many.",
                place=("sides",),
            )
        if not 0 <= self.reference < n_sides:
            raise SettingsError("There is no such reference.", "", "Choose one of the sides.", place=("reference",))
        odd = (end_s - start_s for start_s, end_s in self.passages)
        if (length_s := next((one for one in odd if not SHORTEST_S <= one <= LONGEST_S), None)) is not None:
            raise SettingsError(
                f"A passage of {length_s:g} s is no passage for a test.",
                "Nobody remembers a sound for longer than some seconds, and what is shorter is over at once.",
                f"Choose a passage of {SHORTEST_S:g} to {LONGEST_S:g} s.",
                place=("end_s",),
            )
        if not 1 <= self.n_trials <= MOST_TRIALS:
            raise SettingsError(
                f"A test of {self.n_trials} trials cannot be made.",
                "Listeners tire, and none can be found by no trial.",
                f"Choose 1 to {MOST_TRIALS} trials.",
                place=("n_trials",),
            )

    @property
    def title(self) -> str:
        """What it is about, without a word about its sides."""
        return " · ".join([self.recording_name, sound_words(self.stem), self.where(None)])

    @property
    def passages(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each passage, in seconds."""
        return self.passages_s or ((self.start_s, self.end_s),)

    def where(self, decimals: int | None) -> str:
        """Return where the passages lie, in words."""
        n_passages = len(self.passages)
        what = f"{n_passages} passages from " if n_passages > 1 else ""
        return f"{what}{clock(self.start_s, decimals)} to {clock(self.end_s, decimals)}"

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs of sides that are compared."""
        return tuple(combinations(range(len(self.sides)), 2))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for `from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BlindTest:
        """Read what `to_dict` returned.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        sides = (BlindSide(**{**side, "settings": tuple(side["settings"])}) for side in values["sides"])
        passages_s = tuple((float(start_s), float(end_s)) for start_s, end_s in values.get("passages_s", ()))
        return cls(**{**values, "kind": Kind(values["kind"]), "sides": tuple(sides), "passages_s": passages_s})


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """One listener's set: what is to be heard, and what was answered so far, in this order.

    Attributes:
        id: in no address.
        name: as given.
        plan: all trials; the first one trains if the test is guided.
        answers: those given so far.
        created: UTC time, ISO 8601, as is `ended`.
        ended: when the last answer came; "" before.
        checks: of the headphones, by what was asked: whether it was answered rightly.
    """

    id: str
    name: str
    plan: tuple[AnyTrial, ...]
    answers: tuple[Answer, ...] = ()
    created: str = ""
    ended: str = ""
    checks: Mapping[str, bool] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything is answered."""
        return len(self.answers) >= len(self.plan)

    @property
    def next_trial(self) -> AnyTrial | None:
        """The trial to answer next; None at the end."""
        return None if self.complete else self.plan[len(self.answers)]

    @property
    def n_answered(self) -> int:
        """How many trials are answered, training left out."""
        return len(self.counted)

    @property
    def counted(self) -> tuple[tuple[AnyTrial, Answer], ...]:
        """The trials that are answered, with the answers, training left out."""
        answered = zip(self.plan, self.answers, strict=False)
        return tuple((trial, said) for trial, said in answered if not trial.is_training)

    @property
    def failed_training(self) -> bool:
        """Whether the trial to train was answered wrongly."""
        return any(
            trial.is_training and is_right(trial, said) is False
            for trial, said in zip(self.plan, self.answers, strict=False)
        )

    def answering(self, index: int, said: Answer, at: str) -> Listener:
        """Return the set with the answer to trial `index`, given at the UTC time `at`; a repeated one changes nothing.

        Raises:
            SettingsError: that trial is not the next one, or the answer is not one of its answers.
        """
        if index < len(self.answers) and self.answers[index] == said:
            return self
        trial = self.next_trial
        if trial is None or index != len(self.answers):
            raise SettingsError("That trial is not the next one.", "", "Load the page again to go on where you were.")
        trial.check(said)
        answers = (*self.answers, said)
        return replace(self, answers=answers, ended=at if len(answers) == len(self.plan) else "")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for `from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Listener:
        """Read what `to_dict` returned.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        plan = tuple(map(trial_of, values["plan"]))
        return cls(**{**values, "plan": plan, "answers": tuple(map(answer_of, values["answers"]))})

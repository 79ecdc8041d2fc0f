"""The prompt row of the Studio: the prompts, what each one is matched to, and suggestions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from separation.backends import registry
from separation.backends.partial_answers import target_of
from separation.chunking.anchor_notes import notes
from separation.prompts import phrasing, vocabulary
from separation.prompts.targets import is_reserved
from separation.request import Prompt
from separation.results.kept import Recording
from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.components.prompts.prompts import Chip, Prompts, Suggestions, changed
from webapp.pages.studio.choice import Choice
from webapp.state.drafts import Draft
from webapp.theme import card, stem_color

NOBODY = "not available"  # beside a prompt that no separator here can answer


class PromptRow:
    """The row of prompts of a draft.

    Args:
        on_change: called with a function that makes the changed prompts of those that are there.
        on_select: called with the prompt whose spans are to be painted.
    """

    def __init__(
        self, *, on_change: Callable[[Callable[[list[str]], list[str]]], object], on_select: Callable[[str], object]
    ) -> None:
        with card() as whole:
            only_for(whole, Right.RUN)
            self._prompts = Prompts(
                on_change=lambda change: on_change(lambda texts: changed(texts, change)), on_select=on_select
            )
        self._shown: tuple[Draft, Choice, str, Recording | None, bool] | None = None

    def show(
        self,
        draft: Draft,
        choice: Choice,
        selected: str,
        recording: Recording | None = None,
        is_offered: bool = False,
    ) -> None:
        """Redraw the row.

        Args:
            draft: the draft with the prompts.
            choice: the backend that would separate, and its settings.
            selected: the prompt whose spans are painted.
            recording: what would be separated, once all of it is here.
            is_offered: whether an offer below says what is missing for the prompts that nobody here can answer.
        """
        if self._shown == (shown := (draft, choice, selected, recording, is_offered)):
            return
        self._shown = shown
        uses = choice.uses
        free = uses.profile.free_prompts
        chips: list[Chip] = []
        for prompt in draft.prompts:
            chips.append(_chip(prompt, _meaning(choice, prompt), [chip["color"] for chip in chips]))
        unanswered = any("warn" in chip for chip in chips)
        if is_offered and all("warn" in chip for chip in chips):  # else it says which of them
            for chip in chips:
                del chip["detail"]
        # Only a model that takes any words has better ones.
        advised = next((text for text in draft.texts if free and phrasing.advice(text)), None)
        better = None if advised is None else (advised, phrasing.better(advised))
        note = "" if is_offered and unanswered and advised is None else _note(chips, advised, choice)
        self._prompts.show(
            chips,
            _suggestions(draft, choice),
            selected=selected,
            note=" ".join(filter(None, (*_span_notes(draft, choice, recording), note))),
            models=unanswered and not is_offered,
            better=better if better and better[0] != better[1] and better[1] not in draft.texts else None,
            ordered=draft.settings.sam.chain and free,
        )


def colors(draft: Draft) -> dict[str, str]:
    """Return the colour of each prompt, which is the same wherever it appears."""
    found: dict[str, str] = {}
    for text in draft.texts:
        found[text] = stem_color(text, found.values())
    return found


def _note(chips: list[Chip], advised: str | None, choice: Choice) -> str:
    """Return the sentence below: better words for a prompt, that none here can answer it, or that it gets far more."""
    if advised is not None:
        return f"“{advised}”: {phrasing.advice(advised)}"
    unanswered = next((chip["text"] for chip in chips if "warn" in chip), None)
    if unanswered is None:
        return next(iter(registry.more_than_asked(choice.settled)), "") if choice.possible else ""
    if is_reserved(unanswered):
        return f"“{unanswered}” comes with every result: it is what remains without all the other sounds."
    return f"{choice.uses.label} cannot separate “{unanswered}”."


def _span_notes(draft: Draft, choice: Choice, recording: Recording | None) -> Iterator[str]:
    """Yield what spans do otherwise than may be expected."""
    if recording is None or not choice.uses.takes_anchors:
        return
    if (layout := choice.uses.layout(choice.settled)) is not None:
        n_samples = round(recording.duration_s * layout.sample_rate)
        yield from notes(draft.prompts, n_samples, sample_rate=layout.sample_rate, frame=layout.frame)


def _chip(prompt: Prompt, meaning: str | None, taken: list[str]) -> Chip:
    chip: Chip = {"text": prompt.text, "color": stem_color(prompt.text, taken)}
    if detail := NOBODY if meaning is None else meaning:
        chip["detail"] = detail
    if meaning is None:
        chip["warn"] = True
    counts = {sign: sum(anchor.sign == sign for anchor in prompt.anchors) for sign in "+-"}
    if spans := " ".join(f"{sign}{count}" for sign, count in counts.items() if count):
        chip["spans"] = spans
    return chip


def _suggestions(draft: Draft, choice: Choice) -> list[Suggestions]:
    if choice.uses.profile.free_prompts:
        return [{"kind": kind, "texts": list(texts)} for kind, texts in phrasing.SUGGESTIONS.items()]
    return [{"kind": "", "texts": list(registry.suggestions(draft.settings, choice.settled))}]


def _meaning(choice: Choice, prompt: Prompt) -> str | None:
    """Return the stem that a prompt is matched to; "" if that is the prompt itself, None if nothing matches."""
    if prompt.text in choice.left_out or (target := target_of(choice.uses, choice.settled, prompt)) is None:
        return None
    less = "all but " if target.complement else ""
    more = vocabulary.whole(target)
    answer = less + more if more else vocabulary.answer(target)
    return f"→ {answer}" if answer else ""

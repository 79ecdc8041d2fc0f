"""What the foot of the Studio's side panel offers: to separate, to wait or cancel, or to listen and keep."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from separation.backends.offers import Offer
from storage.records import JobState
from webapp.pages.studio.choice import Choice, asked_of
from webapp.pages.studio.state import Arriving, Empty, Gone, Open, StudioState, job_of


class Stage(Enum):
    """What a person can do next about the sounds that are asked for."""

    ASK = "ask"  # start a separation, or read why that cannot be
    BUSY = "busy"  # wait: exactly this is in the queue or being made
    MADE = "made"  # listen and keep: exactly this is heard


@dataclass(frozen=True, kw_only=True, slots=True)
class RunAction:
    """What is offered, and the button that starts a run.

    Attributes:
        stage: what a person can do next.
        words: the label of the button.
        ready: whether it can be pressed.
        heard: the prompts of which everything is made and heard.
        verb: the word before the number of sounds, where both label and `ready` depend on that number alone; "" else.
    """

    stage: Stage
    words: str = ""
    ready: bool = False
    verb: str = ""
    heard: tuple[str, ...] = ()


def run_action(state: StudioState, choice: Choice) -> RunAction:
    """Return what is offered.

    Args:
        state: the state of the page.
        choice: who would separate its draft.
    """
    match state:
        case Empty():
            return RunAction(stage=Stage.ASK, words="Upload a recording first")
        case Arriving():
            return RunAction(stage=Stage.ASK, words="Still uploading…")
        case Gone():
            return RunAction(stage=Stage.ASK, words="The recording was deleted")
    job, n_prompts, n_left_out = state.job, len(state.draft.prompts), len(choice.left_out)
    going = job is not None and not job.over
    if going and (_asked_for(state, choice) or not n_prompts):
        return RunAction(stage=Stage.BUSY)
    if not going and is_made(state, choice):
        return replace(_start("Separate", n_prompts, n_left_out), stage=Stage.MADE, heard=tuple(state.draft.texts))
    if not n_prompts:
        return RunAction(stage=Stage.ASK, words="Name a sound first", verb="Separate")
    if n_prompts == n_left_out:
        return RunAction(stage=Stage.ASK, words="No separator here can do this")
    stopped = job is not None and job.state in (JobState.CANCELLED, JobState.INTERRUPTED) and job.record.n_done > 0
    if stopped and _asked_for(state, choice):
        return RunAction(stage=Stage.ASK, words="Go on", ready=True)
    return _start("Queue" if going else "Separate", n_prompts, n_left_out)


def _start(verb: str, n_prompts: int, n_left_out: int) -> RunAction:
    if n_left_out:
        words = f"{verb} {n_prompts - n_left_out} of {n_prompts} sounds"
        return RunAction(stage=Stage.ASK, words=words, ready=True)
    words = f"{verb} {n_prompts} sound{'s' * (n_prompts != 1)}"
    return RunAction(stage=Stage.ASK, words=words, ready=True, verb=verb)


def is_made(state: Open, choice: Choice) -> bool:
    """Return whether the result that is heard is of exactly what can be made of the draft."""
    heard = state.results.result
    if heard is None or len(state.draft.prompts) == len(choice.left_out):
        return False
    if state.job is not None and state.job.result is not None and state.job.result.key == heard.key:
        return _asked_for(state, choice)
    return heard.settings == choice.settled.to_dict()


def can_start(state: StudioState) -> bool:
    """Return whether a separation can start as soon as there is a prompt."""
    return isinstance(state, Open) and (state.job is None or state.job.over)


def takes(state: StudioState, offer: Offer | None) -> bool:
    """Return whether a separation can start with the download of an offered model.

    It cannot where a job was interrupted that gets the same model for the same sounds, and can be resumed.
    """
    job = job_of(state)
    if offer is None or not can_start(state) or job is None or job.state is not JobState.INTERRUPTED:
        return can_start(state)
    return (job.record.fetch, job.record.prompts) != (offer.entry.name, tuple(state.draft.texts))


def _asked_for(state: Open, choice: Choice) -> bool:
    """Return whether the last job is of exactly what a run of the draft makes."""
    if state.job is None or not state.draft.prompts:
        return False
    # What nobody here can answer is asked for whole, by a job that gets a model for it first.
    answered = len(choice.left_out) < len(state.draft.prompts)
    asked = asked_of(state.draft, choice) if answered else state.draft.request
    return state.job.record.request == asked.to_dict()

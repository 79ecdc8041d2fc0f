"""The state of the Studio page as one value, with functions that change it and say which parts are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from separation.formatted import clock
from separation.results.kept import Recording, Result
from separation.results.partial import Sound
from storage.records import JobState
from webapp.pages.studio.timeline.result_choice import ResultChoice, with_found, with_made
from webapp.state.drafts import Draft
from webapp.state.queue.job import Job
from webapp.state.uploads import Upload


@dataclass(frozen=True, kw_only=True, slots=True)
class Empty:
    """No recording is open.

    Attributes:
        draft: the draft for the next recording.
        selected: the prompt whose spans are painted, "" for none.
    """

    draft: Draft = field(default_factory=Draft)
    selected: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """A recording is open.

    Attributes:
        recording: the recording.
        draft: its draft.
        selected: the prompt whose spans are painted, "" for none.
        unwritten: whether only this page has the draft; the first edit stores it, and every page gets it.
        job: its last job, unless that was forgotten.
        results: its results, and which of them play.
        arrived_as: the key of the upload that became it, whose address this page keeps; "" if there was none.
    """

    recording: Recording
    draft: Draft
    selected: str = ""
    unwritten: bool = False
    job: Job | None = None
    results: ResultChoice = field(default_factory=ResultChoice)
    arrived_as: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """The recording that was open has been deleted.

    Attributes:
        shown: the state in which it was open.
        in_trash: whether it is in the trash, from which it can be restored.
    """

    shown: Open
    in_trash: bool

    @property
    def draft(self) -> Draft:
        """The draft of the deleted recording."""
        return self.shown.draft

    @property
    def selected(self) -> str:
        """The prompt whose spans are painted."""
        return self.shown.selected


@dataclass(frozen=True, kw_only=True, slots=True)
class Arriving:
    """A file is being uploaded and decoded; the part that has arrived can be played and given prompts.

    Attributes:
        key: the key of its upload.
        name: its name for people.
        before: the state before the upload.
        draft: its draft.
        selected: the prompt whose spans are painted, "" for none.
        typed: whether its draft was edited since the upload began.
        upload: the progress of the upload; None at first.
    """

    key: str
    name: str
    before: Empty | Open | Gone
    draft: Draft
    selected: str = ""
    typed: bool = False
    upload: Upload | None = None


StudioState = Empty | Arriving | Open | Gone


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFacts:
    """The stored data of a recording that is about to be opened.

    Attributes:
        recording: the recording.
        usual: a new draft, with the usual settings.
        draft: its draft; None if there is none yet.
        job: its last job, unless that was forgotten.
        results: its results, and which of them are to play.
    """

    recording: Recording
    usual: Draft = field(default_factory=Draft)
    draft: Draft | None = None
    job: Job | None = None
    results: ResultChoice = field(default_factory=ResultChoice)

    @property
    def asked(self) -> list[str]:
        """Return the prompts of the last separation."""
        if self.job is not None:
            return list(self.job.record.prompts)
        return list(self.results.result.prompts) if self.results.result is not None else []


# how it changes: recordings are opened


def opened(state: StudioState, facts: KeptFacts, prompts: Sequence[str] = (), like: Result | None = None) -> Open:
    """Open a recording with its draft; without one, with that of an empty page or an upload, else the usual settings.

    Settings and prompts of another recording do not decide this one. Its prompts are then `prompts`, else those of its
    last separation, else those of that draft. Given `prompts` replace those of a stored draft, too. With a result
    `like`, prompts and settings are those that made it, so that separating again finds it. They are stored with the
    first edit.

    Raises:
        SettingsError: a prompt is too long, or another version of this program made that result.
    """
    draft = facts.draft or (state.draft if isinstance(state, Empty | Arriving) else facts.usual)
    unwritten = bool(prompts) or facts.draft is None
    if unwritten:  # without spans, which would be of another recording
        draft = replace(draft, prompts=()).with_prompts(*(prompts or facts.asked or draft.texts))
    if like is not None:
        draft, unwritten = Draft.of(like.request), True
    return Open(
        recording=facts.recording,
        draft=draft,
        selected=_selectable(draft, state.selected),
        unwritten=unwritten,
        job=facts.job,
        results=facts.results,
    )


def reopened(shown: Open, facts: KeptFacts) -> Open:
    """Return to a recording whose stored data was read again; its draft stays, unless it was changed meanwhile."""
    draft = facts.draft or shown.draft
    return replace(
        shown,
        recording=facts.recording,
        draft=draft,
        selected=_selectable(draft, shown.selected),
        unwritten=facts.draft is None,
        job=facts.job,
        results=facts.results,
    )


def deleted(state: StudioState, *, in_trash: bool) -> StudioState:
    """Note that the open recording was deleted: it is in the trash, or gone for good."""
    match state:
        case Open():
            return Gone(shown=state, in_trash=in_trash)
        case Gone():
            return replace(state, in_trash=in_trash)
    return state


# how it changes: a file arrives


def upload_begun(state: StudioState, key: str, name: str, usual: Draft) -> Arriving:
    """Start an upload with a new draft, or with what was asked for on a page without a recording."""
    draft = usual if isinstance(state, Open | Gone) else state.draft
    before = state.before if isinstance(state, Arriving) else state
    return Arriving(key=key, name=name, before=before, draft=draft, selected=_selectable(draft, state.selected))


def upload_grown(state: StudioState, upload: Upload) -> StudioState:
    """Update the progress of an upload; nothing changes if it is not the one that is shown."""
    return replace(state, upload=upload) if isinstance(state, Arriving) and upload.key == state.key else state


def upload_stopped(state: StudioState) -> StudioState:
    """Return to the state before an upload that was cancelled or refused.

    On an empty page the draft of the file is kept for the next one.
    """
    match state:
        case Arriving(before=Empty()):
            return Empty(draft=state.draft, selected=state.selected)
        case Arriving():
            return state.before
    return state


def uploaded(state: StudioState, facts: KeptFacts) -> Open:
    """Open the recording that an upload has become; the draft made during the upload stays."""
    after = opened(state, facts)
    if not isinstance(state, Arriving):
        return after
    if state.upload is not None and state.upload.recording == facts.recording.key:
        after = replace(after, arrived_as=state.key)
    return replace(after, draft=state.draft, selected=state.selected, unwritten=True) if state.typed else after


def is_asked_for(state: StudioState, new: Draft) -> bool:
    """Return whether a draft, other than a `new` one, was made without a recording: it becomes that of the next one."""
    return (isinstance(state, Arriving) and state.typed) or state.draft != new


# how it changes: the draft


def edited(state: StudioState, draft: Draft) -> StudioState:
    """Replace the draft; that of an open recording is shared by all pages from here on."""
    selected = _selectable(draft, state.selected)
    match state:
        case Open():
            return replace(state, draft=draft, selected=selected, unwritten=False)
        case Gone():
            return replace(state, shown=replace(state.shown, draft=draft, selected=selected, unwritten=False))
        case Arriving():
            return replace(state, draft=draft, selected=selected, typed=True)
    return Empty(draft=draft, selected=selected)


def with_selected(state: StudioState, prompt: str) -> StudioState:
    """Select the prompt whose spans are painted; the last prompt, if there is none of that text."""
    selected = _selectable(state.draft, prompt)
    if isinstance(state, Gone):
        return replace(state, shown=replace(state.shown, selected=selected))
    return replace(state, selected=selected)


def _selectable(draft: Draft, prompt: str) -> str:
    return prompt if prompt in draft.texts else (draft.texts or [""])[-1]


# how it changes: jobs and results


def job_changed(state: StudioState, job: Job, last: Job | None) -> StudioState:
    """Update the state after a job has changed; a result it made of the open recording is chosen.

    `last` is the last job of the recording that is open, see `Jobs.active`.
    """
    recording = recording_of(state)
    if recording is None or job.record.recording != recording.key:
        return state
    state = with_job(state, last)
    if isinstance(state, Open) and job.state is JobState.DONE and job.result is not None:
        state = replace(state, results=with_made(state.results, job.result))
    return state


def with_job(state: StudioState, last: Job | None) -> StudioState:
    """Replace the last job of the open recording; None removes it."""
    match state:
        case Open():
            return replace(state, job=last)
        case Gone():
            return replace(state, shown=replace(state.shown, job=last))
    return state


def results_found(state: StudioState, results: Sequence[Result]) -> StudioState:
    """Replace the results of the open recording, newest first, after some were made or deleted elsewhere."""
    if not isinstance(state, Open) or {one.key for one in results} == {one.key for one in state.results.results}:
        return state
    return replace(state, results=with_found(state.results, results))


# what is drawn


@dataclass(frozen=True, kw_only=True, slots=True)
class VisibleParts:
    """Which parts of the page are shown: the start with its upload, or the workspace with the time line."""

    start: bool = False
    workspace: bool = False


def visible_parts(state: StudioState) -> VisibleParts:
    """Return which parts of the page have something to show."""
    match state:
        case Empty():
            return VisibleParts(start=True)
        case Arriving() | Open():
            return VisibleParts(workspace=True)
    return VisibleParts()


def recording_of(state: StudioState) -> Recording | None:
    """Return the recording that is open, also if it has been deleted; None if there is none."""
    match state:
        case Open():
            return state.recording
        case Gone():
            return state.shown.recording
    return None


def job_of(state: StudioState) -> Job | None:
    """Return the last job of the open recording, or None."""
    match state:
        case Open():
            return state.job
        case Gone():
            return state.shown.job
    return None


def sound_of(state: StudioState) -> Sound | None:
    """Return the audio that is shown, as far as it has arrived, or None."""
    if isinstance(state, Arriving):
        return state.upload.audio if state.upload is not None else None
    return recording_of(state)


def title(state: StudioState) -> str:
    """Return the heading of the page."""
    if isinstance(state, Arriving):
        return state.name
    recording = recording_of(state)
    return recording.name if recording is not None else "Audio Playground"


def subtitle(state: StudioState) -> str:
    """Return length, rate and channels in words, as far as they are known."""
    if (sound := sound_of(state)) is not None:
        return described(sound)
    return "on its way" if isinstance(state, Arriving) else ""


def described(sound: Sound) -> str:
    """Return length, rate and channels in a few words."""
    channels = "mono" if sound.n_channels == 1 else "stereo"
    return f"{clock(sound.duration_s)} · {sound.sample_rate / 1000:g} kHz · {channels}"


def gone_text(state: Gone) -> str:
    """Return a sentence on where the deleted recording is, and what to do."""
    name = state.shown.recording.name
    if state.in_trash:
        return f"“{name}” was deleted. It is in the trash: restore it to go on where you were."
    return f"“{name}” was deleted for good. To go on with it, upload the file again."

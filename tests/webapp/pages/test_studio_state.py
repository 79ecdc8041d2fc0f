"""The Studio as a value: what each event makes of it, and what of it is drawn, without a browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.errors import SettingsError
from separation.request import Anchor, Request
from separation.results.partial import PartialAudio
from storage.records import JobRecord, JobState
from tests.support.studio_values import a_recording, a_result
from webapp.pages.studio import state as states
from webapp.pages.studio.state import Arriving, Empty, Gone, KeptFacts, Open, VisibleParts
from webapp.pages.studio.timeline.result_choice import ResultChoice, opened, with_other
from webapp.state.drafts import Draft
from webapp.state.mixers import MixerState
from webapp.state.queue.job import Job
from webapp.state.uploads import Upload

SONG, TALK = a_recording("song.wav"), a_recording("talk.mp3")
DRUMS, VOCALS = a_result("drums", minute=1), a_result("vocals", minute=2)
SLOW = Draft(settings=Request.of("drums", seed=7))
UPLOAD = "ab" * 16
USUAL = Draft(settings=Request.of("drums", backend="demucs"))


def asking(*texts: str, of: Draft = Draft()) -> Draft:  # noqa: B008 (a value that nobody can change)
    return of.with_prompts(*texts)


def painted(draft: Draft, text: str) -> Draft:
    return draft.with_anchors(text, [Anchor(sign="+", start_s=0.5, stop_s=1.0)])


def a_job(recording=SONG, state=JobState.RUNNING, *, prompts=("drums",), result=None, chunks=()) -> Job:
    record = JobRecord(id="j", recording=recording.key, recording_name="", prompts=prompts, request={}, state=state)
    return Job(record=record, result=result, chunks=list(chunks))


def heard(*results) -> ResultChoice:
    return opened(results, MixerState())


def partly(n_ready: int = 4000) -> Upload:
    paths = {"audio": Path("/kept/audio"), "peaks": Path("/kept/peaks")}
    audio = PartialAudio(**paths, n_ready=n_ready, n_expected=16_000, sample_rate=8000, n_channels=1)
    return Upload(key=UPLOAD, name="a minute.wav", audio=audio)


EMPTY = Empty()
OPEN = Open(recording=SONG, draft=asking("drums", "bass"), selected="bass", job=a_job(), results=heard(VOCALS, DRUMS))
LOOKED_AT = replace(OPEN, unwritten=True)
GONE = Gone(shown=OPEN, in_trash=True)
ARRIVING = states.upload_begun(OPEN, UPLOAD, "a minute.wav", USUAL)
FIRST = states.upload_begun(EMPTY, UPLOAD, "a minute.wav", USUAL)
EVERY = {"empty": EMPTY, "open": OPEN, "looked at": LOOKED_AT, "gone": GONE, "arriving": ARRIVING, "first": FIRST}

prompts = st.lists(st.sampled_from(["drums", "bass", "vocals", "dog barking"]), max_size=4)
drafts = st.builds(
    lambda texts, seed: asking(*texts, of=Draft(settings=Request.of("drums", seed=seed))), prompts, st.integers(0, 9)
)
shown = st.one_of(
    st.builds(lambda draft: Empty(draft=draft), drafts),
    st.builds(lambda draft, unwritten: replace(OPEN, draft=draft, unwritten=unwritten), drafts, st.booleans()),
    st.builds(lambda draft, trash: Gone(shown=replace(OPEN, draft=draft), in_trash=trash), drafts, st.booleans()),
)


# opening


@pytest.mark.parametrize("state", EVERY.values(), ids=EVERY)
def test_a_recording_opens_with_its_own_draft_whatever_was_shown(state):
    draft = painted(asking("vocals", of=SLOW), "vocals")
    facts = KeptFacts(recording=TALK, draft=draft, job=a_job(TALK), results=heard(VOCALS))
    after = states.opened(state, facts)
    assert (after.recording, after.draft, after.unwritten) == (TALK, draft, False)
    assert (after.selected, after.job, after.results) == ("vocals", facts.job, facts.results)


@pytest.mark.parametrize(
    ("facts", "wanted", "texts"),
    [
        (KeptFacts(recording=TALK), ["piano", "PIANO "], ["piano"]),
        (KeptFacts(recording=TALK), [], []),  # what was asked of another one says nothing of this
        (KeptFacts(recording=TALK, results=heard(VOCALS, DRUMS)), [], ["vocals"]),
        (KeptFacts(recording=TALK, results=heard(VOCALS), job=a_job(TALK, prompts=("bass",))), [], ["bass"]),
        (KeptFacts(recording=TALK, draft=asking("bass")), ["piano"], ["piano"]),  # an address changes nobody's draft
    ],
)
def test_to_look_at_a_recording_writes_nothing(facts, wanted, texts):
    before = replace(OPEN, draft=painted(asking("drums", "bass", of=SLOW), "bass"))
    after = states.opened(before, replace(facts, usual=USUAL), wanted)
    assert after.draft.texts == texts and after.unwritten
    settings = (USUAL if facts.draft is None else facts.draft).settings
    assert after.draft.settings == settings, "those of another recording decide nothing"
    assert not any(prompt.anchors for prompt in after.draft.prompts), "spans were of another recording"


def test_the_settings_of_a_result_are_used_whatever_the_draft_was():
    made = replace(VOCALS, settings=Request.of("vocals", backend="builtin", seed=7).to_dict())
    facts = KeptFacts(recording=SONG, draft=painted(asking("drums", "bass", of=SLOW), "bass"), results=heard(made))
    after = states.opened(OPEN, facts, (), made)
    assert after.draft.request == made.request, "separating again finds it"
    assert after.unwritten, "to look at it writes nothing"
    unreadable = replace(made, settings={**made.settings, "solver": {"method": "of tomorrow"}})
    with pytest.raises(SettingsError):
        states.opened(OPEN, facts, (), unreadable)


def test_a_prompt_stays_selected_where_it_is_asked_for_again():
    facts = KeptFacts(recording=TALK, draft=asking("bass", "vocals"))
    assert states.opened(OPEN, facts).selected == "bass"
    assert states.opened(replace(OPEN, selected="drums"), facts).selected == "vocals"
    assert states.opened(OPEN, KeptFacts(recording=TALK, draft=Draft())).selected == ""


# a file comes


@pytest.mark.parametrize(
    ("before", "draft"),
    [
        (Empty(draft=asking("drums", of=SLOW)), asking("drums", of=SLOW)),
        (replace(OPEN, draft=asking("drums", of=SLOW)), USUAL),  # that was for another recording
        (Gone(shown=replace(OPEN, draft=asking("drums", of=SLOW)), in_trash=False), USUAL),
    ],
    ids=["empty", "open", "gone"],
)
def test_a_file_on_its_way_takes_the_place_of_what_was_shown_and_not_its_settings(before, draft):
    after = states.upload_begun(before, UPLOAD, "a minute.wav", USUAL)
    assert after == Arriving(
        key=UPLOAD, name="a minute.wav", before=before, draft=draft, selected="drums" if draft.prompts else ""
    )


def test_a_file_right_behind_another_one_leads_back_to_the_same():
    assert states.upload_begun(ARRIVING, "cd" * 16, "next.wav", USUAL).before is OPEN


def test_it_is_shown_as_far_as_it_is_there():
    assert states.sound_of(ARRIVING) is None
    after = states.upload_grown(ARRIVING, partly())
    assert after == replace(ARRIVING, upload=partly())
    assert states.sound_of(after) == partly().audio
    assert states.upload_grown(after, partly(9000)).upload.audio.n_ready == 9000
    for other in (EMPTY, OPEN, GONE, replace(ARRIVING, key="cd" * 16)):
        assert states.upload_grown(other, partly()) is other, "the file of another page"


@given(shown, st.lists(drafts, max_size=3))
def test_a_file_that_is_cancelled_or_refused_leaves_open_what_was_open(before, typed):
    state = states.upload_begun(before, UPLOAD, "letter.wav", USUAL)
    for draft in typed:
        state = states.edited(states.upload_grown(state, partly()), draft)
    after = states.upload_stopped(state)
    if isinstance(before, Empty):
        assert after.draft == (typed[-1] if typed else before.draft), "the next file may be for it"
    else:
        assert after is before


@pytest.mark.parametrize("state", [EMPTY, OPEN, GONE], ids=["empty", "open", "gone"])
def test_a_file_that_is_not_shown_changes_nothing_when_it_is_refused(state):
    assert states.upload_stopped(state) is state


@given(shown, st.lists(drafts, min_size=1, max_size=3), st.none() | drafts)
def test_nothing_that_was_typed_while_a_file_came_is_lost_when_it_is_there(before, typed, kept):
    state = states.upload_begun(before, UPLOAD, "song.wav", USUAL)
    for draft in typed:
        state = states.edited(state, draft)
    state = states.upload_grown(state, replace(partly(), recording=SONG.key))
    after = states.uploaded(state, KeptFacts(recording=SONG, draft=kept))
    assert after.draft == typed[-1] and after.selected == state.selected
    assert after.unwritten and states.is_asked_for(state, Draft()), "it becomes the recording's draft"
    assert after.arrived_as == UPLOAD


@given(shown, st.none() | drafts)
def test_a_file_that_nothing_was_asked_of_opens_as_any_recording(before, kept):
    state = states.upload_begun(before, UPLOAD, "song.wav", USUAL)
    facts = KeptFacts(recording=SONG, draft=kept)
    after = states.uploaded(state, facts)
    assert replace(after, arrived_as="") == states.opened(state, facts)
    if kept is None:
        assert after.draft == state.draft, "what was chosen before the file came is kept with it"
        assert states.is_asked_for(state, Draft()) == (state.draft != Draft())


@pytest.mark.parametrize("recording", ["", TALK.key])
def test_only_what_the_file_on_its_way_has_become_keeps_its_address(recording):
    state = states.upload_grown(ARRIVING, replace(partly(), recording=recording))
    assert states.uploaded(state, KeptFacts(recording=SONG)).arrived_as == "", "the demo, perhaps, or another file"


def test_the_demo_comes_without_having_been_on_its_way():
    after = states.uploaded(Empty(draft=asking("drums")), KeptFacts(recording=SONG))
    assert (after.draft, after.unwritten, after.arrived_as) == (asking("drums"), True, "")
    assert not states.is_asked_for(EMPTY, Draft())


# asking


@given(shown, drafts)
def test_an_edit_is_what_is_asked_for_from_then_on(before, draft):
    after = states.edited(before, draft)
    assert after.draft == draft and type(after) is type(before)
    assert after.selected in draft.texts or (after.selected, draft.texts) == ("", [])
    if isinstance(before, Open):
        assert after == replace(before, draft=draft, selected=after.selected, unwritten=False)


def test_asking_for_another_sound_leaves_the_selected_one_and_removing_it_takes_the_last():
    assert states.edited(OPEN, asking("drums", "bass", "vocals")).selected == "bass"
    assert states.edited(OPEN, asking("drums", "vocals")).selected == "vocals"
    assert states.edited(OPEN, Draft()).selected == ""


@pytest.mark.parametrize("state", [OPEN, GONE, replace(ARRIVING, draft=OPEN.draft)], ids=["open", "gone", "arriving"])
def test_a_prompt_is_selected_and_nothing_else_changes(state):
    after = states.with_selected(state, "drums")
    assert after.selected == "drums" and after.draft == state.draft
    assert states.with_selected(after, "bass").selected == "bass"
    assert states.with_selected(after, "violin").selected == "bass", "there is none: the last one"


def test_only_what_was_asked_of_the_file_itself_counts_as_typed():
    assert not FIRST.typed and not ARRIVING.typed
    assert states.edited(ARRIVING, asking("drums")).typed
    assert not states.with_selected(ARRIVING, "drums").typed


# jobs and results


def test_a_job_of_this_recording_is_followed_and_others_are_not():
    job = a_job()
    assert states.job_changed(OPEN, job, job).job is job
    assert states.job_changed(GONE, job, job).shown.job is job
    for state in EVERY.values():
        assert states.job_changed(state, a_job(TALK), a_job()) is state
    for state in (EMPTY, ARRIVING, FIRST):
        assert states.job_changed(state, job, job) is state
        assert states.with_job(state, job) is state
    assert states.with_job(OPEN, None).job is None
    assert states.with_job(GONE, None).shown.job is None


@pytest.mark.parametrize(
    ("state", "result", "playing"),
    [
        (JobState.DONE, DRUMS, (DRUMS,)),
        (JobState.RUNNING, DRUMS, (VOCALS,)),
        (JobState.CANCELLED, None, (VOCALS,)),
        (JobState.FAILED, None, (VOCALS,)),
    ],
)
def test_what_a_job_has_made_is_heard_once_it_is_done(state, result, playing):
    job = a_job(state=state, result=result)
    before = replace(OPEN, results=heard(VOCALS))
    assert states.job_changed(before, job, job).results.playing == playing
    assert states.job_changed(Gone(shown=before, in_trash=True), job, job).shown.results is before.results


def test_a_result_that_is_heard_already_changes_nothing_of_what_it_is_compared_with():
    both = replace(OPEN, results=with_other(heard(VOCALS, DRUMS), DRUMS.key))
    job = a_job(state=JobState.DONE, result=VOCALS)
    assert states.job_changed(both, job, job).results is both.results


def test_results_that_come_and_go_elsewhere_are_taken_in():
    assert states.results_found(OPEN, [DRUMS]).results.playing == (DRUMS,), "the one that was heard is gone"
    assert states.results_found(OPEN, []).results.playing == ()
    assert states.results_found(OPEN, [DRUMS, VOCALS]) is OPEN
    assert states.results_found(GONE, []) is GONE
    assert states.results_found(EMPTY, []) is EMPTY


# gone and back


def test_a_recording_that_is_deleted_is_gone_with_all_that_was_shown_of_it():
    assert states.deleted(OPEN, in_trash=True) == GONE
    assert states.deleted(GONE, in_trash=False) == replace(GONE, in_trash=False), "the trash was emptied"
    for state in (EMPTY, ARRIVING):
        assert states.deleted(state, in_trash=True) is state


@given(shown, drafts, st.none() | drafts)
def test_what_was_asked_for_is_there_when_a_recording_is_restored(before, typed, kept):
    if not isinstance(before, Open):
        return
    gone = states.edited(states.deleted(before, in_trash=True), typed)
    facts = KeptFacts(recording=SONG, draft=kept, job=None, results=heard(DRUMS))
    after = states.reopened(gone.shown, facts)
    assert after.draft == (typed if kept is None else kept)
    assert (after.results, after.job, after.unwritten) == (facts.results, None, kept is None)


# what is drawn


@pytest.mark.parametrize(
    ("state", "title", "subtitle"),
    [
        (EMPTY, "Audio Playground", ""),
        (OPEN, "song.wav", "0:02 · 8 kHz · stereo"),
        (GONE, "song.wav", "0:02 · 8 kHz · stereo"),
        (ARRIVING, "a minute.wav", "on its way"),
        (states.upload_grown(ARRIVING, Upload(key=UPLOAD, name="a minute.wav")), "a minute.wav", "on its way"),
        (states.upload_grown(ARRIVING, partly()), "a minute.wav", "0:02 · 8 kHz · mono"),
    ],
)
def test_the_heading_names_what_is_shown_and_says_what_it_is(state, title, subtitle):
    assert (states.title(state), states.subtitle(state)) == (title, subtitle)


@pytest.mark.parametrize(
    ("state", "parts", "recording"),
    [
        (EMPTY, VisibleParts(start=True), None),
        (ARRIVING, VisibleParts(workspace=True), None),
        (OPEN, VisibleParts(workspace=True), SONG),
        (GONE, VisibleParts(), SONG),
    ],
)
def test_each_state_shows_the_parts_it_has_something_for(state, parts, recording):
    assert states.visible_parts(state) == parts
    assert states.recording_of(state) == recording
    assert states.job_of(state) is (None if recording is None else OPEN.job)


def test_what_is_gone_says_whether_it_can_be_restored():
    assert states.gone_text(GONE).startswith("“song.wav” was deleted. It is in the trash: restore it")
    lost = states.gone_text(replace(GONE, in_trash=False))
    assert "“song.wav” was deleted for good" in lost and "upload the file again" in lost

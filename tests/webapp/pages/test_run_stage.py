"""What the foot of the Studio's side panel offers in each state, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.request import Request
from storage.records import JobRecord, JobState
from tests.support.studio_values import a_recording, a_result
from webapp.pages.queue.job_words import left_of, spoken_of
from webapp.pages.studio import state as states
from webapp.pages.studio.choice import Choice, asked_of, choice_of
from webapp.pages.studio.run_stage import RunAction, Stage, run_action
from webapp.pages.studio.state import Empty, Gone, Open
from webapp.pages.studio.timeline.result_choice import opened
from webapp.state.drafts import Draft
from webapp.state.mixers import MixerState
from webapp.state.queue.job import Job

SONG = a_recording("song.wav")
DRUMS = a_result("drums", minute=1)
ASKED = Draft().with_prompts("drums", "bass")
OTHER = Draft().with_prompts("vocals")
SETTLED = Choice(Request.of("nothing that was made", backend="builtin"), "", True)
READY = {"ready": True, "stage": Stage.ASK}


def a_job(draft: Draft = ASKED, state: JobState = JobState.RUNNING, *, n_done: int = 0, result=None) -> Job:
    record = JobRecord(
        id="j",
        recording=SONG.key,
        recording_name="",
        prompts=tuple(draft.texts),
        request=draft.request.to_dict(),
        state=state,
        n_done=n_done,
        n_chunks=3,
    )
    return Job(record=record, result=result)


def asking(draft: Draft = ASKED, job: Job | None = None, *results) -> Open:
    return Open(recording=SONG, draft=draft, job=job, results=opened(results, MixerState()))


ARRIVING = states.upload_begun(Empty(), "ab" * 16, "a minute.wav", Draft())


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (Empty(draft=ASKED), "Upload a recording first"),
        (states.edited(ARRIVING, ASKED), "Still uploading…"),
        (Gone(shown=asking(), in_trash=True), "The recording was deleted"),
        (asking(Draft()), "Name a sound first"),
    ],
)
def test_a_button_that_cannot_be_pressed_says_why(state, reason):
    action = run_action(state, SETTLED)
    assert (action.stage, action.words, action.ready) == (Stage.ASK, reason, False)


def test_sounds_that_were_not_asked_for_before_can_be_separated():
    assert run_action(asking(), SETTLED) == RunAction(words="Separate 2 sounds", verb="Separate", **READY)
    assert run_action(asking(OTHER), SETTLED).words == "Separate 1 sound"
    assert (
        run_action(asking(OTHER, a_job(state=JobState.DONE, result=DRUMS), DRUMS), SETTLED).words == "Separate 1 sound"
    )


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_what_is_being_made_is_waited_for_and_other_sounds_can_be_queued_meanwhile(state):
    assert run_action(asking(job=a_job(state=state)), SETTLED) == RunAction(stage=Stage.BUSY)
    assert run_action(asking(Draft(), a_job(state=state)), SETTLED) == RunAction(stage=Stage.BUSY)
    queued = RunAction(words="Queue 1 sound", verb="Queue", **READY)
    assert run_action(asking(OTHER, a_job(state=state)), SETTLED) == queued


def test_what_is_heard_is_listened_to_and_kept_instead_of_being_made_again():
    done = a_job(state=JobState.DONE, result=DRUMS)
    assert run_action(asking(ASKED, done, DRUMS), SETTLED).stage is Stage.MADE
    settings = replace(ASKED, settings=replace(ASKED.settings, seed=5))
    assert run_action(asking(settings, done, DRUMS), SETTLED).stage is Stage.ASK, "other settings were chosen since"
    assert run_action(asking(ASKED, done), SETTLED).stage is Stage.ASK, "the result was deleted since"


def test_a_result_of_an_earlier_day_is_known_by_its_settings():
    of_result = replace(SETTLED, settled=Request.from_dict(DRUMS.settings))
    other_seed = replace(of_result, settled=replace(of_result.settled, seed=5))
    assert run_action(asking(ASKED, None, DRUMS), of_result).stage is Stage.MADE
    assert run_action(asking(ASKED, None, DRUMS), other_seed).stage is Stage.ASK
    older = a_result("vocals", minute=0)
    assert run_action(asking(ASKED, None, older), of_result).stage is Stage.ASK, "another result is heard"


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.INTERRUPTED])
def test_a_run_that_was_stopped_goes_on_where_it_was(state):
    assert run_action(asking(job=a_job(state=state, n_done=2)), SETTLED) == RunAction(words="Go on", **READY)
    assert run_action(asking(job=a_job(state=state)), SETTLED).words == "Separate 2 sounds", "nothing was done yet"
    assert run_action(asking(OTHER, a_job(state=state, n_done=2)), SETTLED).words == "Separate 1 sound"


def test_a_screen_reader_hears_each_quarter_of_a_run_and_what_it_has_made():
    job = a_job()
    assert spoken_of(job) == "Starting"
    said = []
    for done in (0.0, 0.2, 0.3, 0.4, 0.6, 1.0):
        job.chunks = [done, done]
        said.append(spoken_of(job))
    assert list(dict.fromkeys(said)) == [f"Separating, {share} % done" for share in (0, 25, 50, 100)]
    assert spoken_of(a_job(state=JobState.DONE, result=DRUMS)) == "Done. These can be heard: drums, everything else."
    assert spoken_of(a_job(state=JobState.CANCELLED)) == "Cancelled"
    assert spoken_of(None) == ""


def test_a_run_says_how_long_it_has_taken_and_will_take(monkeypatch):
    job = a_job()
    assert left_of(job) == "", "nothing was planned yet"
    monkeypatch.setattr("webapp.state.queue.job.time.monotonic", lambda: 130.0)
    job.started_s, job.chunks = 100.0, [0.1, 0.0]
    assert left_of(job) == "0:30", "too little is done to tell the rest"
    job.chunks = [1.0, 0.0]
    assert left_of(job) == "0:30 · 0:30 left"


MIXED = Draft().with_prompts("drums", "dog barking")


def test_where_only_some_sounds_can_be_separated_that_is_what_the_button_says_and_does():
    choice = choice_of(MIXED)
    assert (choice.possible, choice.left_out) == (True, ("dog barking",))
    action = run_action(asking(MIXED), choice)
    assert (action.words, action.ready, action.verb) == ("Separate 1 of 2 sounds", True, "")
    assert [prompt.text for prompt in asked_of(MIXED, choice).prompts] == ["drums"]
    assert run_action(asking(MIXED, a_job(OTHER)), choice).words == "Queue 1 of 2 sounds"


def test_what_can_be_made_of_the_sounds_is_made_when_the_rest_was_left_out():
    choice = choice_of(MIXED)
    part = Draft().with_prompts("drums")
    assert run_action(asking(MIXED, a_job(part)), choice) == RunAction(stage=Stage.BUSY)
    done = a_job(part, JobState.DONE, result=DRUMS)
    made = run_action(asking(MIXED, done, DRUMS), choice)
    assert (made.stage, made.heard) == (Stage.MADE, ("drums", "dog barking"))


@pytest.mark.parametrize("names", [("dog barking",), ("dog barking", "everything else")])
def test_where_nothing_can_be_separated_the_button_says_so(names):
    draft = Draft().with_prompts(*names)
    action = run_action(asking(draft), choice_of(draft))
    assert (action.stage, action.words, action.ready) == (Stage.ASK, "No separator here can do this", False)


def test_a_job_that_gets_a_model_for_sounds_that_nobody_here_can_separate_is_waited_for():
    draft = Draft().with_prompts("dog barking", "kettle")
    job = a_job(draft)
    job.record = replace(job.record, fetch="sam-audio-small")
    assert run_action(asking(draft, job), choice_of(draft)).stage is Stage.BUSY

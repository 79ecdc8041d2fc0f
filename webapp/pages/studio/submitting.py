"""Asking for a separation: the result that is kept, or a job that makes it."""

from __future__ import annotations

from dataclasses import replace

from nicegui import run

from separation.backends import registry
from separation.metrics.musical import content_of
from separation.request import Request
from separation.results.kept import Recording, Result
from separation.results.runs import find_result, settle
from webapp.pages.studio.choice import asked_of, choice_of
from webapp.state.drafts import Draft, Drafts
from webapp.state.library.view import LibraryView
from webapp.state.queue.job import Job
from webapp.state.queue.visible_jobs import VisibleJobs


async def submit(
    recording: Recording, request: Request, view: LibraryView, jobs: VisibleJobs, *, fetch: str = ""
) -> Job:
    """Return a job that is over if the visitor sees a result of exactly this; else queue one that makes it.

    Args:
        recording: the recording.
        request: what is to be made of it.
        view: the library as the visitor sees it.
        jobs: the visitor's jobs.
        fetch: a model that has to be downloaded first; "" for none.

    Raises:
        PlaygroundError: it cannot be run, or the queue cannot be written down.
    """
    if fetch:  # before the model is here nothing can be settled
        return jobs.submit(recording, request, fetch=fetch)
    # Every mistake shows here, before the queue. It reads audio.
    kept = await run.io_bound(_find_seen, recording, request, view)
    return jobs.submit(recording, request) if kept is None else jobs.look_up(recording, request, kept)


async def submit_alike(recording: Recording, draft: Draft, view: LibraryView, jobs: VisibleJobs, drafts: Drafts) -> Job:
    """Ask of a recording the sounds and settings of a draft, which become its own; its painted spans stay.

    Raises:
        PlaygroundError: as `submit`.
    """
    own = drafts.change(recording.key, lambda mine: replace(mine, settings=draft.settings).with_prompts(*draft.texts))
    request = await run.io_bound(_asked_of, recording, own)
    assert request is not None  # only a server that stops gets none
    return await submit(recording, request, view, jobs)


def _find_seen(recording: Recording, request: Request, view: LibraryView) -> Result | None:
    """Return the result of a request, if it is kept and the visitor sees it."""
    key, _, _ = settle(recording, request, view.store)
    if not any(one.key == key for one in view.results(recording.key)):
        return None
    return find_result(recording, request, view.store)[3]


def _asked_of(recording: Recording, draft: Draft) -> Request:
    content = content_of(recording.audio) if registry.listens_first(draft.asked) else None
    return asked_of(draft, choice_of(draft, content))

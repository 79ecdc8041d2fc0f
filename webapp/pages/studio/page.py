"""The Studio: upload a recording, say what to isolate, choose how, run, listen, keep.

What the page shows is one value, a `StudioState`: handlers compute the next one, and `_draw` shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from nicegui import run, ui

from separation.errors import PlaygroundError
from separation.request import Request
from separation.results.kept import Recording
from separation.results.runs import find_result, settle
from storage import StorageError
from webapp.access.handlers import may
from webapp.access.roles import Right
from webapp.components.keymap.keymap import Keymap
from webapp.components.player.track import Track
from webapp.components.run_button.run_button import RunButton
from webapp.components.transport.transport import Transport
from webapp.components.upload.upload import UploadArea, Uploaded, Uploading, UploadRefused
from webapp.pages.queue.get_offer import GetOffer
from webapp.pages.queue.panel import QueueView
from webapp.pages.studio import state as states
from webapp.pages.studio.gone_notice import GoneNotice, lost_draft, lost_result, whereabouts
from webapp.pages.studio.interrupted_offer import InterruptedOffer
from webapp.pages.studio.job_view import JobView
from webapp.pages.studio.mixer import Mixer
from webapp.pages.studio.partial_tracks import arriving_track
from webapp.pages.studio.prompt_row import PromptRow
from webapp.pages.studio.recordings import RecordingsMenu, TrackChoice, start_page
from webapp.pages.studio.result_choice import ResultChoice, opened
from webapp.pages.studio.settings_panel import SettingsPanel, SettingsSources
from webapp.pages.studio.state import Arriving, Empty, Gone, KeptFacts, Open, StudioState
from webapp.pages.studio.waveform import WaveformView
from webapp.state.drafts import Draft, Drafts, at_most
from webapp.state.jobs import Job
from webapp.state.library.view import LibraryView
from webapp.state.mixers import Mixers
from webapp.state.uploads import Upload, Uploads
from webapp.state.visible_jobs import VisibleJobs
from webapp.theme import error_card, scheme_menu, shell, text

LOOK_AGAIN_S = 10.0  # terminals and other servers make and delete items too, without notice


class StudioPage:
    """One open Studio. What must survive a reload is in the library, jobs, drafts and mixes, and in the address."""

    def __init__(
        self,
        library_view: LibraryView,
        jobs: VisibleJobs,
        uploads: Uploads,
        drafts: Drafts,
        mixers: Mixers,
        sources: SettingsSources,
    ) -> None:
        self._library_view, self._jobs, self._drafts, self._mixers = library_view, jobs, drafts, mixers
        self._client = ui.context.client
        self._state: StudioState = Empty(draft=drafts.new())
        with shell("studio", side="Settings" if may(Right.RUN) else "") as frame:
            with frame.header:
                self._header()
            with frame.main:
                self._main()
            with frame.side:
                self._settings = SettingsPanel(on_edit=self._edit, sources=sources)
            with frame.actions:
                tip = "Starts a job that goes on when you leave. What was made before is kept as it is."
                self._run = RunButton(self._separate, tip=tip)
            with frame.footer:
                self._transport = Transport()
        jobs.changed.subscribe(self._job_changed)
        jobs.arranged.subscribe(self._queue_arranged)
        uploads.changed.subscribe(self._upload_grown)
        drafts.changed.subscribe(self._draft_changed)
        library_view.changed.subscribe(self._look)
        sources.models.disk_changed.subscribe(self._more_known)
        sources.contents.changed.subscribe(self._more_known)
        ui.timer(LOOK_AGAIN_S, self._look)
        self._draw(self._state)

    def open(self, key: str, prompts: Sequence[str] = (), result: str = "", *, use: bool = False) -> None:
        """Show a recording with its newest result and its job, if one runs.

        Args:
            key: the key of the recording in the library.
            result: the key of the result to show instead of the newest.
            prompts: the sounds to isolate; if not given, those of the job or the result.
            use: whether prompts and settings become those of that result.
        """
        if (facts := self._facts_of(key, result)) is None:
            return
        self._jobs.prepare()
        try:
            like = facts.results.get(result) if use else None
            self._draw(states.opened(self._state, facts, at_most(prompts), like))
        except PlaygroundError as error:
            self._draw(states.opened(self._state, facts))
            self._say_error(error)
        if result and facts.results.get(result) is None:
            self._say("The result in the address is not here any more.", "", "Choose another, or separate again.")
        if why := self._drafts.unreadable(key):
            lost_draft(self._messages, self._drafts, facts.recording, why, on_error=self._say_error)

    # what the screen holds, top to bottom

    def _header(self) -> None:
        self._title = text("Audio Playground", tag="h1")
        self._about = text("", "mute hide-phone")
        text("", "grow")
        self._queue = QueueView(self._jobs, on_open=self.open)
        Keymap()
        RecordingsMenu(self._library_view, on_open=self.open, on_upload=lambda: self._uploads.browse())
        scheme_menu()

    def _main(self) -> None:
        self._uploads = UploadArea(
            on_uploaded=self._uploaded,
            on_refused=self._upload_refused,
            on_begun=self._upload_begun,
            on_cancelled=self._upload_stopped,
        )
        self._messages = ui.element("div").classes("messages").props("aria-live=polite")
        self._gone = GoneNotice(on_restore=self._restore)
        self._offer = InterruptedOffer(self._jobs, on_show=self._queue.open, on_error=self._say_error)
        self._start = start_page(self._library_view, self._uploads, on_open=self.open)
        with ui.element("div").classes("stack") as self._workspace:
            self._track = TrackChoice(self._library_view, on_open=self.open, on_error=self._say_error)
            self._wave = WaveformView(
                on_edit=self._edit, on_loop=lambda *span: self._transport.play_loop(*span), on_reroll=self._submit
            )
            self._prompts = PromptRow(on_change=self._change_prompts, on_select=self._select)
            self._get = GetOffer(on_get=self._separate, may_get=self._library_view.visitor.is_host)
            self._job_view = JobView(self._jobs, on_error=self._say_error)
            with ui.element("div") as self._results:
                self._mixer = Mixer(self._mixers, on_choose=self._choose_results, on_refused=self._say_error)

    def _draw(self, state: StudioState) -> None:
        """Set the state of the page and redraw it."""
        before, self._state = self._state, state
        recording, parts = states.recording_of(state), states.visible_parts(state)
        self._title.set_text(states.title(state))
        self._about.set_text(states.subtitle(state))
        self._gone.show(state)
        self._track.show(recording)
        self._offer.show(recording.key if recording is not None else None)
        self._start.set_visibility(parts.start)
        self._workspace.set_visibility(parts.workspace)
        self._results.set_visibility(parts.results)
        self._settings.show(state.draft, states.sound_of(state))
        self._get.show(self._settings.choice.offer, can_start=states.takes(state, self._settings.choice.offer))
        self._settings.leave_to_offer(self._get.is_needed)
        self._prompts.show(state.draft, self._settings.choice, state.selected, recording, self._get.is_needed)
        self._job_view.show(states.job_of(state))
        words, ready = states.run_button(state)
        self._run.show(words, ready=ready, asks=states.asks(state))
        match state:
            case Open():
                self._mixer.show(state.recording, state.results, state.job, state.arrived_as)
                self._draw_open_wave(state)
                if recording is not states.recording_of(before):
                    self._name_tab(state.recording)
            case Arriving():
                self._mixer.clear()
                self._draw_arriving_wave(state)
            case Gone():
                # What the browser has fetched of it would play on for some seconds, and then fail.
                self._mixer.clear()
                self._wave.wait()

    def _draw_open_wave(self, state: Open) -> None:
        mixture = self._mixer.mixture()
        assert mixture is not None  # it has just been shown
        key, recording, result = state.arrived_as or state.recording.key, state.recording, state.results.result
        self._wave.show(key, recording, mixture, state.draft, self._settings.choice, state.selected, state.job, result)

    def _draw_arriving_wave(self, state: Arriving) -> None:
        upload = state.upload
        track: Track | None = None if upload is None else arriving_track(upload)
        if upload is None or upload.audio is None or track is None:
            self._wave.wait()
            return
        self._wave.show(state.key, upload.audio, track, state.draft, self._settings.choice, state.selected, None, None)

    def _name_tab(self, recording: Recording) -> None:
        """Show the recording in the title and the address of the browser's tab."""
        ui.page_title(recording.name)
        # Not `ui.run_javascript`: the button that was pressed may be gone by now.
        self._client.run_javascript(f"history.replaceState(null, '', '?{urlencode({'recording': recording.key})}')")

    # files come

    def _upload_begun(self, upload: Uploading) -> None:
        self._draw(states.upload_begun(self._state, upload["id"], upload["name"]))

    def _upload_grown(self, upload: Upload) -> None:
        if (after := states.upload_grown(self._state, upload)) is not self._state:
            self._draw(after)

    def _upload_stopped(self) -> None:
        """Return to the state before a cancelled or failed upload, read afresh."""
        if (after := states.upload_stopped(self._state)) is self._state:
            return
        if isinstance(after, Open) and (facts := self._facts_of(after.recording.key)) is not None:
            after = states.reopened(after, facts)
        self._draw(after)

    def _upload_refused(self, refused: UploadRefused) -> None:
        self._upload_stopped()
        self._say(refused["what"], refused["why"], refused["todo"])

    def _uploaded(self, uploaded: Uploaded) -> None:
        for warning in uploaded["warnings"]:
            self._say(f"{uploaded['name']}: {warning}")
        before = self._state
        if (facts := self._facts_of(uploaded["key"])) is None:  # it was deleted at once
            self._upload_stopped()
            return
        self._jobs.prepare()
        after = states.uploaded(before, facts)
        self._draw(after)
        if after.unwritten and states.is_asked_for(before, self._drafts.new()):
            self._edit(lambda draft: draft)

    # recordings and results come and go

    def _facts_of(self, key: str, result: str = "") -> KeptFacts | None:
        """Return the stored data of a recording, with `result` chosen; if it is unreadable, show why, return None."""
        try:
            recording = self._library_view.recording(key)
            results = self._library_view.results(key)
        except PlaygroundError as error:
            self._say_error(error)
            return None
        choice = opened(results, self._mixers.of(key), result)
        facts = KeptFacts(recording=recording, draft=self._drafts.of(key), job=self._jobs.active(key), results=choice)
        try:
            Draft().with_prompts(*facts.asked)
        except PlaygroundError as error:  # another version of this program took these prompts
            self._say_error(error)
            return replace(facts, draft=facts.draft or self._drafts.new())
        return facts

    async def _look(self) -> None:
        """Check whether the open recording still exists, and which results were made elsewhere."""
        await self._look_for_recording()
        await self._look_for_results()

    async def _look_for_recording(self) -> None:
        if (recording := states.recording_of(self._state)) is None:
            return
        try:
            place = await run.io_bound(whereabouts, self._library_view, recording.key)
        except StorageError:
            return  # a disk that cannot be read just now has not lost it
        if place is None or recording is not states.recording_of(self._state):
            return
        if place != "here":
            damage = self._library_view.store.checks.lost.get(recording.key)
            if damage is not None and not isinstance(self._state, Gone):
                self._say(damage.what, damage.why, damage.todo)
            self._draw(states.deleted(self._state, in_trash=place == "trash"))
        elif isinstance(self._state, Gone):
            shown = self._state.shown
            result = shown.results.result
            if (facts := self._facts_of(recording.key, result.key if result is not None else "")) is not None:
                self._draw(states.reopened(shown, facts))

    async def _look_for_results(self) -> None:
        before = self._state
        if not isinstance(before, Open):
            return
        try:
            found = await run.io_bound(self._library_view.results, before.recording.key)
        except StorageError:
            return  # a disk that cannot be read just now has not lost them
        now = self._state
        if found is None or not isinstance(now, Open) or now.results is not before.results:
            return
        if (after := states.results_found(now, found)) is now:
            return
        self._draw(after)
        for result in (one for one in now.results.playing if one.key not in {kept.key for kept in found}):
            try:
                if lost := await run.io_bound(lost_result, self._library_view.store, result):
                    self._say_error(lost)
            except StorageError as error:
                self._say_error(error)

    async def _restore(self) -> None:
        """Restore the deleted recording from the trash."""
        if (recording := states.recording_of(self._state)) is None:
            return  # another page was opened meanwhile
        try:
            await run.io_bound(self._library_view.restore, [recording.key])
        except StorageError as error:
            self._say_error(error)
        await self._look_for_recording()
        self._library_view.changed.emit()

    def _choose_results(self, results: ResultChoice) -> None:
        if isinstance(self._state, Open):
            self._draw(replace(self._state, results=results))

    # what is asked for

    def _edit(self, change: Callable[[Draft], Draft]) -> None:
        """Change the draft of the request, on every page that shows this recording."""
        state = self._state
        shown = state.shown if isinstance(state, Gone) else state
        if not isinstance(shown, Open):
            self._draw(states.edited(state, change(state.draft)))
            return
        # A draft is local to this page until its first edit; then all pages of the recording share it.
        edit = (lambda _: change(shown.draft)) if shown.unwritten else change
        try:
            self._drafts.change(shown.recording.key, edit)
        except StorageError as error:
            self._say_error(error)

    def _draft_changed(self, recording: str) -> None:
        shown, draft = states.recording_of(self._state), self._drafts.of(recording)
        if shown is not None and recording == shown.key and draft is not None:
            self._draw(states.edited(self._state, draft))

    def _change_prompts(self, change: Callable[[list[str]], list[str]]) -> None:
        try:
            self._edit(lambda draft: draft.with_prompts(*at_most(change(draft.texts))))
        except PlaygroundError as error:
            self._say_error(error)

    def _select(self, prompt: str) -> None:
        self._draw(states.with_selected(self._state, prompt))

    # jobs

    async def _separate(self, fetch: str = "") -> None:
        try:
            request = self._state.draft.request
            self._edit(lambda draft: draft)  # what is asked for is everybody's by now
            await self._submit(request, fetch)
        except PlaygroundError as error:
            self._say_error(error)

    async def _submit(self, request: Request, fetch: str = "") -> None:
        """Show the result that a request of the open recording has, or queue a job that makes it, with a new model."""
        state, store, kept = self._state, self._library_view.store, None
        if not isinstance(state, Open):
            return
        self._messages.clear()
        try:
            # Every mistake shows here, before the queue, except where the model has to come first. Both read audio.
            settled = None if fetch else await run.io_bound(settle, state.recording, request, store)
            if settled is not None and state.results.get(settled[0]) is not None:
                kept = (found := await run.io_bound(find_result, state.recording, request, store)) and found[3]
            ask = partial(self._jobs.submit, fetch=fetch) if kept is None else partial(self._jobs.look_up, kept=kept)
            self._job_changed(ask(state.recording, request))
        except PlaygroundError as error:
            self._say_error(error)

    def _more_known(self) -> None:
        self._settings.look_again()
        self._draw(self._state)

    def _job_changed(self, job: Job) -> None:
        before = self._state
        recording = states.recording_of(before)
        if recording is None or job.record.recording != recording.key or not self._jobs.sees(job):
            return
        after = states.job_changed(before, job, self._jobs.active(recording.key))
        self._draw(after)
        if isinstance(after, Open) and isinstance(before, Open) and after.results is not before.results:
            self._mixer.remember(after.results)
        self._job_view.say_failure(job)

    def _queue_arranged(self) -> None:
        """Redraw after jobs were added, removed or moved in the queue."""
        recording = states.recording_of(self._state)
        job = self._jobs.active(recording.key) if recording is not None else None
        self._draw(states.with_job(self._state, job))

    # messages

    def _say(self, what: str, why: str = "", todo: str = "") -> None:
        self._say_error(PlaygroundError(what, why, todo))

    def _say_error(self, error: PlaygroundError) -> None:
        with self._messages:
            message = error_card(error, on_dismiss=lambda: message.delete())

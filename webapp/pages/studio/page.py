"""The Studio: upload a recording, say what to isolate, choose how, run, listen, keep.

What the page shows is one value, a `StudioState`: handlers compute the next one, and `_draw` shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from nicegui import ui

from separation.errors import PlaygroundError
from separation.request import Request
from storage import StorageError
from webapp.access.handlers import may
from webapp.access.roles import Right
from webapp.components.keymap.keymap import Keymap
from webapp.components.player.track import Track
from webapp.components.transport.transport import Transport
from webapp.components.upload.upload import Uploaded, Uploading, UploadRefused
from webapp.pages.queue.get_offer import GetOffer
from webapp.pages.queue.panel import QueueView
from webapp.pages.studio import state as states
from webapp.pages.studio.choice import asked_of
from webapp.pages.studio.elsewhere import Elsewhere
from webapp.pages.studio.gone_notice import GoneNotice, lost_draft
from webapp.pages.studio.interrupted_offer import InterruptedOffer
from webapp.pages.studio.prompt_row import PromptRow
from webapp.pages.studio.recordings import RecordingsMenu, TrackChoice, start_page
from webapp.pages.studio.run_actions import RunActions
from webapp.pages.studio.run_stage import run_action, takes
from webapp.pages.studio.settings_panel import SettingsPanel, SettingsSources
from webapp.pages.studio.state import Arriving, Empty, Gone, KeptFacts, Open, StudioState
from webapp.pages.studio.submitting import submit
from webapp.pages.studio.timeline.mixer import Mixer
from webapp.pages.studio.timeline.partial_tracks import arriving_track
from webapp.pages.studio.timeline.result_choice import ResultChoice, opened
from webapp.pages.studio.timeline.waveform import WaveformView
from webapp.pages.studio.together.brought import BroughtFiles
from webapp.state.drafts import Draft, Drafts, at_most
from webapp.state.kept.exports import Exports
from webapp.state.library.view import LibraryView
from webapp.state.mixers import Mixers
from webapp.state.queue.jobs import Job
from webapp.state.queue.visible_jobs import VisibleJobs
from webapp.state.uploads import Upload, Uploads
from webapp.theme import Messages, scheme_menu, shell, text

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
        exports: Exports,
        sources: SettingsSources,
    ) -> None:
        self._library_view, self._jobs, self._drafts, self._mixers = library_view, jobs, drafts, mixers
        self._client = ui.context.client
        self._state: StudioState = Empty(draft=drafts.new())
        self._elsewhere = Elsewhere(
            library_view,
            state=lambda: self._state,
            on_change=self._draw,
            facts_of=self._facts_of,
            on_error=lambda error: self._messages.say(error),
        )
        with shell("studio", side="Settings" if may(Right.RUN) else "") as frame:
            with frame.header:
                self._header()
            with frame.main:
                self._main(uploads, exports)
            with frame.side:
                self._settings = SettingsPanel(on_edit=self._edit, sources=sources)
                self._hint = GetOffer(on_get=self._separate, may_get=self._library_view.visitor.is_host, better=True)
            with frame.actions:
                self._run = RunActions(jobs, self._separate, self._mixer.keep_stems, on_error=self._say_error)
            with frame.footer:
                self._transport = Transport()
        jobs.changed.subscribe(self._job_changed)
        jobs.arranged.subscribe(self._queue_arranged)
        uploads.changed.subscribe(self._upload_grown)
        drafts.changed.subscribe(self._draft_changed)
        library_view.changed.subscribe(self._elsewhere.look)
        sources.models.disk_changed.subscribe(self._more_known)
        sources.contents.changed.subscribe(self._more_known)
        ui.timer(LOOK_AGAIN_S, self._elsewhere.look)
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
            self._say("The result in this link is no longer here.", todo="Choose another, or separate again.")
        if why := self._drafts.unreadable(key):
            lost_draft(self._messages, self._drafts, facts.recording, why, on_error=self._say_error)

    def list_files(self, keys: Sequence[str]) -> None:
        """List recordings that were brought together, by their keys."""
        self._files.list_recordings(keys)
        self._draw(self._state)

    # what the screen holds, top to bottom

    def _header(self) -> None:
        self._title = text("Audio Playground", tag="h1")
        self._about = text("", "mute hide-phone")
        text("", "grow")
        self._queue = QueueView(self._jobs, on_open=self.open)
        Keymap()
        RecordingsMenu(self._library_view, on_open=self.open, on_upload=lambda: self._files.area.browse())
        scheme_menu()

    def _main(self, uploads: Uploads, exports: Exports) -> None:
        self._files = BroughtFiles(
            self._library_view,
            self._jobs,
            uploads,
            self._drafts,
            on_begun=self._upload_begun,
            on_uploaded=self._uploaded,
            on_refused=self._upload_refused,
            on_stopped=self._upload_stopped,
            on_open=self.open,
            on_listed=self._name_tab,
            on_error=self._say_error,
        )
        self._messages = Messages()
        self._gone = GoneNotice(on_restore=self._elsewhere.restore)
        self._offer = InterruptedOffer(self._jobs, on_show=self._queue.open, on_error=self._say_error)
        self._start = start_page(self._library_view, self._files.area, on_open=self.open)
        with ui.element("div").classes("stack") as self._workspace:
            self._track = TrackChoice(self._library_view, on_open=self.open, on_error=self._say_error)
            self._prompts = PromptRow(on_change=self._change_prompts, on_select=self._select)
            self._get = GetOffer(on_get=self._separate, may_get=self._library_view.visitor.is_host)
            self._mixer = Mixer(self._mixers, exports, on_choose=self._choose_results, on_refused=self._say_error)
            self._wave = WaveformView(
                self._mixer.lane,
                on_edit=self._edit,
                on_loop=lambda *span: self._transport.play_loop(*span),
                on_reroll=self._submit,
            )

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
        self._settings.show(state.draft, states.sound_of(state))
        for place in (self._get, self._hint):
            place.show(self._settings.choice.offer, can_start=takes(state, self._settings.choice.offer))
        self._settings.leave_to_offer(self._get.is_needed)
        self._prompts.show(state.draft, self._settings.choice, state.selected, recording, self._get.is_needed)
        self._run.show(states.job_of(state), run_action(state, self._settings.choice))
        open_key = state.key if isinstance(state, Arriving) else recording.key if recording is not None else ""
        self._files.show(open_key, state.draft, ready=self._settings.choice.possible, export=self._mixer.export_query)
        match state:
            case Open():
                self._mixer.show(state.recording, state.results, state.job, state.arrived_as)
                self._draw_open_wave(state)
                if recording is not states.recording_of(before):
                    self._name_tab()
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

    def _name_tab(self) -> None:
        """Show the open recording, and those listed with it, in the title and the address of the browser's tab."""
        if not isinstance(self._state, Open):
            return
        recording, listed = self._state.recording, self._files.listed
        ui.page_title(recording.name)
        query = urlencode({"recording": recording.key} | ({"files": ",".join(listed)} if listed else {}), safe=",")
        # Not `ui.run_javascript`: the button that was pressed may be gone by now.
        self._client.run_javascript(
            f"history.replaceState(null, '', '?{query}'); sessionStorage.setItem('studio', location.href)"
        )

    # files come

    def _upload_begun(self, upload: Uploading) -> None:
        self._messages.withdraw("upload")
        self._draw(states.upload_begun(self._state, upload["id"], upload["name"], self._drafts.new()))

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
        self._say(refused["what"], refused["why"], refused["todo"], cause="upload")

    def _uploaded(self, uploaded: Uploaded, opens: bool) -> None:
        for warning in uploaded["warnings"]:
            self._say(f"{uploaded['name']}: {warning}", accepted=True)
        if not opens:
            return
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
        drafts, job = self._drafts, self._jobs.active(key)
        facts = KeptFacts(recording=recording, usual=drafts.new(), draft=drafts.of(key), job=job, results=choice)
        try:
            Draft().with_prompts(*facts.asked)
        except PlaygroundError as error:  # another version of this program took these prompts
            self._say_error(error)
            return replace(facts, draft=facts.draft or self._drafts.new())
        return facts

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
            draft = self._state.draft
            request = draft.request if fetch else asked_of(draft, self._settings.choice)
            self._edit(lambda draft: draft)  # what is asked for is everybody's by now
            await self._submit(request, fetch)
        except PlaygroundError as error:
            self._say_error(error)

    async def _submit(self, request: Request, fetch: str = "") -> None:
        """Show the result that a request of the open recording has, or queue a job that makes it, with a new model."""
        if not isinstance(state := self._state, Open):
            return
        self._messages.clear()
        try:
            self._job_changed(await submit(state.recording, request, self._library_view, self._jobs, fetch=fetch))
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
        self._run.say_failure(job)

    def _queue_arranged(self) -> None:
        """Redraw after jobs were added, removed or moved in the queue."""
        job = self._jobs.active(recording.key) if (recording := states.recording_of(self._state)) is not None else None
        self._draw(states.with_job(self._state, job))

    # messages

    def _say(self, what: str, why: str = "", todo: str = "", *, cause: str = "", accepted: bool = False) -> None:
        self._messages.say(PlaygroundError(what, why, todo), cause=cause, accepted=accepted)

    def _say_error(self, error: PlaygroundError) -> None:
        self._messages.say(error)

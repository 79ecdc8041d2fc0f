"""The Studio: bring a recording, say what to isolate, choose how, run, listen, keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from nicegui import run, ui

from separation.errors import PlaygroundError
from separation.request import Request
from separation.results.kept import Recording, Result
from separation.results.partial import Sound
from separation.results.runs import find_result
from storage import StorageError
from webapp.components.keymap.keymap import Keymap
from webapp.components.player.track import Track
from webapp.components.transport.transport import Transport
from webapp.components.upload.upload import UploadArea, Uploaded, Uploading, UploadRefused
from webapp.pages.queue.panel import QueueView
from webapp.pages.studio.gone_notice import GoneNotice
from webapp.pages.studio.interrupted_offer import InterruptedOffer
from webapp.pages.studio.job_view import JobView
from webapp.pages.studio.mixer import Mixer
from webapp.pages.studio.prompt_row import PromptRow
from webapp.pages.studio.settings_panel import SettingsPanel, choice_of
from webapp.pages.studio.tracks import arriving_track
from webapp.pages.studio.waveform import WaveformView
from webapp.state.drafts import Draft, Drafts
from webapp.state.estimates import RunEstimates
from webapp.state.jobs import Job, Jobs, State
from webapp.state.library_view import LibraryView
from webapp.state.mixers import Mixers
from webapp.state.uploads import Upload, Uploads
from webapp.theme import (
    SCHEMES,
    button,
    drop_zone,
    error_card,
    heading,
    icon_button,
    set_scheme,
    shell,
    text,
)

FORMATS_TAKEN = "wav, flac, mp3, ogg, opus, m4a, aiff, or the sound of mp4, mov, webm, mkv"
BELOW = 'anchor="bottom right" self="top right" :offset="[0, 6]"'  # where a menu of the header opens
MAX_PROMPTS = 50
LOOK_AGAIN_S = 10.0  # terminals and other servers make and delete things, too, and tell nobody
N_RECENT = 6  # recordings the empty page offers; the menu has more


class StudioPage:
    """One open Studio. What must survive a reload is in the library, jobs, drafts and mixes, and in the address."""

    def __init__(
        self,
        library_view: LibraryView,
        jobs: Jobs,
        uploads: Uploads,
        drafts: Drafts,
        mixers: Mixers,
        estimates: RunEstimates,
    ) -> None:
        self._library_view, self._library, self._jobs, self._drafts = library_view, library_view.library, jobs, drafts
        self._draft = Draft()
        self._choice = choice_of(self._draft)
        self._unwritten = False  # whether the draft is this page's alone
        self._selected = ""  # the prompt whose spans are painted
        self._client = ui.context.client
        self._recording: Recording | None = None
        self._coming: Uploading | None = None  # a file on its way, which has the desk meanwhile
        self._upload: Upload | None = None  # as far as it is there
        self._typed = False  # whether something was asked of it already
        self._before = ""  # what had the desk
        self._shown = ""  # the result that was heard when its recording was deleted
        self._failed = ""
        with shell("studio", pages=("studio", "library", "models"), side="Settings") as frame:
            with frame.header:
                self._header()
            with frame.main:
                self._main(mixers)
            with frame.side:
                self._settings = SettingsPanel(on_edit=self._edit, estimates=estimates)
            with frame.actions:
                tip = "Starts a job that goes on when you leave. What was made before is kept as it is."
                self._run = button("", self._separate, kind="primary", classes="grow", tip=tip)
            with frame.footer:
                self._transport = Transport()
        jobs.changed.subscribe(self._job_changed)
        jobs.arranged.subscribe(self._queue_arranged)
        uploads.changed.subscribe(self._arrival_changed)
        drafts.changed.subscribe(self._draft_changed)
        library_view.changed.subscribe(self._look)
        ui.timer(LOOK_AGAIN_S, self._look)
        self._show_draft()

    def open(self, key: str, prompts: Sequence[str] = (), result: str = "") -> None:
        """Show a recording with its newest result and its job, if one runs.

        Args:
            key: of the recording in the library.
            result: key of the result to show instead of the newest.
            prompts: what to isolate; unless given, what the job or the result was asked for.
        """
        try:
            recording = self._library_view.recording(key)
        except PlaygroundError as error:
            self._say_error(error)
            return
        self._recording, self._coming = recording, None
        self._gone.watch(recording)
        self._mixer.open(recording, result)
        job = self._jobs.active(key)
        self._job_view.show(job)
        self._say_failure(job)
        begun = self._drafts.of(key)
        self._show_draft(begun)
        # To look is not to change anything: what is shown becomes the draft of everybody with the first edit of it.
        self._unwritten = bool(prompts) or begun is None
        if self._unwritten:
            texts = list(prompts) or _asked(job, self._mixer.choice.result) or self._draft.texts
            self._show_draft(replace(self._draft, prompts=()).with_prompts(*texts))
        ui.page_title(recording.name)
        # Not `ui.run_javascript`: the button that was pressed may be gone by now.
        self._client.run_javascript(f"history.replaceState(null, '', '?{urlencode({'recording': key})}')")

    # what the screen holds, top to bottom

    def _header(self) -> None:
        self._title = text("Audio Playground", tag="h1")
        self._about = text("", "mute hide-phone")
        text("", "grow")
        self._queue = QueueView(self._jobs, on_open=self.open)
        Keymap()
        with icon_button("library", "Recordings"):
            self._recordings = ui.menu().props(BELOW)
        self._recordings.on("before-show", self._list_recordings)
        with icon_button("contrast", "Dark or light"), ui.menu().props(BELOW):
            for scheme, label in SCHEMES.items():
                ui.menu_item(label, partial(set_scheme, scheme))

    def _main(self, mixers: Mixers) -> None:
        self._bring = UploadArea(
            on_brought=self._brought, on_refused=self._refused, on_coming=self._come, on_cancelled=self._stay
        )
        self._messages = ui.element("div").classes("messages").props("aria-live=polite")
        self._gone = GoneNotice(self._library.store, on_change=self._gone_or_back, on_restore=self._restore)
        self._offer = InterruptedOffer(self._jobs, on_resume=self._resume_all, on_show=self._queue.open)
        with ui.element("div").classes("stack") as self._empty:
            with drop_zone("Drop a recording here", FORMATS_TAKEN):
                button("Browse files", self._bring.browse, icon_name="file", tip="Several at once, up to 4 GB each")
                button("Try the demo", self._bring.try_demo, kind="primary", tip="A short song made for this program")
            self._recent()
        with ui.element("div").classes("stack") as self._desk:
            self._wave = WaveformView(on_edit=self._edit, on_loop=self._loop, on_reroll=self._submit)
            self._prompts = PromptRow(on_prompts=self._set_prompts, on_select=self._select)
            self._job_view = JobView(self._jobs, on_refused=self._say_error)
            with ui.element("div") as self._results:
                self._mixer = Mixer(self._library_view, mixers, on_change=self._refresh, on_refused=self._say_error)

    def _recent(self) -> None:
        recordings = self._library_view.recordings()[:N_RECENT]
        if not recordings:
            return
        heading("Recent")
        with ui.element("div").classes("recent"):
            for recording in recordings:
                item = ui.element("button").classes("recent-item").props("type=button")
                item.on("click", partial(self.open, recording.key), [])
                with item:
                    text(recording.name, "recent-name")
                    text(_described(recording), "mute small")

    # what people do

    def _come(self, coming: Uploading) -> None:
        """A file is being sent: it has the desk from now on, and is shown as far as it is there."""
        if self._recording is not None:
            self._before = self._recording.key
            self._draft = replace(self._draft, prompts=())
        self._recording, self._coming, self._upload, self._typed = None, coming, None, False
        self._gone.watch(None)
        self._job_view.show(None)
        self._mixer.clear()
        self._show_draft()

    def _arrival_changed(self, upload: Upload) -> None:
        if self._coming is not None and upload.key == self._coming["id"]:
            self._upload = upload
            self._show_draft()

    def _stay(self) -> None:
        """The file does not come after all: what was there before has the desk again."""
        if self._coming is None:
            return
        self._coming = self._upload = None
        if self._before:
            self.open(self._before)
        else:
            self._show_draft()

    def _brought(self, brought: Uploaded) -> None:
        for warning in brought["warnings"]:
            self._say(f"{brought['name']}: {warning}")
        typed = self._draft if self._coming is not None and self._typed else None
        begun = self._draft != Draft()  # before the file came
        self.open(brought["key"])
        if typed is not None:
            self._edit(lambda draft: typed)
        elif self._unwritten and begun:
            self._edit(lambda draft: draft)

    def _refused(self, refused: UploadRefused) -> None:
        self._stay()
        self._say(refused["what"], refused["why"], refused["todo"])

    def _separate(self) -> None:
        try:
            request = self._draft.request
            self._edit(lambda draft: draft)  # what is asked for is everybody's by now
            self._submit(request)
        except PlaygroundError as error:
            self._say_error(error)

    def _submit(self, request: Request) -> None:
        """Queue a run for the recording on the desk."""
        if self._recording is None:
            return
        self._messages.clear()
        try:
            find_result(self._recording, request, self._library.store)  # every mistake shows here, before the queue
            job = self._jobs.submit(self._recording, request)
        except PlaygroundError as error:
            self._say_error(error)
            return
        self._job_view.show(job)
        self._refresh()

    def _loop(self, start_s: float, stop_s: float) -> None:
        """Hear a passage again and again."""
        self._transport.set_loop(start_s, stop_s)
        self._transport.seek(start_s)
        self._transport.play()

    def _resume_all(self) -> None:
        try:
            self._jobs.resume(*self._jobs.interrupted)
        except StorageError as error:
            self._say_error(error)

    def _job_changed(self, job: Job) -> None:
        if self._recording is None or job.record.recording != self._recording.key:
            return
        self._job_view.show(self._jobs.active(self._recording.key))
        if job.state is State.DONE and job.result is not None:
            self._mixer.add(job.result)
        self._say_failure(job)
        self._refresh()

    def _queue_arranged(self) -> None:
        """Jobs came, went or changed places: what waits may wait for others now, or be gone."""
        if self._recording is not None:
            self._job_view.show(self._jobs.active(self._recording.key))
        self._refresh()

    async def _look(self) -> None:
        """See whether what is on the desk is still there."""
        await self._gone.look()
        for result in await self._mixer.look():
            try:
                trashed = await run.io_bound(self._library.store.trashed, result.key)
            except StorageError as error:
                self._say_error(error)
                continue
            todo = "Restore it from the trash in the Library." if trashed else "Separate again to have it again."
            self._say(f"“{result.name}” was deleted.", "", todo)

    async def _restore(self) -> None:
        """Bring the recording on the desk back from the trash."""
        assert self._recording is not None
        try:
            await run.io_bound(self._library.store.restore, self._recording.key)
        except StorageError as error:
            self._say_error(error)
        await self._gone.look()
        self._library_view.changed.emit()

    def _gone_or_back(self) -> None:
        if self._recording is None:
            return
        if not self._gone.gone:
            self.open(self._recording.key, result=self._shown)
            return
        # What the browser has fetched of it would play on for some seconds, and then fail.
        self._shown = self._mixer.choice.result.key if self._mixer.choice.result is not None else ""
        self._mixer.clear()
        self._wave.wait()
        self._refresh()

    # the draft

    def _edit(self, change: Callable[[Draft], Draft]) -> None:
        """Change what is asked for; every page that shows this recording follows."""
        if self._recording is None:
            self._typed = True
            self._show_draft(change(self._draft))
            return
        shown, unwritten = self._draft, self._unwritten
        self._unwritten = False
        try:
            self._drafts.change(self._recording.key, (lambda _: change(shown)) if unwritten else change)
        except StorageError as error:
            self._say_error(error)

    def _draft_changed(self, recording: str) -> None:
        if self._recording is not None and recording == self._recording.key:
            self._unwritten = False
            self._show_draft(self._drafts.of(recording))

    def _set_prompts(self, texts: list[str]) -> None:
        try:
            self._edit(lambda draft: draft.with_prompts(*texts[:MAX_PROMPTS]))
        except PlaygroundError as error:
            self._say_error(error)

    def _select(self, prompt: str) -> None:
        self._selected = prompt
        self._show_draft()

    def _show_draft(self, draft: Draft | None = None) -> None:
        """Draw what is asked for, and what follows from it."""
        self._draft = draft = draft or self._draft
        if self._selected not in draft.texts:
            self._selected = draft.texts[-1] if draft.texts else ""
        self._choice = choice_of(draft)
        self._settings.show(draft, self._choice, self._sound)
        self._prompts.show(draft, self._choice.uses, self._selected)
        self._refresh()

    # what is shown

    @property
    def _sound(self) -> Sound | None:
        """What is on the desk, as far as it is there."""
        if self._recording is not None:
            return self._recording
        return None if self._upload is None else self._upload.audio

    def _refresh(self) -> None:
        recording, job = self._recording, self._job_view.job
        self._offer.show(recording.key if recording is not None else None)
        self._empty.set_visibility(recording is None and self._coming is None)
        self._desk.set_visibility(not self._gone.gone and (recording is not None or self._coming is not None))
        self._results.set_visibility(recording is not None)
        self._show_run(len(self._draft.prompts), job if job is not None and not job.over else None)
        if self._gone.gone:
            return
        if recording is not None:
            self._title.set_text(recording.name)
            self._about.set_text(_described(recording))
            self._mixer.show(job)
            self._show_wave(recording.key, recording, self._mixer.mixture(), job)
        elif self._coming is not None:
            self._title.set_text(self._coming["name"])
            audio = self._upload.audio if self._upload is not None else None
            self._about.set_text(_described(audio) if audio is not None else "on its way")
            self._show_wave(self._coming["id"], audio, None if self._upload is None else arriving_track(self._upload))
        else:
            self._title.set_text("Audio Playground")
            self._about.set_text("")

    def _show_wave(self, key: str, sound: Sound | None, mixture: Track | None, job: Job | None = None) -> None:
        if sound is None or mixture is None:
            self._wave.wait()
            return
        if self._upload is not None and self._upload.recording == key:
            mixture["was"] = f"/media/{self._upload.key}/audio"
        result = self._mixer.choice.result if self._recording is not None else None
        self._wave.show(key, sound, mixture, self._draft, self._choice, self._selected, job, result)

    def _show_run(self, n_prompts: int, busy: Job | None) -> None:
        if self._recording is None:
            words = "Upload a recording first" if self._coming is None else "Still on its way…"
        elif self._gone.gone:
            words = "The recording was deleted"
        elif busy is not None:
            words = "In the queue…" if busy.state is State.QUEUED else f"Separating… {100 * busy.progress:.0f} %"
        else:
            words = f"Separate {n_prompts} sound{'s' * (n_prompts != 1)}" if n_prompts else "Name a sound first"
        self._run.set_text(words)
        ready = self._recording is not None and n_prompts and busy is None and not self._gone.gone
        self._run.props(remove="disabled") if ready else self._run.props("disabled")

    def _list_recordings(self) -> None:
        self._recordings.clear()
        with self._recordings:
            ui.menu_item("Upload another file…", self._bring.browse)
            ui.separator()
            for recording in self._library_view.recordings()[:20]:
                with ui.menu_item(on_click=partial(self.open, recording.key)).classes("recording-item"):
                    text(recording.name, "recent-name")
                    text(_described(recording), "mute small")

    def _say_failure(self, job: Job | None) -> None:
        """Say why a job failed, once on this page however often it is heard of."""
        if job is None or job.error is None or job.record.ended == self._failed:
            return
        self._failed = job.record.ended
        self._say(*job.error)

    def _say_error(self, error: PlaygroundError) -> None:
        self._say(error.what, error.why, error.todo)

    def _say(self, what: str, why: str = "", todo: str = "") -> None:
        with self._messages:
            message = error_card(what, why, todo, on_dismiss=lambda: message.delete())


def _asked(job: Job | None, result: Result | None) -> list[str]:
    """The prompts a recording was last separated by."""
    if job is not None:
        return list(job.record.prompts)
    return list(result.prompts) if result is not None else []


def _described(sound: Sound) -> str:
    seconds = sound.duration_s
    channels = "mono" if sound.n_channels == 1 else "stereo"
    return f"{int(seconds // 60)}:{seconds % 60:02.0f} · {sound.sample_rate / 1000:g} kHz · {channels}"

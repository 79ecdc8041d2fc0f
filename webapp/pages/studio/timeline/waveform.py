"""The large waveform of the Studio: spans, painting tools, the strip of chunks, and actions on one chunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from nicegui import ui

from separation.backends import registry
from separation.chunking.model_inputs import reach
from separation.errors import PlaygroundError
from separation.estimates.layout import outline
from separation.formatted import clock
from separation.metrics.presence_value import DOUBTFUL
from separation.request import Request, Reroll
from separation.results.kept import Result
from separation.results.partial import Sound
from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.components.player.track import Track
from webapp.components.segmented.segmented import segmented
from webapp.components.spans.spans import REDO, UNDO, Span, SpanChange, SpanPrompt, Spans, anchors_of, spans_of
from webapp.components.tracks.tracks import Tracks
from webapp.components.waveform.waveform import WaveformPlot, zooming
from webapp.pages.studio.choice import Choice
from webapp.pages.studio.prompt_row import colors
from webapp.pages.studio.timeline.partial_tracks import running_strip, strip_of
from webapp.state.drafts import Draft
from webapp.state.queue.job import Job
from webapp.theme import button, icon_button, text

LANE_PX = 158  # the height of the waveform with its ruler
TOOLS = {"seek": "Seek", "plus": "+ here", "minus": "- not here"}


class WaveformView:
    """The waveform of one recording with the spans of its draft and the chunks of its job or result.

    Args:
        lane: the mixer's rows, the first of which is the waveform's place.
        on_edit: called with a function that makes the changed draft.
        on_loop: called with a passage (start, stop in seconds) that a person wants to loop.
        on_reroll: called with a request that differs from a result in the seed of one chunk.
    """

    def __init__(
        self,
        lane: Tracks,
        *,
        on_edit: Callable[[Callable[[Draft], Draft]], object],
        on_loop: Callable[[float, float], object],
        on_reroll: Callable[[Request], object],
    ) -> None:
        self._on_edit, self._on_loop, self._on_reroll = on_edit, on_loop, on_reroll
        self._recording = ""
        self._result: Result | None = None
        self._spans_s: tuple[tuple[float, float], ...] = ()
        self._chunk: int | None = None
        self._spans: Spans | None = None  # its script is loaded with the first backend that takes spans
        with lane.tools, ui.element("span").classes("tools"):
            with ui.element("span").classes("line") as self._tools:
                segmented(
                    TOOLS,
                    "seek",
                    label="Painting tool",
                    publish="tool",
                    tooltips={
                        "seek": "Dragging moves the playhead. Spans can still be moved.",
                        "plus": "Paint where the chosen sound is (Y marks a second at the playhead).",
                        "minus": "Paint where the chosen sound is not (N marks a second at the playhead).",
                    },
                )
                self._undo = icon_button("undo", "Undo (Ctrl+Z)").on("click", js_handler=UNDO)
                self._redo = icon_button("redo", "Redo (Ctrl+Shift+Z)").on("click", js_handler=REDO)
            self._note = text("", "mute small")
            with ui.element("span").classes("line"):
                icon_button("minus", "Zoom out").on("click", js_handler=zooming(0.5))
                icon_button("plus", "Zoom in").on("click", js_handler=zooming(2))
                whole = button("Show all", kind="plain", icon_name="whole", tip="The whole recording at once")
                whole.on("click", js_handler=zooming(0))
        with lane:
            self._wave = WaveformPlot(None, height_px=LANE_PX, on_chunk=self._choose_chunk)
            self._row = only_for(ui.element("div").classes("chunk-row").props("role=status"), Right.RUN)
        self._row.set_visibility(False)
        self._history(False, False)

    def wait(self) -> None:
        """Show the skeleton, while an upload has no decoded audio yet."""
        self._wave.set_track(None)
        self._wave.set_loading()
        self._wave.set_chunks([])
        self._tools.set_visibility(False)

    def show(
        self,
        key: str,
        recording: Sound,
        mixture: Track,
        draft: Draft,
        choice: Choice,
        selected: str,
        job: Job | None,
        result: Result | None,
    ) -> None:
        """Redraw the waveform and its layers.

        Args:
            key: the key of the open recording, or of the upload.
            recording: its audio, as far as it has arrived.
            mixture: its track.
            draft: the draft with the prompts and their spans.
            choice: the backend that would separate.
            selected: the prompt whose spans are painted.
            job: the job of the recording that waits or runs, if there is one.
            result: the result that plays, if there is one.
        """
        if self._wave.track != mixture:
            self._wave.set_track(mixture)
        before = (self._recording, self._result and self._result.key, self._spans_s)
        self._result = result
        self._show_spans(key, recording, draft, choice, selected)
        if job is not None and not job.over and job.chunks:
            self._spans_s = job.spans_s
            strip = running_strip(job, recording)
            self._wave.set_chunks(strip if len(strip) > 1 else [])
        else:
            self._show_strip(recording, draft, choice, selected, result)
        if before != (self._recording, result and result.key, self._spans_s):
            self._close_chunk()  # what its row says was of another cut, or of another result

    def _show_spans(self, key: str, recording: Sound, draft: Draft, choice: Choice, selected: str) -> None:
        heeded = choice.uses.takes_anchors
        self._tools.set_visibility(heeded)
        n_spans = sum(len(prompt.anchors) for prompt in draft.prompts)
        kept = f"{choice.uses.label} takes no spans; yours are kept." if n_spans and not heeded else ""
        self._note.set_text(kept)
        opened, self._recording = key != self._recording, key
        if self._spans is None:
            if not heeded:
                return
            opened = True
            with self._wave:
                self._spans = only_for(Spans(on_change=self._painted, on_history=self._history), Right.RUN)
        of_color = colors(draft)
        spans = [span for prompt in draft.prompts for span in spans_of(prompt.text, prompt.anchors)]
        if opened:
            self._spans.set_recording(key, recording.duration_s, spans)
        elif not _same(spans, self._spans.spans):
            self._spans.set_spans(spans)
        self._spans.set_prompts([SpanPrompt(text=text, color=of_color[text]) for text in of_color] if heeded else [])
        self._spans.select(selected if heeded else "")

    def _show_strip(self, recording: Sound, draft: Draft, choice: Choice, selected: str, result: Result | None) -> None:
        cut = outline(choice.settled, recording.n_samples, recording.sample_rate)
        done = () if result is None else result.chunks_s
        self._spans_s = cut.spans_s if cut is not None else done
        strip = strip_of(self._spans_s, recording)
        for chunk in strip:
            chunk["state"] = "done" if self._spans_s == done else "pending"
        anchors = next((prompt.anchors for prompt in draft.prompts if prompt.text == selected), ())
        if cut is not None and choice.uses.takes_anchors and selected:
            reached = reach(anchors, cut.spans_s, sample_rate=cut.sample_rate, frame=cut.frame)
            for chunk, here in zip(strip, reached, strict=True):
                chunk["plus"], chunk["minus"] = here.plus, here.minus
            for chunk in strip:
                left_out = choice.settled.sam.leaves_out(anchors, reached=chunk["plus"])
                if left_out and chunk["state"] == "pending":
                    chunk["state"] = "skipped"
        self._wave.set_chunks(strip if len(strip) > 1 or anchors else [])
        if selected:
            self._wave.mark_reach(selected, colors(draft)[selected])

    # spans

    def _history(self, undo: bool, redo: bool) -> None:
        for element, possible in ((self._undo, undo), (self._redo, redo)):
            element.props(f"aria-disabled={'false' if possible else 'true'}")

    def _painted(self, change: SpanChange) -> None:
        names = {span["prompt"] for span in (*change["removed"], *change["added"])}
        try:
            removed = {words: anchors_of(words, change["removed"]) for words in names}
            added = {words: anchors_of(words, change["added"]) for words in names}
        except PlaygroundError:  # of a browser that sends nonsense; what it shows is put right
            return
        self._on_edit(lambda draft: draft.with_changed_anchors(removed, added))

    # one chunk

    def _choose_chunk(self, index: int) -> None:
        if not 0 <= index < len(self._spans_s):
            return
        self._chunk = index
        start_s, stop_s = self._spans_s[index]
        self._row.clear()
        with self._row:
            text(f"Chunk {index + 1} of {len(self._spans_s)}", "chunk-name", tag="b")
            text(f"{clock(start_s, 1)} to {clock(stop_s, 1)}", "num mute")
            for words, doubtful in self._measured(index):
                text(words, "warn small" if doubtful else "mute small")
            text("", "grow")
            button("Loop", lambda: self._on_loop(start_s, stop_s), icon_name="loop", tip="Plays just this chunk again")
            if self._can_reroll():
                self._candidates(index)
                button(
                    "Re-roll",
                    self._reroll,
                    icon_name="redo",
                    tip="Computes only this chunk again, from a new seed; the present take stays for comparison",
                )
            icon_button("close", "Close", self._close_chunk)
        self._row.set_visibility(True)

    def _close_chunk(self) -> None:
        self._chunk = None
        self._row.set_visibility(False)

    def _is_of_result(self) -> bool:
        """Return whether the drawn chunks are those of the result."""
        return self._result is not None and self._result.chunks_s == self._spans_s

    def _can_reroll(self) -> bool:
        if self._result is None or not self._is_of_result():
            return False
        backend = registry.named(self._result.backend)
        if backend is None or not backend.profile.rerolls:
            return False
        try:
            chunks = self._result.request.chunks
        except PlaygroundError:  # another version of this program made it
            return False
        return chunks is not None and chunks.stitch == "crossfade"

    def _measured(self, index: int) -> list[tuple[str, bool]]:
        """Return a sentence about a chunk of the result, and whether it is a warning."""
        if self._result is None or not self._is_of_result():
            return []
        found = []
        for one in self._result.measures:
            if one.index == index and (share := one.explained_energy) is not None:
                drift = "" if one.gain_drift_db is None else f", {one.gain_drift_db:+.1f} dB"
                muted = ", muted as doubtful" if one.muted else ""
                found.append(
                    (f"{one.stem}: {100 * share:.0f} % explained{drift}{muted}", share < DOUBTFUL or one.muted)
                )
        return found

    def _candidates(self, index: int) -> None:
        """Draw a button for each candidate of a chunk; pressed is the one that is heard."""
        assert self._result is not None
        request = self._result.request
        if request.sam.candidates == 1:
            return
        seed = next((one.seed for one in self._result.measures if one.index == index and one.seed is not None), None)
        heard = request.seed_of(index) if seed is None else seed
        with ui.element("span").classes("line").props('role=group aria-label="Candidates of this chunk"'):
            for number in range(request.sam.candidates):
                seed_here = candidate_seed(request, number)
                mark = seed_here == heard
                one = button(
                    f"{number + 1}{' best' if mark and seed is not None else ''}",
                    partial(self._on_reroll, with_candidate(request, index, number)),
                    tip=f"Candidate {number + 1}, computed from seed {seed_here}",
                )
                one.props(f"aria-pressed={'true' if mark else 'false'}")
            if seed is None:
                button("Best", partial(self._on_reroll, with_candidate(request, index, None)), tip="Chooses by score")

    def _reroll(self) -> object:
        if self._result is None or self._chunk is None:
            return None
        return self._on_reroll(rerolled(self._result.request, self._chunk))


def rerolled(request: Request, chunk: int) -> Request:
    """Return the request with a seed for one chunk that neither this nor another chunk has had."""
    others = tuple(reroll for reroll in request.sam.rerolls if reroll.chunk != chunk)
    last = request.seed + request.sam.candidates - 1
    seed = 1 + max((last, *(reroll.seed for reroll in request.sam.rerolls)))
    return replace(request, sam=replace(request.sam, rerolls=(*others, Reroll(chunk=chunk, seed=seed))))


def with_candidate(request: Request, chunk: int, number: int | None) -> Request:
    """Return the request with one candidate of a chunk chosen; None leaves the choice to the program."""
    others = tuple(reroll for reroll in request.sam.rerolls if reroll.chunk != chunk)
    chosen = () if number is None else (Reroll(chunk=chunk, seed=candidate_seed(request, number)),)
    return replace(request, sam=replace(request.sam, rerolls=(*others, *chosen)))


def candidate_seed(request: Request, number: int) -> int:
    """Return the seed of a candidate of every chunk that has no seed of its own."""
    return replace(request, sam=replace(request.sam, rerolls=())).seed_of(0, number)


def _same(spans: Sequence[Span], others: Sequence[Span]) -> bool:
    """Return whether the spans of each prompt are the same, in whatever order the prompts are."""

    def by_prompt(of: Sequence[Span]) -> list[Span]:
        return sorted(of, key=lambda span: span["prompt"])

    return by_prompt(spans) == by_prompt(others)

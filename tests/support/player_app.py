"""A page with every component and synthetic audio, for the browser tests and for looking at.

    python -m tests.support.player_app --port 8090        then open http://127.0.0.1:8090/?scheme=dark

The three tracks of the mixer obey mixture = target + residual, sample by sample; "anti" is the mixture upside down.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

import numpy as np
from fastapi import Response
from nicegui import app, ui

from separation.audio.spectrogram import tile
from separation.audio.waveform import Waveform as Sound
from separation.chunking.model_inputs import reach
from separation.chunking.plan import plan
from separation.errors import AudioError
from separation.model.windowing import Windowing
from separation.prompts import anchor_text
from separation.request import ChunkSettings
from webapp.components.cells.cells import Cell
from webapp.components.player.track import ChunkCell, Track
from webapp.components.spans.spans import REDO, UNDO, SpanChange, SpanPrompt, Spans, anchors_of, spans_of
from webapp.components.tracks.tracks import Tracks
from webapp.components.transport.transport import Transport
from webapp.components.waveform.waveform import WaveformPlot
from webapp.state.drafts import Draft
from webapp.theme import (
    CostBox,
    JobCard,
    button,
    card,
    chip,
    drop_zone,
    error_card,
    heading,
    install_theme,
    pill,
    segmented,
    shell,
    stem_color,
    text,
)

SAMPLE_RATE = 48_000
N_SAMPLES = 21 * SAMPLE_RATE + 1234  # not a whole number of windows
delay_s: dict[str, float] = {}  # track id -> how long its samples take, set by tests


def _sounds() -> dict[str, np.ndarray]:
    """Stereo float32, each (n_samples, 2): a "voice" in phrases, a "street" of noise and hum, their sum, minus it."""
    rng = np.random.default_rng(7)
    t = np.arange(N_SAMPLES) / SAMPLE_RATE  # (samples,)
    phrases = (np.sin(2 * np.pi * t / 7.3) > -0.1) * (0.55 + 0.45 * np.sin(2 * np.pi * 2.3 * t)) * np.minimum(1, t)
    pitch = 160 + 30 * np.sin(2 * np.pi * 0.4 * t)
    voice = phrases * np.sin(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE)
    swell = 0.35 + 0.3 * np.sin(2 * np.pi * t / 11) ** 2
    street = swell * (0.5 * rng.uniform(-1, 1, N_SAMPLES) + 0.3 * np.sin(2 * np.pi * 70 * t))
    target = (0.45 * np.stack([voice, 0.8 * voice], axis=1)).astype(np.float32)  # (samples, 2)
    residual = (0.5 * np.stack([0.7 * street, street], axis=1)).astype(np.float32)
    mixture = target + residual
    tone = np.repeat(0.5 * np.sin(2 * np.pi * 441.7 * t)[:, None], 2, axis=1).astype(np.float32)
    return {"mixture": mixture, "target": target, "residual": residual, "anti": -mixture, "tone": tone}


SOUNDS = _sounds()


def track(id_: str, name: str, color: str) -> Track:
    return Track(
        id=id_,
        name=name,
        color=color,
        url=f"/media/{id_}",
        n_samples=N_SAMPLES,
        sample_rate=SAMPLE_RATE,
        n_channels=2,
        download=f"/media/{id_}/pcm?start=0&count=100",
    )


MIXTURE = track("mixture", "Mixture", stem_color("mixture"))
TARGET = track("target", "man speaking", stem_color("target"))
RESIDUAL = track("residual", "everything else", stem_color("residual"))


def serve_media() -> None:
    @app.get("/media/{id_}/pcm")
    async def pcm(id_: str, start: int, count: int) -> Response:
        if id_ not in SOUNDS:
            return Response(status_code=204)  # as the studio answers for what was deleted
        await asyncio.sleep(delay_s.get(id_, 0.0))
        return Response(SOUNDS[id_][start : start + count].astype("<f4").tobytes())

    @app.get("/media/{id_}/peaks")
    def peaks(id_: str) -> Response:
        if id_ not in SOUNDS:
            return Response(status_code=204)  # as the studio answers for what was deleted
        padded = np.pad(SOUNDS[id_], ((0, -N_SAMPLES % 256), (0, 0))).reshape(-1, 256 * 2)  # (peaks, samples * 2)
        pairs = np.stack([padded.min(axis=1), padded.max(axis=1)], axis=1)  # (peaks, 2)
        return Response(np.clip(np.round(127 * pairs), -127, 127).astype(np.int8).tobytes())

    @app.get("/media/{id_}/spectrogram/{level}/{index}")
    def spectrogram(id_: str, level: int, index: int) -> Response:
        return Response(tile(Sound(SOUNDS[id_].T, SAMPLE_RATE), level, index).tobytes())

    @app.post("/delay/{id_}/{seconds}")
    def delay(id_: str, seconds: float) -> dict[str, float]:
        delay_s[id_] = seconds
        return delay_s


def chunks() -> list[ChunkCell]:
    hop = N_SAMPLES // 13 + 1
    states = ["cached"] * 3 + ["done"] * 4 + ["running"] + ["pending"] * 5
    return [
        ChunkCell(start=k * hop, count=hop, state=state, fraction=0.56, plus=k in (1, 2, 3, 4, 7, 8), minus=k == 5)  # type: ignore[typeddict-item]  # literals from a list
        for k, state in enumerate(states)
    ]


def studio() -> None:
    """The studio as the mock has it, with sound."""
    events: list[str] = []
    with shell("studio") as frame:
        with frame.header:
            text("street interview, take 3.mp4", tag="h1")
            text("0:21 · 48 kHz · stereo", "mute hide-phone")
            text("", "grow")
            pill("Cached: 3 of 13 chunks").classes("hide-phone")
            pill("Sharing on: 2 listeners", state="ok").classes("hide-phone")
            text("?", tag="kbd").classes("hide-phone")
        with frame.main:
            with card():
                with ui.element("div").classes("toolbar"):
                    modes = {"select": "Select", "plus": "+ Here", "minus": "− Not here"}
                    segmented(modes, "select", label="Painting tool", tooltips={"plus": "Paint where the sound is"})
                    text("Painting for man speaking · snaps to 40 ms", "mute hide-phone")
                    text("", "grow")
                    segmented(["Loop span", "Only inside +"], "Loop span", label="Spans")
                wave = WaveformPlot(MIXTURE, chunks=chunks(), on_seek=lambda s: log.set_text(note(f"seek {s:.2f}")))
            with card("chips"):
                chip("man speaking", TARGET["color"], detail="2 + · 1 −", selected=True, on_click=noop, on_remove=noop)
                chip("car passing", RESIDUAL["color"], on_click=noop, on_remove=noop)
                ui.input(placeholder="another sound, in a few words…").props("borderless dense").classes("grow")
            cells = [Cell(state=c["state"], fraction=c.get("fraction", 0.0)) for c in chunks()]
            job = JobCard("Separating", "chunk 8 of 13 · step 9 of 16", cells=cells, remaining="0:21 left")
            with job.buttons:
                button("Cancel", noop)
            with card():
                rows = [MIXTURE, with_meter(TARGET), RESIDUAL]
                tracks = Tracks(rows, on_mix=lambda mix: log.set_text(note(f"mix {mix}")))
            error = AudioError("notes.txt is not audio.", "Its first bytes are text.", "Choose a sound or video file.")
            error_card(error, on_dismiss=noop)
            with drop_zone("Drop a recording here", "wav, flac, mp3, ogg, opus, m4a, aiff, or the sound of a video"):
                button("Browse files", noop, icon_name="file")
                button("Try the demo", noop, kind="primary")
            log = text("", "mute small", tag="p").props("id=log")
        with frame.side:
            segmented(["Preview", "Balanced", "Quality", "Custom"], "Balanced", label="Preset", full=True)
            heading("Who separates")
            ui.select(["SAM-Audio base · bf16", "Demucs htdemucs"], value="SAM-Audio base · bf16").classes("w-full")
            text("Chosen automatically: free text prompts with spans, weights on disk.", "mute small", tag="p")
            heading("Solver")
            segmented(["Euler", "AB2", "Midpoint", "Heun", "RK4"], "AB2", label="Solver", full=True)
            with ui.element("div").classes("field"):
                text("Steps", "mute")
                ui.slider(min=1, max=64, value=16).classes("grow")
                text("16", tag="b")
            heading("Result")
            with ui.element("div").classes("field"):
                text("Seed", "mute")
                ui.number(value=42, format="%d").classes("grow")
            ui.switch("Only inside + spans", value=True)
            CostBox({"Expected time": "0:41 to 1:02", "Memory": "2.9 GB, fits", "Licence": "SAM licence"})
        with frame.actions:
            button("Separate 2 sounds", noop, kind="primary", tip="Starts the job; it goes on when you leave")
        with frame.footer:
            Transport(on_play=lambda s: log.set_text(note(f"play {s:.2f}")), on_seek=lambda s: note(f"jump {s:.2f}"))

    def note(line: str) -> str:
        events.append(line)
        return " | ".join(events)

    ui.button(on_click=lambda: wave.update_chunk(8, "running", 0.4)).props("id=step").classes("sr-only")
    late = track("anti", "late stem", stem_color("late stem"))
    ui.button(on_click=lambda: tracks.set_tracks([MIXTURE, TARGET, late])).props("id=late").classes("sr-only")
    ui.button(on_click=lambda: tracks.set_tracks([TARGET, RESIDUAL, late])).props("id=null").classes("sr-only")
    gone = track("gone", "lost", stem_color("lost"))
    ui.button(on_click=lambda: tracks.set_tracks([MIXTURE, TARGET, gone])).props("id=gone").classes("sr-only")
    tone = track("tone", "tone", stem_color("tone"))
    ui.button(on_click=lambda: tracks.set_tracks([MIXTURE, TARGET, tone])).props("id=tone").classes("sr-only")


def with_meter(shown: Track) -> Track:
    return Track({**shown, "explained": [0.97] * 8 + [0.4] + [0.9] * 4})


def marking(given: str, elsewhere: str, frame_s: float) -> None:
    """The waveform with its spans; what the server knows of them stands at the foot, as JSON."""
    n_changes = 0
    names = ("target", "residual")
    draft = Draft().with_prompts(*names).with_anchors("target", anchor_text.parse_anchors(given))
    lags: list[bool] = []
    cut = plan(N_SAMPLES, Windowing.of(ChunkSettings(chunk_s=3, overlap_s=0.4), SAMPLE_RATE, 1920))
    spans_s = [(chunk.start / SAMPLE_RATE, chunk.stop / SAMPLE_RATE) for chunk in cut]

    def show_reach() -> None:
        name = spans.selected
        starts = [chunk.start for chunk in cut] + [N_SAMPLES]
        reached = reach(anchors_of(name, spans.spans), spans_s)
        wave.set_chunks(
            [
                ChunkCell(start=start, count=starts[k + 1] - start, state="pending", plus=here.plus, minus=here.minus)
                for k, (start, here) in enumerate(zip(starts[:-1], reached, strict=True))
            ]
        ).mark_reach(name, stem_color(name))

    def changed(change: SpanChange) -> None:
        nonlocal n_changes, draft
        n_changes += 1
        if lags:
            time.sleep(0.3)  # the server is busy with something
            spans.update()
        removed, added = ({name: anchors_of(name, change[part]) for name in names} for part in ("removed", "added"))
        draft = draft.with_changed_anchors(removed, added)
        show(draft)
        heard.set_text(json.dumps({"changes": n_changes, "spans": spans.spans}))
        show_reach()

    def show(now: Draft) -> None:
        nonlocal draft
        draft = now
        spans.set_spans([span for prompt in now.prompts for span in spans_of(prompt.text, prompt.anchors)])

    def choose(name: str) -> None:
        spans.select(name)
        show_reach()

    def undoable(undo: bool, redo: bool) -> None:
        states.set_text(json.dumps({"undo": undo, "redo": redo}))

    with shell("studio", side="") as frame:
        with frame.main, card():
            with ui.element("div").classes("toolbar"):
                modes = {"seek": "Select", "plus": "+ Here", "minus": "− Not here"}
                segmented(modes, "seek", label="Tool", publish="tool")
                segmented(names, "target", choose, label="Sound")
                button("Undo").on("click", js_handler=UNDO)
                button("Redo").on("click", js_handler=REDO)
            with WaveformPlot(MIXTURE) as wave:
                spans = Spans(
                    spans_of("target", anchor_text.parse_anchors(given)),
                    prompts=[SpanPrompt(text=name, color=stem_color(name)) for name in names],
                    selected="target",
                    duration_s=N_SAMPLES / SAMPLE_RATE,
                    frame_s=frame_s,
                    recording="a",
                    on_change=changed,
                    on_history=undoable,
                )
        with frame.footer:
            Transport()
    heard = text(json.dumps({"changes": 0, "spans": spans.spans}), tag="p").props("id=heard").classes("sr-only")
    states = text(json.dumps({"undo": False, "redo": False}), tag="p").props("id=history").classes("sr-only")
    for name, act in {
        "elsewhere": lambda: show(draft.with_anchors("target", anchor_text.parse_anchors(elsewhere))),
        "lag": lambda: lags.append(True),
        "other": lambda: spans.set_recording("b", 5.0),
        "back": lambda: spans.set_recording(
            "a", N_SAMPLES / SAMPLE_RATE, spans_of("target", anchor_text.parse_anchors(given))
        ),
    }.items():
        ui.button(on_click=act).props(f"id={name}").classes("sr-only")
    show_reach()


def noop() -> None:
    """A button of a page that does nothing."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8090)
    serve_media()

    @ui.page("/", language="en-US", title="Player")
    def index(scheme: str = "auto") -> None:
        install_theme("dark" if scheme == "dark" else "light" if scheme == "light" else "auto")
        studio()

    @ui.page("/spans", language="en-US", title="Spans")
    def marked(spans: str = "", elsewhere: str = "", scheme: str = "auto", frame_s: float = 0.04) -> None:
        install_theme("dark" if scheme == "dark" else "light" if scheme == "light" else "auto")
        marking(spans, elsewhere, frame_s)

    @ui.page("/empty", language="en-US", title="Empty")
    def empty() -> None:
        install_theme("auto")
        with shell("library", side="") as frame:
            with frame.main, card():
                WaveformPlot(None)
                Tracks([])
            with frame.footer:
                Transport()

    port = parser.parse_args().port
    ui.run(port=port, host="127.0.0.1", reload=False, show=False, reconnect_timeout=30, show_welcome_message=False)


if __name__ == "__main__":
    main()

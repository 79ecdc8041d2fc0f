"""Every handler of every page asks for a right, and what is asked for is enough: who has none can change nothing."""

from __future__ import annotations

import asyncio
import inspect
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
import pytest
from nicegui import Client, ui

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.engine.engine import Inline
from separation.request import Request
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.support.kept_benchmarks import keep_benchmark_of
from tests.support.simulated import simulated_studio
from webapp.access.handlers import asks, event_of, listeners_of, need_of_event, said_need
from webapp.access.roles import Right
from webapp.access.routes import Asks, meets
from webapp.access.sessions import visitor_of

PASSCODE = "four calling birds"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder with a recording, two results, an interrupted job, a benchmark and a draft."""
    store = ArtifactStore(tmp_path / "home")
    tone = 0.1 * np.sin(np.arange(44_100) / 20, dtype=np.float32)
    song = tmp_path / "song.wav"
    encode(Waveform(np.stack([tone, tone]), 44_100), song)
    recording = import_recording(song, store)
    results = []
    for prompt in ("drums", "bass"):
        run = separate_recording(recording, Request.of(prompt, backend="builtin-dsp"), store, Inline())
        results.append(result_of_run(run))
    keep_benchmark_of(store, recording, results)
    store.close()
    return tmp_path / "home"


def result_of_run(run: Any) -> Any:
    while True:
        try:
            next(run)
        except StopIteration as stop:
            return stop.value


def pages(home: Path) -> list[str]:
    store = ArtifactStore(home)
    (recording,) = [row.key for row in store.rows("recording")]
    results = ",".join(row.key for row in store.rows("result"))
    store.close()
    return [
        "/",
        f"/?recording={recording}",
        f"/compare?items={results}",
        "/compare",
        "/benchmark",
        "/benchmark/small",
        "/library",
        "/models",
        "/settings",
    ]


def listeners(elements: list[ui.element]) -> Iterator[tuple[ui.element, Any]]:
    """The events of elements that reach a handler of ours."""
    for element in elements:
        for listener in listeners_of(element).values():
            if listener.handler is not None:
                yield element, listener


async def test_every_handler_of_every_page_says_what_it_asks_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent, n_heard = [], 0
    async with simulated_studio(home, monkeypatch, passcode=PASSCODE) as page:
        for path in pages(home):
            await page.open(path)
            await asyncio.sleep(0.2)
            for element, listener in listeners(page.elements):
                n_heard += 1
                if said_need(element, event_of(listener)) is None:
                    silent.append((path, type(element).__name__, listener.type, element.props.get("aria-label", "")))
    assert n_heard > 200
    assert sorted(set(silent)) == [], "\n".join(map(str, sorted(set(silent))))


@pytest.mark.long
async def test_a_guest_who_may_only_listen_changes_nothing_by_any_handler(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATED_RIGHTS", "listen")
    fired = set()
    async with simulated_studio(home, monkeypatch, passcode=PASSCODE) as page:
        await page.open("/")
        before = kept_in(home)
        await page.log_in(PASSCODE)
        for path in pages(home):
            await page.open(path)
            await asyncio.sleep(0.2)
            guest = visitor_of(page.elements[0].client.request)
            assert not guest.is_host
            for element, listener in list(listeners(page.elements)):
                if meets(guest, need_of_event(element, event_of(listener))):
                    fired.add((path, type(element).__name__, listener.type))
                    fire(element, listener, home)
            await asyncio.sleep(0.5)
        assert kept_in(home) == before
    assert len(fired) > 20, "the guest may look and listen"


@pytest.mark.parametrize("rights", ["", "listen", "listen upload", "listen run", "listen run upload manage"])
async def test_no_button_is_shown_that_a_guest_may_not_press(
    rights: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATED_RIGHTS", rights)
    refused, n_shown = [], 0
    async with simulated_studio(home, monkeypatch, passcode=PASSCODE) as page:
        await page.open("/")
        await page.log_in(PASSCODE)
        for path in pages(home):
            if (await page.request("GET", path)).status_code == 403:
                continue
            await page.open(path)
            await asyncio.sleep(0.2)
            guest = visitor_of(page.elements[0].client.request)
            if any("queue-button" in element.classes for element in page.shown):
                page.click("queue-button")
            for element, listener in listeners(page.shown):
                if any(isinstance(one, ui.dialog) and not one.value for one in element.ancestors()):
                    continue
                n_shown += 1
                if listener.type == "click" and not meets(guest, need_of_event(element, "click")):
                    refused.append((path, getattr(element, "text", ""), element.props.get("aria-label", "")))
    assert n_shown > 10
    assert refused == [], "\n".join(map(str, refused))


def fire(element: ui.element, listener: Any, home: Path) -> None:
    """Send an event with a value of the shape that its handler takes."""
    found = inspect.getclosurevars(listener.handler).nonlocals if inspect.isfunction(listener.handler) else {}
    value: Any = value_of(found["shape"]) if "shape" in found else None
    inner = found.get("handler")
    if listener.type == "changes" and inspect.isfunction(inner):
        change = value_of(inspect.getclosurevars(inner).nonlocals["shape"])
        value = [{"number": element.props["applied"] + 1, "change": change}]
    args = [] if value is None else [json.dumps(value)]
    element.client.handle_event({"id": element.id, "listener_id": listener.id, "args": args})


def value_of(shape: Any) -> Any:
    """A value of a shape as `webapp.components.sent.fits` knows them."""
    origin, inner = get_origin(shape), get_args(shape)
    if is_typeddict(shape):
        return {name: value_of(hint) for name, hint in get_type_hints(shape).items()}
    if origin is Literal:
        return inner[0]
    if origin in (list, Sequence):
        return [value_of(inner[0])]
    if origin in (dict, Mapping):
        return {"x": value_of(inner[1])}
    if inner:
        return value_of(inner[0])
    return {bool: True, int: 1, float: 0.25, str: "drums"}.get(shape)


def kept_in(home: Path) -> dict[str, str]:
    """The files of a data folder that people's work is in, by content; a guest's own faders are none of them."""
    store = ArtifactStore(home)
    rows = {row.key: repr(row._replace(used_s=0.0)) for kind in ("recording", "result") for row in store.rows(kind)}
    store.close()
    tables = {}
    for file in sorted(home.glob("*/cache.db")):
        if file.parent.name != "sessions":
            with closing(sqlite3.connect(file)) as table:
                values = table.execute("SELECT key, value FROM Cache WHERE key NOT LIKE '%/mixer-%'").fetchall()
            tables[file.parent.name] = repr(sorted(values, key=repr)) if file.parent.name != "artifacts" else ""
    return rows | tables


def test_a_part_asks_for_what_was_said_of_it_or_around_it_and_else_it_is_the_hosts() -> None:
    with Client(ui.page("/anything")), ui.element() as whole, ui.element() as part:
        inner = ui.element()
    assert need_of_event(inner, "click") is Asks.HOST and said_need(inner, "click") is None
    asks(whole, Asks.SESSION)
    asks(part, Right.RUN, "rename")
    assert need_of_event(part, "rename") is Right.RUN
    assert need_of_event(part, "click") is Asks.SESSION
    assert need_of_event(inner, "rename") is Asks.SESSION, "an event that was named is the element's own"
    asks(part, Right.MANAGE)
    assert need_of_event(inner, "click") is Right.MANAGE
    assert need_of_event(part, "rename") is Right.RUN

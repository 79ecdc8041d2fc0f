"""Opens the studio's pages without a server or a browser, reads their texts and presses their buttons.

What a page draws itself in the browser (the lists of the library, waveforms, layout, focus) is not there; those tests
drive a real one.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import URL, ASGITransport, AsyncClient, Cookies, Response
from nicegui import app, ui
from nicegui.testing.user import User
from nicegui.testing.user_interaction import UserInteraction
from nicegui.testing.user_simulation import user_simulation

import webapp.main
from webapp.access.handlers import NOT_FOR_VISITOR

HERE = "http://127.0.0.1"
OURS = {"Origin": HERE}
MANY = 50_000  # objects; a page leaves some thousands, and those of the last one would be kept for ever
LONG_S = 60.0  # until a test gives up; nothing here takes a second on a free computer


class SimulatedStudio:
    """A person with one page open."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._people: dict[str, Cookies] = {}

    async def open(self, path: str, *, at: str = HERE) -> SimulatedStudio:
        """Open a page at this address of the server."""
        self._user.http_client.base_url = URL(at)
        await self._user.open(path)
        return self

    async def log_in(self, passcode: str) -> SimulatedStudio:
        """Become a guest."""
        answer = await self._user.http_client.post(f"{HERE}/login", data={"passcode": passcode}, headers=OURS)
        assert answer.status_code == 303
        return self

    async def become(self, name: str, passcode: str) -> None:
        """Be this guest from now on, in a browser of his own; "" is the host, who sits at the computer."""
        browser = self._user.http_client
        browser.cookies = self._people.setdefault(name, Cookies())
        if name and not browser.cookies:
            answer = await browser.post(f"{HERE}/login", data={"passcode": passcode, "name": name}, headers=OURS)
            assert answer.status_code == 303
            self._people[name] = browser.cookies

    async def request(self, method: str, path: str, content: bytes = b"") -> Response:
        """Send a request of this browser and return its answer."""
        return await self._user.http_client.request(method, f"{HERE}{path}", headers=OURS, content=content)

    async def log_out(self) -> None:
        """Be the host again, who sits at the computer."""
        answer = await self._user.http_client.post(f"{HERE}/logout", headers=OURS)
        assert answer.status_code == 303

    async def join(self, secret: str, name: str) -> None:
        """Become a guest by a one-time link."""
        answer = await self._user.http_client.post(f"{HERE}/join/{secret}", data={"name": name}, headers=OURS)
        assert answer.status_code == 303

    async def elsewhere(self, passcode: str, name: str) -> AsyncClient:
        """Become a guest in another browser, which is returned."""
        browser = AsyncClient(transport=ASGITransport(app), base_url=HERE, headers=OURS)
        answer = await browser.post("/login", data={"passcode": passcode, "name": name})
        assert answer.status_code == 303
        return browser

    async def status(self, method: str, path: str, host: str = "127.0.0.1") -> int:
        """Send a request of this browser, under a name of the server, and return the status of its answer."""
        headers = {**OURS, "Host": host}
        return (await self._user.http_client.request(method, f"{HERE}{path}", headers=headers)).status_code

    @property
    def text(self) -> str:
        """Everything that is to be read on the page, a line for each piece."""
        return "\n".join(_texts(self._layout))

    def of(self, label: str, classes: str = "") -> str:
        """What is to be read in the elements with this name for screen readers, or in their parts of some class."""
        found = [element for element in _shown(self._layout) if element.props.get("aria-label") == label]
        if classes:
            found = [part for element in found for part in _shown(element) if classes in part.classes]
        return "\n".join(line for element in found for line in _texts(element))

    def all(self, classes: str) -> list[str]:
        """What is to be read in each element of a class."""
        return ["\n".join(_texts(element)) for element in _shown(self._layout) if classes in element.classes]

    def buttons(self, classes: str) -> list[str]:
        """What is written on each button in the elements of a class."""
        inside = [part for part in _shown(self._layout) if classes in part.classes]
        return ["\n".join(_texts(part)) for element in inside for part in _shown(element) if part.tag == "button"]

    def pressed(self, label: str) -> dict[str, bool]:
        """What is written on each button in the group of this name, and whether it is the pressed one."""
        groups = [element for element in _shown(self._layout) if element.props.get("aria-label") == label]
        buttons = [part for group in groups for part in _shown(group) if part.tag == "button"]
        return {"\n".join(_texts(part)): part.props.get("aria-pressed") == "true" for part in buttons}

    def press_what_is_hidden(self) -> int:
        """Press each button that is not shown, as a browser can whose page was changed; returns how many there are."""
        shown = set(_shown(self._layout))
        hidden = [part for part in self._layout.client.elements.values() if part.tag == "button" and part not in shown]
        # NiceGUI would not listen to what is hidden; this reaches what a button would do all the same.
        UserInteraction(self._user, set(hidden), None).trigger("click")
        return len(hidden)

    def press(self, words: str, *, of: str = "", times: int = 1) -> None:
        """Press the one button with these words, on the whole page or within the element of a name.

        A browser sends every click that came before it heard of the first one's effect.
        """
        if run := [element for element in _shown(self._layout) if element.props.get("words") == words]:
            assert run[0].props["ready"], f"“{words}” cannot be pressed"
            first = run[0].props["applied"] + 1
            for number in range(first, first + times):
                UserInteraction(self._user, {run[0]}, words).trigger("changes", [{"number": number, "change": "press"}])
            return
        inside = [part for part in _shown(self._layout) if not of or part.props.get("aria-label") == of]
        (button,) = {
            element
            for part in inside
            for element in _shown(part)
            if element.tag == "button" and getattr(element, "text", "") == words
        }
        assert "disabled" not in button.props, f"“{words}” cannot be pressed"
        for _ in range(times):
            UserInteraction(self._user, {button}, words).trigger("click")

    def click(self, classes: str) -> None:
        """Press the one element of a class."""
        (element,) = [element for element in _shown(self._layout) if classes in element.classes]
        UserInteraction(self._user, {element}, classes).trigger("click")

    def copies(self, label: str) -> str | None:
        """What the button of this label copies; None if there is none."""
        buttons = [element.props for element in _shown(self._layout) if element.props.get("label") == label]
        return next((str(props["text"]) for props in buttons if "text" in props), None)

    def links(self, words: str) -> list[str]:
        """Where the links with these words lead."""
        found = (element for element in _shown(self._layout) if element.tag == "a")
        return [str(link.props["href"]) for link in found if "\n".join(_texts(link)) == words]

    def enter(self, label: str, value: str) -> None:
        """Type into the field of this name and press the return key."""
        (field,) = [element for element in _shown(self._layout) if element.props.get("aria-label") == label]
        UserInteraction(self._user, {field}, label).trigger("keydown.enter", value)

    @property
    def details(self) -> list[dict[str, Any]]:
        """What the list of the library shows below its results."""
        lists = [element.props["details"] for element in _shown(self._layout) if "details" in element.props]
        return [one for details in lists for one in details.values()]

    def tell(self, component: str, event: str, value: object) -> None:
        """Send what the browser's part of the one component of this name would."""
        (element,) = [one for one in _shown(self._layout) if type(one).__name__ == component]
        UserInteraction(self._user, {element}, component).trigger(event, value)

    @property
    def elements(self) -> list[ui.element]:
        """Everything on the page, shown or not."""
        return list(self._layout.client.elements.values())

    @property
    def shown(self) -> list[ui.element]:
        """What is to be seen on the page."""
        return list(_shown(self._layout))

    @property
    def downloads(self) -> list[str]:
        """The addresses of the files that tracks can be kept as."""
        tracks = [track for element in _shown(self._layout) for track in element.props.get("tracks", [])]
        return [track["download"] for track in tracks if track.get("download")]

    @property
    def prompts(self) -> dict[str, Any]:
        """What the row of prompts is given to draw."""
        (row,) = (element for element in _shown(self._layout) if "suggestions" in element.props)
        return dict(row.props)

    @property
    def notifications(self) -> list[str]:
        """What the page has said in passing."""
        return self._user.notify.messages

    def set(self, name: str, value: object) -> None:
        """Enter a value into the control of this name in the settings panel, whether it may be entered or not."""
        (panel,) = [element for element in _shown(self._layout) if name in _fields(element)]
        change = {"number": panel.props["applied"] + 1, "change": {"set": name, "value": value}}
        UserInteraction(self._user, {panel}, name).trigger("changes", [change])

    def setting(self, name: str) -> dict[str, Any]:
        """What is known of the control of this name, such as its value and what is said of it; nothing without it."""
        return next((found[name] for element in _shown(self._layout) if name in (found := _fields(element))), {})

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + LONG_S
        while not condition():
            assert time.monotonic() < deadline, f"not within {LONG_S} s: {what}\n{self.text}"
            await asyncio.sleep(0.01)

    @property
    def _layout(self) -> ui.element:
        assert self._user.client is not None
        return self._user.client.layout


def _fields(element: ui.element) -> dict[str, dict[str, Any]]:
    groups = [*element.props.get("groups", []), *element.props.get("details", {}).values()]
    return {field["name"]: field for group in groups for field in group.get("fields", [])}


def _shown(element: ui.element) -> Iterator[ui.element]:
    """An element and what is in it, from top to bottom, without what is hidden."""
    if element.visible and NOT_FOR_VISITOR not in element.classes:
        yield element
        for child in element.default_slot.children:
            yield from _shown(child)


def _texts(element: ui.element) -> Iterator[str]:
    for part in _shown(element):
        if words := getattr(part, "text", "") or part.props.get("words", ""):
            yield str(words)


@asynccontextmanager
async def simulated_studio(
    home: Path, monkeypatch: pytest.MonkeyPatch, passcode: str = ""
) -> AsyncIterator[SimulatedStudio]:
    """The studio on a data folder, shared if there is a passcode; what it runs in the background ends with it."""
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(home))
    monkeypatch.setenv("SIMULATED_PASSCODE", passcode)
    # NiceGUI's app is one for all tests; set to what it is, it is that again when the guard was before it.
    monkeypatch.setattr(app, "build_middleware_stack", app.build_middleware_stack)
    # Each router that is added to it wraps what begins and ends with it, after hundreds of tests too deep for Python.
    monkeypatch.setattr(app.router, "lifespan_context", app.router.lifespan_context)
    # NiceGUI searches for garbage before and after; what other tests have imported by now is none.
    if len(gc.get_objects()) > MANY:
        gc.collect()
        gc.freeze()
    # NiceGUI forgets the modules of pages at the end; imported again, `webapp` would not know its loaded parts.
    loaded = {name: sys.modules[name] for name in (webapp.__name__, webapp.main.__name__)}
    failure: BaseException | None = None
    try:
        async with user_simulation(main_file=Path(__file__).with_name("simulated_app.py")) as user:
            try:
                yield SimulatedStudio(user)
            except BaseException as error:
                failure = error  # NiceGUI's app would not be stopped by it, and no other test could start it again
    finally:
        sys.modules.update(loaded)
    if failure is not None:
        raise failure

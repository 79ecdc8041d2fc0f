"""The Studio as somebody has it who sees nothing and holds no mouse: a tree of roles and names, and keys.

studio = ByTree(browser)
studio.go("button", "Try the demo")   # Tab until it has the focus
studio.press(Keys.ENTER)
studio.wait("heading", "Demo song")

Nothing is looked up in the document, and nothing is given the focus: the tree is the one that Chromium hands to screen
readers, and the focus is moved by keys alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, Chrome, Keys
from websockets.sync.client import ClientConnection, connect

from tests.support.browser import wait_until


@dataclass(frozen=True)
class Node:
    """One thing in the tree.

    Attributes:
        role: what it is.
        name: what it is called, or for text what is written.
        within: the names of what it stands in, the outermost first.
        value: what is entered or chosen.
        states: what else is said of it, such as "pressed".
        spoken: whether screen readers speak it when it changes.
    """

    role: str
    name: str
    within: tuple[str, ...] = ()
    value: str = ""
    states: dict[str, Any] = field(default_factory=dict, compare=False)
    spoken: bool = False

    def __str__(self) -> str:
        return f"{self.role} “{self.name}”"


class ByTree:
    """The page in a browser's current tab.

    Attributes:
        log: what was done, one line for each step.
    """

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser
        self.log: list[str] = []

    # looking

    def nodes(self) -> list[Node]:
        """All that is said of the page, in its order."""
        given = self.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        by_id = {node["nodeId"]: node for node in given}

        def walk(node: dict[str, Any], within: tuple[str, ...], spoken: bool) -> Iterator[Node]:
            if not node.get("ignored"):
                yield (found := _node(node, within, spoken))
                within, spoken = (*within, *filter(None, [found.name])), found.spoken
            for child in node.get("childIds", ()):
                if child in by_id:
                    yield from walk(by_id[child], within, spoken)

        return list(walk(given[0], (), False))

    def all(self, role: str, name: str = "", within: str = "") -> list[Node]:
        """Everything of that role, also of that name, also within something of that name."""
        return [node for node in self.nodes() if _is(node, role, name, within)]

    def has(self, role: str, name: str = "", within: str = "", value: str = "", **states: Any) -> bool:
        """Whether there is such a thing, with that value and in these states."""
        return any(
            (not value or node.value == value)
            and all(node.states.get(state) == wanted for state, wanted in states.items())
            for node in self.all(role, name, within)
        )

    def wait(self, role: str, name: str = "", within: str = "", *, timeout_s: float = 10.0, **states: Any) -> None:
        """Wait until there is such a thing."""
        wanted = f"{role} “{name}” {states or ''} in the tree"
        wait_until(lambda: self.has(role, name, within, **states), wanted, timeout_s)

    def focused(self) -> Node:
        """What has the focus, without what it stands in; the whole page where nothing on it has."""
        ask = self.browser.execute_cdp_cmd
        focus = ask("Runtime.evaluate", {"expression": "document.activeElement"})["result"]["objectId"]
        given = ask("Accessibility.getPartialAXTree", {"objectId": focus, "fetchRelatives": False})["nodes"]
        return _node(given[0], (), False)

    def spoken(self) -> list[str]:
        """What is written in the places whose changes screen readers speak."""
        return [node.name for node in self.all("StaticText") if node.spoken]

    # doing

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is; Ctrl and Shift are held for what follows them."""
        for key in keys:
            self._strike(key)
            self.log.append(_named(key))

    def _strike(self, keys: str) -> None:
        actions = ActionChains(self.browser, duration=0)
        held = [key for key in keys if key in HELD]
        for key in held:
            actions.key_down(key)
        actions.send_keys(*(key for key in keys if key not in HELD))
        for key in held:
            actions.key_up(key)
        actions.perform()

    def go(self, role: str, name: str, within: str = "", *, by: str = Keys.TAB, at_most: int = 70) -> Node:
        """Press a key until what has the focus has that role and name; fail after `at_most` presses."""
        seen = []
        for n_presses in range(at_most + 1):
            here = self.focused()
            if _is(here, role, name, "") and (not within or self.has(role, name, within, focused=True)):
                self.log.append(f"{n_presses} x {_named(by)}: {here}")
                return here
            seen.append(str(here))
            self._strike(by)
        raise AssertionError(f"{at_most} presses did not reach {role} “{name}”, but {', '.join(dict.fromkeys(seen))}")

    @contextmanager
    def file_dialog(self, answer: Path) -> Iterator[None]:
        """The dialog that the system shows for files, which no tree of a page has, is answered with this one."""
        with connect(self._debugger_url(), max_size=None) as line:
            _ask(line, "Page.enable")
            _ask(line, "Page.setInterceptFileChooserDialog", enabled=True)
            yield
            opened = _event(line, "Page.fileChooserOpened")
            _ask(line, "DOM.setFileInputFiles", files=[str(answer)], backendNodeId=opened["backendNodeId"])
        self.log.append(f"the system's dialog: {answer.name}")

    def _debugger_url(self) -> str:
        place = self.browser.capabilities["goog:chromeOptions"]["debuggerAddress"]
        return f"ws://{place}/devtools/page/{self.browser.current_window_handle}"


_KEY_NAMES = {
    Keys.TAB: "Tab",
    Keys.ENTER: "Enter",
    Keys.SPACE: "Space",
    Keys.ESCAPE: "Escape",
    Keys.CONTROL: "Ctrl",
    Keys.SHIFT: "Shift",
    Keys.ARROW_DOWN: "Down",
    Keys.ARROW_UP: "Up",
    Keys.ARROW_LEFT: "Left",
    Keys.ARROW_RIGHT: "Right",
}
HELD = (Keys.CONTROL, Keys.SHIFT)


def _named(keys: str) -> str:
    parts = [_KEY_NAMES.get(key, key) for key in keys]
    return "+".join(parts) if keys[0] in HELD else "".join(parts)


def _node(given: dict[str, Any], within: tuple[str, ...], spoken: bool) -> Node:
    states = {one["name"]: one["value"].get("value") for one in given.get("properties", ())}
    name, value = (str(given.get(part, {}).get("value", "")) for part in ("name", "value"))
    spoken = states.get("live", "off") != "off" or (spoken and "live" not in states)
    return Node(given["role"]["value"], name, within, value, states, spoken)


def _is(node: Node, role: str, name: str, within: str) -> bool:
    return node.role == role and (not name or node.name == name) and (not within or within in node.within)


def _ask(line: ClientConnection, method: str, **parameters: Any) -> None:
    line.send(json.dumps({"id": 1, "method": method, "params": parameters}))
    while True:
        answer = json.loads(line.recv(10))
        if answer.get("id") == 1:
            assert "error" not in answer, answer
            return


def _event(line: ClientConnection, method: str) -> dict[str, Any]:
    while True:
        message = json.loads(line.recv(10))
        if message.get("method") == method:
            return dict(message["params"])

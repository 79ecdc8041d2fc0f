"""A person's steps in the Studio, for the browser tests; each waits until the page has answered."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from tests.support.browser import wait_until

RUN_S = 180.0  # a run of a minute of audio takes 6 s on an idle computer, and a minute beside ten other programs

# A file as a browser hands it to a page; arguments: its bytes in base64, its name.
_FILE = """
    const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], arguments[1], {type: "audio/flac"}));
"""


class Studio:
    """One open Studio in a browser's current tab."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser, self.url = browser, url

    # looking

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def name_field(self) -> WebElement:
        """The field of the dialog that asks for a name, once it has opened and can be typed into."""
        fields = '.q-dialog input[aria-label="Name"]'
        shown = lambda: next((field for field in self.all(fields) if field.is_displayed()), None)  # noqa: E731
        found: WebElement = wait_until(shown, "the field for a name")
        return found

    def one(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def js(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def texts(self, selector: str) -> list[str]:
        """What is written in every visible element, in the page's order; one round trip, so nothing can go stale."""
        script = """return [...document.querySelectorAll(arguments[0])]
            .filter((el) => el.checkVisibility()).map((el) => el.innerText.trim())"""
        found: list[str] = self.js(script, selector)
        return found

    @property
    def title(self) -> str:
        return "".join(self.texts("h1"))

    @property
    def prompts(self) -> list[str]:
        """Chips, with what they were matched to on a second line."""
        return self.texts(".chip-body")

    @property
    def tracks(self) -> list[str]:
        return self.texts(".track-name > b")

    @property
    def messages(self) -> str:
        return "\n".join(self.texts(".error-card"))

    @property
    def job(self) -> str:
        """The job card's words, "" when there is none."""
        return "".join(self.texts(".job .job-words")).replace("\n", " ")

    @property
    def run_button(self) -> WebElement:
        return self.one(".shell-actions .run")

    def button(self, words: str) -> WebElement:
        """The visible button with these words."""
        script = """return [...document.querySelectorAll("button")].find(
            (el) => el.checkVisibility() && el.innerText.trim() === arguments[0])"""
        found: WebElement = wait_until(lambda: self.js(script, words), f"a button “{words}”")
        return found

    def player(self) -> dict[str, Any]:
        found: dict[str, Any] = self.js("return window.audioPlayground.player.state()")
        return found

    def gains(self) -> dict[str, float]:
        """What the engine applies to each track, by the name people read."""
        names = self.js("""
            const shown = [...window.audioPlayground.player.owners.values()].flat();
            return Object.fromEntries(shown.map((track) => [track.id, track.name]));
        """)
        return {names[track["id"]]: track["gain"] for track in self.player()["tracks"]}

    def row(self, name: str) -> WebElement:
        return self.one(f'.track[aria-label="{name}"]')

    # doing

    def open(self, path: str = "/") -> Studio:
        self.browser.get(self.url + path)
        return self.settled()

    def settled(self) -> Studio:
        wait_until(lambda: self.js("return window.did_handshake && !!document.querySelector('.shell')"), "the page")
        return self

    def reload(self) -> Studio:
        self.confirmed().browser.refresh()
        return self.settled()

    def confirmed(self) -> Studio:
        """Wait until the server knows all that was done here."""
        wait_until(lambda: not self.all("[aria-busy=true]"), "the server's word for what was done")
        return self

    def try_demo(self) -> Studio:
        self.button("Try the demo").click()
        wait_until(lambda: self.title == "Demo song", "the demo", RUN_S)
        return self

    def browse(self, path: Path) -> None:
        """What the file dialog does once a person has chosen."""
        self.one(".upload-area input[type=file]").send_keys(str(path))

    def bring(self, path: Path) -> Studio:
        self.browse(path)
        there = "return !document.querySelector('.shell-actions .run')?.innerText.startsWith('Still')"
        wait_until(lambda: self.title == path.name and self.js(there), f"{path.name} in the studio", RUN_S)
        return self

    def drag_over(self, path: Path) -> None:
        self._drag("dragEnter", path)
        self._drag("dragOver", path)

    def drop(self, path: Path) -> None:
        self._drag("drop", path)

    def _drag(self, kind: str, path: Path) -> None:
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        event = {"type": kind, "x": 500, "y": 400, "data": data}
        self.browser.execute_cdp_cmd("Input.dispatchDragEvent", event)

    def paste(self, path: Path) -> None:
        script = _FILE + "window.dispatchEvent(new ClipboardEvent('paste', {clipboardData: carried, bubbles: true}))"
        self.js(script, base64.b64encode(path.read_bytes()).decode(), path.name)

    def type(self, words: str) -> None:
        self.one(".prompt-input").send_keys(words, Keys.ENTER)

    def ask(self, *words: str) -> Studio:
        """Exactly these prompts, whatever was there."""
        while chips := len(self.prompts):
            self.one(".chip-remove").click()
            wait_until(partial(self._fewer_than, chips), "one chip less")
        self.type(", ".join(words))
        wait_until(lambda: [chip.split("\n")[0] for chip in self.prompts] == list(words), f"the prompts {words}")
        return self.confirmed()

    def _fewer_than(self, n_chips: int) -> bool:
        return len(self.prompts) < n_chips

    def start(self) -> Studio:
        """Press the run button, unless what is asked for is made already."""
        shown = "const run = document.querySelector('.run'); return run ? !run.disabled && 'run' : 'made'"
        if wait_until(lambda: self.js(shown), "a run button that is ready, or what it would make") == "run":
            self.run_button.click()
        return self

    def finish(self, *names: str) -> Studio:
        """Wait until the mixer holds the mixture and these."""
        wait_until(lambda: self.tracks == ["Mixture", *names] and not self.job, f"the tracks {names}", RUN_S)
        return self

    def setting(self, label: str) -> WebElement:
        """A control of the settings panel by what stands beside it, unfolding its group if need be."""
        script = """
            const beside = (el) => el.ariaLabel ?? el.labels?.[0]?.textContent.trim() ?? "";
            const named = (el) => beside(el).startsWith(arguments[0]);
            const field = [...document.querySelectorAll(".settings :is(select, input)")].find(named);
            const group = field?.closest("details");
            if (group) group.open = true;
            field?.closest("[popover]:not(:popover-open)")?.showPopover();
            return field"""
        found: WebElement = wait_until(lambda: self.js(script, label), f"the setting “{label}”")
        return found

    def set(self, label: str, value: object) -> Studio:
        """Enter a value into a control of the settings panel: an option's words, a number, or on and off."""
        field = self.setting(label)
        if field.tag_name == "select":
            Select(field).select_by_visible_text(str(value))
        elif isinstance(value, bool):
            if field.is_selected() != value:
                field.click()
        else:
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(str(value), Keys.TAB)
        return self

    @property
    def preset(self) -> str:
        """The preset that is on."""
        return "".join(self.texts(".settings-group:first-child .seg > label.on"))

    def choose_preset(self, name: str) -> None:
        """Choose a preset."""
        script = """return [...document.querySelectorAll(".settings .seg > label")].find(
            (el) => el.innerText === arguments[0])"""
        self.js(script, name).click()
        wait_until(lambda: self.preset == name, f"the preset {name}")

    def choose(self, label: str, option: str) -> None:
        """Choose in a drop-down list, by its name and the option's words."""
        self.one(f'.q-select:has([aria-label="{label}"])').click()
        self.click_in_open_menu(option)

    def choose_in_menu(self, menu: str, option: str) -> None:
        self.one(f'.shell-header [aria-label="{menu}"]').click()
        self.click_in_open_menu(option)

    def click_in_open_menu(self, option: str) -> None:
        """Click the entry whose first line is `option`, once the menu stands still.

        While it unfolds, a click at the place where the entry was found meets another one.
        """
        find = """return [...document.querySelectorAll(".q-menu")]
            .filter((menu) => !menu.className.includes("-enter-") && !menu.getAnimations({subtree: true}).length)
            .flatMap((menu) => [...menu.querySelectorAll(".q-item")])
            .find((el) => el.innerText.trim().split("\\n")[0] === arguments[0])"""
        wait_until(lambda: self.js(find, option), f"{option} in a menu at rest").click()
        wait_until(lambda: not self.all(".q-menu"), "the menu to close")

    def fetch(self, url: str) -> bytes:
        """What the browser gets from there, with its own session."""
        script = """
            const done = arguments[arguments.length - 1];
            fetch(arguments[0]).then((answer) => answer.blob()).then((blob) => {
                const reader = new FileReader();
                reader.onload = () => done(reader.result.split(",")[1]);
                reader.readAsDataURL(blob);
            });
        """
        return base64.b64decode(self.browser.execute_async_script(script, url))

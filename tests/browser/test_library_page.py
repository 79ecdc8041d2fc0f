"""The library as a person meets it: found, renamed, pinned, deleted, brought back, and what it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from separation.formatted import size
from storage import ArtifactStore
from tests.browser.test_queue import MixerState
from tests.support import library_shelves as shelves
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.damage import flip
from tests.support.server import RunningServer
from tests.support.store_files import change, used_days_ago
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
N_SONGS = 60  # more than one page
LONG_NAME = "a name that does not end " * 8  # 200 characters


class Shelves(Studio):
    """An open library."""

    def open(self, path: str = "/library") -> Shelves:
        super().open(path)
        wait_until(lambda: self.texts(".lib-list, .lib-none, .drop-zone"), "the library to be read")
        return self

    @property
    def names(self) -> list[str]:
        """Of the recordings on the page."""
        return self.texts(".lib-row > .lib-line .lib-name")

    @property
    def results(self) -> list[str]:
        return self.texts(".lib-results .lib-name")

    @property
    def notice(self) -> str:
        return "".join(self.texts(".lib-notice-line > .grow"))

    @property
    def disk(self) -> dict[str, str]:
        """Part to what it takes, of those that are shown."""
        return dict(line.split("\n") for line in self.texts(".disk-legend li") if "\n" in line)

    def search(self, words: str) -> None:
        field = self.one(".lib-search input")
        field.send_keys(Keys.CONTROL + "a", Keys.BACKSPACE)
        field.send_keys(words)

    def sort_by(self, words: str) -> None:
        self.one(".lib-sort select").send_keys(words)

    def shows(self, *names: str) -> None:
        wait_until(lambda: self.names == list(names), f"{names} in the list")

    def labelled(self, label: str) -> WebElement:
        found: WebElement = wait_until(lambda: self.all(f'[aria-label="{label}"]'), label)[0]
        return found

    def trash(self, on: bool = True) -> Shelves:
        self.all(".lib-tools .seg button")[on].click()
        wait_until(lambda: self.all(".lib-tools .seg button")[on].get_attribute("aria-pressed") == "true", "the choice")
        return self

    def press(self, words: str) -> None:
        """Press a button of a dialog, which may still be growing or lie under one that goes."""

        def pressed() -> bool:
            try:
                button = self.button(words)
                before = button.rect
                time.sleep(0.05)
                if button.rect != before:  # a click would land where it was
                    return False
                button.click()
            except (ElementNotInteractableException, ElementClickInterceptedException, StaleElementReferenceException):
                return False
            return True

        wait_until(pressed, f"“{words}” to be pressed")

    def choose(self, name: str, *, shift: bool = False) -> None:  # type: ignore[override]
        box = self.labelled(f"Choose {name}")
        keys = ActionChains(self.browser)
        (keys.key_down(Keys.SHIFT).click(box).key_up(Keys.SHIFT) if shift else keys.click(box)).perform()


@pytest.fixture(scope="module", autouse=True)
def quiet_console(browser: Chrome, server: RunningServer) -> Iterator[None]:
    yield
    assert console_errors(browser) == []


@pytest.fixture(scope="module")
def store(server: RunningServer) -> ArtifactStore:
    """The server's, as another process has it."""
    return ArtifactStore(server.home)


@pytest.fixture(scope="module")
def library_view(browser: Chrome, server: RunningServer) -> Shelves:
    resize(browser, DESKTOP)
    return Shelves(browser, server.url)


@pytest.fixture(scope="module")
def filled(library_view: Shelves, store: ArtifactStore) -> Shelves:
    """With many recordings, the last with results."""
    for n in range(N_SONGS):
        song = shelves.recording(store, f"Hum {'fjqvxz'[n // 10]}{n % 10}", seconds=100 - n, size=1000 + n)
    shelves.result(store, song, "man speaking")
    shelves.result(store, song, "drums", "bass", backend="demucs")
    return library_view


def test_an_empty_library_leads_to_the_demo_and_the_studio(library_view: Shelves) -> None:
    library_view.open()
    assert library_view.texts(".drop-zone h2") == ["Nothing here yet"] and not library_view.texts(".lib-list")
    assert library_view.js("return [...document.querySelectorAll('.drop-zone a')].map((a) => a.pathname)") == ["/"]
    library_view.button("Try the demo").click()
    wait_until(lambda: library_view.title == "Demo song", "the demo in the studio", RUN_S)


def test_a_recording_shows_its_job_is_not_deleted_meanwhile_and_gets_the_result(
    library_view: Shelves, server: RunningServer
) -> None:
    desk = MixerState(library_view.browser, server.url)
    desk.show_queue().button("Pause").click()
    desk.button("Go on")
    desk.hide_queue().ask("drums").start()
    wait_until(lambda: desk.job.startswith("Queued"), "the job")
    library_view.open()
    wait_until(lambda: library_view.texts(".lib-title .pill") == ["Queued"], "the job in its row")
    library_view.labelled("Delete Demo song").click()
    wait_until(lambda: "A job for it waits or runs" in library_view.messages, "the refusal")
    library_view.shows("Demo song")
    desk.show_queue().button("Go on").click()
    desk.hide_queue()
    wait_until(lambda: library_view.texts(".lib-fold") == ["1 result"], "the result", RUN_S)
    assert not library_view.texts(".lib-title .pill")


def test_a_result_opens_in_the_studio_from_the_library(library_view: Shelves) -> None:
    library_view.open()
    library_view.one(".lib-fold").click()
    wait_until(lambda: library_view.results == ["drums"], "the result")
    link = library_view.one(".lib-results .lib-name")
    key = str(link.get_attribute("href")).rpartition("result=")[2]
    assert len(key) == 64
    link.click()
    wait_until(lambda: library_view.tracks == ["Mixture", "drums", "everything else"], "the tracks")
    library_view.browser.back()


def test_the_details_of_a_result_are_its_recipe_to_be_copied_and_its_report(library_view: Shelves) -> None:
    library_view.open()
    library_view.one(".lib-fold").click()
    library_view.labelled("Details of drums").click()
    recipe = wait_until(lambda: "".join(library_view.texts(".lib-recipe pre")), "the recipe")
    assert recipe.startswith("# A recipe") and "- text: drums" in recipe and "backend: builtin" in recipe
    assert "Model evaluations" in "".join(library_view.texts(".lib-details .cost"))
    report = library_view.js("return document.querySelector('.lib-recipe a[download]').href")
    assert b"evaluations:" in library_view.fetch(report)
    # On plain http from another computer there is no `navigator.clipboard`.
    library_view.js("Object.defineProperty(window, 'isSecureContext', { value: false })")
    library_view.button("Copy recipe").click()
    wait_until(lambda: library_view.texts(".lib-recipe .button")[0] == "Copied", "the copy")
    field = library_view.one(".lib-search input")
    field.send_keys(Keys.CONTROL + "v")
    assert str(field.get_attribute("value")).startswith("# A recipe of Audio Playground")


def test_what_is_chosen_for_a_download_is_in_its_address(library_view: Shelves) -> None:
    library_view.open()
    library_view.one(".lib-fold").click()
    library_view.labelled("Details of drums").click()
    library_view.labelled("File format").send_keys("FLAC")
    chosen = "return document.querySelector('[aria-label=\"Download of drums\"] a').href ?? ''"
    wait_until(lambda: library_view.js(chosen).endswith("/all.zip?format=flac"), "the format in the address")
    assert library_view.fetch(library_view.js(chosen))[:2] == b"PK"


def test_thousands_are_shown_in_pages(filled: Shelves) -> None:
    filled.open()
    filled.sort_by("Name")
    wait_until(lambda: filled.names[:2] == ["Demo song", "Hum f0"] and len(filled.names) == 50, "the first page")
    assert filled.texts(".lib-pages span") == ["1–50 of 61"]
    filled.button("Next").click()
    wait_until(lambda: filled.names[-1] == "Hum z9" and len(filled.names) == 11, "the second page")
    assert not filled.button("Next").is_enabled()


def test_they_are_found_as_one_types_by_name_prompt_and_separator(filled: Shelves) -> None:
    filled.open()
    filled.search("hum x")
    wait_until(lambda: len(filled.names) == 10, "Hum x0 to x9")
    filled.search("speaking")
    filled.shows("Hum z9")
    wait_until(lambda: filled.results == ["man speaking"], "what was found, unfolded")
    filled.search("hum demucs")
    wait_until(lambda: filled.results == ["drums bass"], "the other result")
    filled.search("no such thing")
    wait_until(lambda: filled.texts(".lib-none") == ["Nothing in the library has “no such thing”."], "that")
    filled.sort_by("Length")
    filled.search("hum j")
    filled.shows(*(f"Hum j{n}" for n in range(10)))
    filled.sort_by("Size")
    filled.shows(*(f"Hum j{n}" for n in range(9, -1, -1)))


def test_a_name_is_changed_in_place_by_keyboard_and_every_tab_sees_it(filled: Shelves, browser: Chrome) -> None:
    filled.open()
    filled.search("hum f5")
    filled.shows("Hum f5")
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    other = Shelves(browser, filled.url).open()
    other.search("hum f5")
    other.shows("Hum f5")
    second = browser.current_window_handle
    browser.switch_to.window(first)
    filled.labelled("Rename Hum f5").send_keys(Keys.ENTER)
    field = filled.labelled("New name")
    wait_until(lambda: filled.js("return getSelection().toString()") == "Hum f5", "the name to be selected")
    field.send_keys("nonsense", Keys.ESCAPE)
    wait_until(lambda: not filled.all(".lib-rename"), "the field to go")
    assert filled.names == ["Hum f5"]
    filled.labelled("Rename Hum f5").send_keys(Keys.ENTER)
    filled.labelled("New name").send_keys("Hum f5 <b>, live", Keys.ENTER)
    filled.shows("Hum f5 <b>, live")
    assert filled.js("return document.activeElement.ariaLabel") == "Rename Hum f5 <b>, live"
    browser.switch_to.window(second)
    other.shows("Hum f5 <b>, live")
    browser.close()
    browser.switch_to.window(first)
    filled.labelled("Rename Hum f5 <b>, live").click()
    filled.labelled("New name").send_keys("Hum f5", Keys.TAB)  # leaving the field keeps what is in it
    filled.shows("Hum f5")


def test_a_pin_is_one_for_every_process(filled: Shelves, store: ArtifactStore) -> None:
    filled.open()
    filled.search("hum f7")
    filled.shows("Hum f7")
    filled.labelled("Pin Hum f7").click()
    filled.labelled("Unpin Hum f7")
    assert filled.texts(".lib-pinned") and store.pinned(key_of(store, "Hum f7"))
    filled.labelled("Unpin Hum f7").click()
    filled.labelled("Pin Hum f7")
    assert not store.pinned(key_of(store, "Hum f7"))


def test_what_is_deleted_can_be_undone_at_once(filled: Shelves, store: ArtifactStore) -> None:
    filled.open()
    filled.search("hum z")
    wait_until(lambda: len(filled.names) == 10, "Hum z0 to z9")
    filled.labelled("Delete Hum z9").send_keys(Keys.ENTER)
    wait_until(lambda: filled.notice == "“Hum z9” with 2 results moved to the trash.", "the notice")
    wait_until(lambda: "Hum z9" not in filled.names, "it to go")
    wait_until(lambda: filled.js("return document.activeElement.innerText") == "Hum z8", "the focus on the next")
    assert {kept.name for kept in store.list(trashed=True)} == {"Hum z9", "man speaking", "drums, bass"}
    filled.button("Undo").click()
    wait_until(lambda: "Hum z9" in filled.names and filled.notice.startswith("3 items restored"), "it back")
    assert store.list(trashed=True) == []


def test_and_after_a_reload_or_in_another_tab_from_the_trash(filled: Shelves, browser: Chrome) -> None:
    filled.open()
    filled.search("hum z9")
    filled.shows("Hum z9")
    filled.labelled("Delete Hum z9").click()
    wait_until(lambda: filled.notice, "the notice")
    filled.reload()
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    other = Shelves(browser, filled.url).open()
    other.search("hum z9")
    wait_until(lambda: other.texts(".lib-none"), "nothing")
    other.trash()
    other.shows("Hum z9")
    assert "Recording with 2 results" in other.texts(".lib-facts")[0]
    other.labelled("Restore Hum z9").click()
    wait_until(lambda: other.texts(".lib-none"), "an empty trash")
    browser.close()
    browser.switch_to.window(first)
    filled.search("hum z9")
    wait_until(lambda: filled.texts(".lib-fold") == ["2 results"], "it with its results")


def test_several_are_chosen_with_shift_and_pinned_and_deleted_together(filled: Shelves, store: ArtifactStore) -> None:
    filled.open()
    filled.sort_by("Name")
    filled.search("hum v")
    filled.shows(*(f"Hum v{n}" for n in range(10)))
    rows = "return [...document.querySelectorAll('.lib-row')].map((row) => row.getBoundingClientRect().top)"
    before = filled.js(rows)
    filled.choose("Hum v3")
    filled.choose("Hum v6", shift=True)
    assert filled.texts(".lib-chosen b") == ["4 chosen"] and filled.js(rows) == before, "nothing has moved"
    filled.choose("Hum v4")
    filled.button("Pin").click()
    wait_until(lambda: len(filled.texts(".lib-pinned")) == 3, "three pins")
    assert not filled.texts(".lib-chosen")
    filled.choose("Hum v3")
    filled.choose("Hum v5", shift=True)
    filled.button("Delete").click()
    filled.shows(*(f"Hum v{n}" for n in (0, 1, 2, 6, 7, 8, 9)))
    assert filled.notice == "3 items moved to the trash."
    filled.button("Undo").click()
    wait_until(lambda: len(filled.names) == 10, "all back")
    assert [store.pinned(key_of(store, f"Hum v{n}")) for n in (3, 4, 5, 6)] == [True, False, True, True]


def links_of_chosen(page: Shelves) -> dict[str, str]:
    """The addresses of what can be done with all that is chosen, by their words."""
    script = (
        "return [...document.querySelectorAll('.lib-chosen a')].map((one) => [one.innerText, one.getAttribute('href')])"
    )
    return dict(page.js(script))


def test_chosen_recordings_open_together_chosen_results_are_compared_and_both_are_downloaded(
    filled: Shelves, store: ArtifactStore
) -> None:
    filled.open()
    filled.sort_by("Name")
    filled.search("hum z")
    wait_until(lambda: len(filled.names) == 10, "ten of them")
    filled.choose("Hum z8")
    filled.choose("Hum z9")
    z8, z9 = (key_of(store, name) for name in ("Hum z8", "Hum z9"))
    links = links_of_chosen(filled)
    assert set(links) == {"Open in the Studio", "Download"}
    assert links["Download"].startswith(f"/media/all.zip?result={z8}&result={z9}&format=")
    filled.js("document.querySelector('.lib-chosen a').click()")
    wait_until(lambda: [one.split("\n")[0] for one in filled.texts(".file-tab-body")] == ["Hum z8", "Hum z9"], "tabs")

    filled.open()
    filled.search("hum z9")
    filled.shows("Hum z9")
    filled.labelled("Show 2 results of Hum z9").click()
    wait_until(lambda: len(filled.results) == 2, "its results")
    filled.choose("drums, bass")
    filled.choose("man speaking")
    links = links_of_chosen(filled)
    assert set(links) == {"Compare", "Download"} and links["Compare"].count("%2C") == 1
    filled.choose("Hum z9")
    assert set(links_of_chosen(filled)) == {"Download"}


def test_the_disk_use_is_that_of_the_store_and_cleaning_up_frees_what_it_said(
    filled: Shelves, store: ArtifactStore
) -> None:
    song = next(kept for kept in store.list("recording") if kept.name == "Hum z9")
    for name, kept in (("old", 3 * 10**6), ("new", 10**6)):
        chunk = shelves.chunk(store, song, name, kept)
        if name == "old":
            used_days_ago(store, chunk.key, 60)
    for name in ("pinned", "lost"):
        old = shelves.recording(store, f"Old {name}", size=5 * 10**6)
        used_days_ago(store, old.key, 60)
    store.pin(key_of(store, "Old pinned"))
    store.trash(shelves.recording(store, "Thrown away", size=2 * 10**6).key)
    filled.open()
    wait_until(lambda: filled.disk.get("Trash") == "2.0 MB", "the trash")
    n_bytes = store.usage()["recording"].size_bytes
    assert filled.disk["Recordings"] == size(n_bytes)
    filled.press("Clean up")
    words = wait_until(lambda: "".join(filled.texts(".clean-up")), "the dialog")
    assert "1 chunk, 3.0 MB" in words and "1 recording and 0 results, not pinned: 5.0 MB" in words
    filled.press("Delete for good, frees 5.0 MB")
    wait_until(lambda: filled.notice == "Deleted 1 chunk, 1 recording: 5.0 MB freed.", "what it did")
    assert {"Old pinned", "Old lost"} <= {kept.name for kept in store.list("recording")}
    assert store.usage()["chunk"].n >= 1 and "trash" not in store.usage()
    wait_until(lambda: filled.disk["Trash"] == "0 kB", "the bar")


def test_a_check_names_what_is_damaged(filled: Shelves, store: ArtifactStore) -> None:
    damaged = shelves.recording(store, "Rotten", size=2 * 10**6)
    flip(damaged.files["audio"])
    filled.open()
    wait_until(lambda: "Recordings" in filled.disk, "the bar")
    assert "Damaged" not in filled.disk, "nobody knows yet"
    filled.press("Check")
    wait_until(lambda: "1 damaged item found" in filled.notice, "what it found")
    message = wait_until(lambda: "".join(filled.texts(".messages")), "what is damaged")
    assert "The kept recording “Rotten” is damaged." in message and "its file is brought again" in message
    wait_until(lambda: filled.disk["Damaged"] == "2.0 MB", "the bar")
    store.damaged.clear()


def test_the_trash_is_emptied_only_after_a_question(filled: Shelves, store: ArtifactStore) -> None:
    store.trash(key_of(store, "Hum f0"))
    filled.open()
    filled.press("Empty trash")
    filled.press("Cancel")
    assert len(store.list(trashed=True)) == 1
    wait_until(lambda: not filled.texts(".clean-up"), "the question to close")
    filled.press("Empty trash")
    filled.press("Delete for good")
    wait_until(lambda: filled.notice == "1 item deleted for good.", "that it did")
    assert store.list(trashed=True) == []


def test_a_phone_has_all_of_it_in_reach_of_a_finger_and_every_control_a_name(
    filled: Shelves, store: ArtifactStore
) -> None:
    long = shelves.recording(store, LONG_NAME)
    shelves.result(store, long, "x" * 200)
    resize(filled.browser, PHONE)
    try:
        filled.open()
        filled.one(".lib-fold").click()
        wait_until(lambda: filled.results, "the result")
        filled.one('[aria-label^="Details of"]').click()
        wait_until(lambda: filled.texts(".lib-recipe pre"), "its details")
        filled.one(".lib-check input").click()
        assert sideways_px(filled.browser) == 0
        out_of_reach = """return [...document.querySelectorAll(".shell-main button, .shell-main select, .lib-check")]
            .filter((el) => el.checkVisibility()).filter((el) => {
                const box = el.getBoundingClientRect();
                return box.height < 44 || box.width < 44 || box.right > innerWidth || box.left < 0;
            }).map((el) => el.outerHTML)"""
        assert filled.js(out_of_reach) == []
    finally:
        resize(filled.browser, DESKTOP)
    controls = filled.browser.find_elements(By.CSS_SELECTOR, "button, a, select, input:not([aria-hidden])")
    shown = [control for control in controls[:120] if control.is_displayed()]
    assert len(shown) > 20
    assert [control.get_attribute("outerHTML") for control in shown if not control.accessible_name.strip()] == []


def test_results_whose_recording_is_gone_can_still_be_had_and_deleted(filled: Shelves, store: ArtifactStore) -> None:
    gone = shelves.recording(store, "Evicted")
    shelves.result(store, gone, "kettle")
    store.remove(gone.key)
    filled.open()
    filled.search("kettle")
    filled.shows("A recording that is no longer here")
    filled.labelled("Details of kettle").click()
    wait_until(lambda: "Download all stems" in filled.texts(".lib-recipe .button"), "its download")
    filled.labelled("Delete A recording that is no longer here").click()
    wait_until(lambda: filled.notice == "1 result moved to the trash.", "the notice")
    filled.button("Undo").click()
    filled.shows("A recording that is no longer here")


def test_a_store_that_cannot_be_read_is_said_and_the_page_recovers(filled: Shelves, store: ArtifactStore) -> None:
    change(store, "ALTER TABLE Artifact RENAME TO Away")
    try:
        Studio.open(filled, "/library")
        wait_until(lambda: "The store cannot be read." in filled.messages, "the message")
        assert filled.all(".lib .skeleton") and not filled.texts(".lib-list")
    finally:
        change(store, "ALTER TABLE Away RENAME TO Artifact")
    filled.search("hum x")
    wait_until(lambda: len(filled.names) == 10 and not filled.messages, "the list, and no message any more", 30)


def key_of(store: ArtifactStore, name: str) -> Any:
    return next(kept.key for kept in store.list("recording") if kept.name == name)

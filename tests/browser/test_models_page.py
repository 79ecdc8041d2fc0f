"""The Models page as a person meets it: a real server, a real browser, and a hub that is slow, lies and refuses."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.fake_hub import TOKEN, Hub, serve
from tests.support.sam_models import CHECKPOINT, tiny_config
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
SMALL, T5 = "SAM-Audio small", "T5-base, the text encoder of SAM-Audio"
SLOW_S = 0.05  # for every 16 kB of the 3.3 MB of the tiny checkpoint


class Site:
    """A server beside a hub; it can be killed and started again where it was."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.hub, self.token_file = hub, folder / "token"
        self._env = {
            "HF_ENDPOINT": hub.address,
            "HF_HUB_CACHE": str(folder / "hub"),
            "HF_TOKEN_PATH": str(self.token_file),
            "TORCH_HOME": str(folder / "torch"),
            **dict.fromkeys(("HF_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_CACHE")),
        }
        self._stack = ExitStack()
        home = folder / "home"
        home.mkdir()
        (home / "accepted_licences.json").write_text(json.dumps({"SAM Licence": "2026-11-30"}))
        (home / "model_sources.json").write_text(json.dumps({"order": ["facebook"]}))
        self.server: RunningServer = self._stack.enter_context(running_server(env=self._env, home=home))

    def crash_and_start_again(self) -> None:
        self.server.kill()
        again = running_server(env=self._env, home=self.server.home, port=self.server.port)
        self.server = self._stack.enter_context(again)

    def close(self) -> None:
        self._stack.close()


class Models(Studio):
    """An open Models page."""

    def visit(self) -> Models:
        self.open("/models")
        wait_until(lambda: self.texts(".model-row"), "the models")
        return self

    def row(self, label: str) -> WebElement:
        return self.one(f'.model-row[aria-label="{label}"]')

    def of(self, label: str, selector: str) -> str:
        """What is written in a part of a model's entry."""
        return "\n".join(self.texts(f'.model-row[aria-label="{label}"] {selector}'))

    def press(self, label: str, words: str) -> None:
        """Press a visible button with these words in a model's entry."""
        script = """return [...arguments[0].querySelectorAll("button")].find(
            (el) => el.checkVisibility() && el.innerText.trim() === arguments[1])"""
        found = wait_until(lambda: self.js(script, self.row(label), words), f"the button “{words}” of {label}")
        self.js("arguments[0].scrollIntoView({block: 'center'})", found)
        found.click()

    def confirm(self) -> None:
        """Say that it is to be deleted."""
        wait_until(lambda: self.texts(".model-question"), "the question")
        self.one(".model-question .danger").click()

    def stands(self, label: str, words: str) -> None:
        wait_until(lambda: self.of(label, ".pill") == words, f"{label} as “{words}”", RUN_S)

    @property
    def focused(self) -> str:
        return str(self.js("return document.activeElement.ariaLabel ?? document.activeElement.innerText"))


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """The tiny SAM-Audio as the small one, gated, and its text encoder as T5-base."""
    with serve(Hub()) as running:
        config = tiny_config()
        config["text_encoder"]["name"] = "t5-base"
        checkpoint = (CHECKPOINT / "checkpoint.pt").read_bytes()
        running.publish(
            "facebook/sam-audio-small", {"config.json": json.dumps(config).encode(), "checkpoint.pt": checkpoint}
        )
        running.publish("t5-base", {path.name: path.read_bytes() for path in (CHECKPOINT / "t5").iterdir()})
        running.gated.add("facebook/sam-audio-small")
        yield running


@pytest.fixture(scope="module")
def site(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("models"), hub)
    yield site
    hub.pause_s = 0.0
    site.close()


@pytest.fixture(scope="module")
def page(site: Site, browser: Chrome) -> Models:
    return Models(browser, site.server.url).visit()


def test_a_gated_model_is_explained_step_by_step_by_keyboard(page: Models, hub: Hub) -> None:
    page.one(f'[aria-label="Get access: {SMALL}"]').send_keys(Keys.ENTER)
    wait_until(lambda: page.of(SMALL, ".steps"), "the steps")
    links = page.all(".steps a")
    addresses = [f"{hub.address}/facebook/sam-audio-small", f"{hub.address}/settings/tokens"]
    assert [link.get_attribute("href") for link in links] == [link.text for link in links] == addresses
    assert {link.get_attribute("target") for link in links} == {"_blank"}
    field = page.one('.steps input[aria-label^="Token"]')
    assert field.get_attribute("type") == "password"
    assert not page.one(f'[aria-label="Download {SMALL} now"]').is_enabled()
    field.send_keys("hf_one and another", Keys.ENTER)
    wait_until(lambda: "not a token" in page.of(SMALL, ".error-card"), "the refusal")
    assert field.get_property("value") == ""


def test_a_token_is_kept_for_its_owner_alone_and_never_seen_again(page: Models, site: Site, browser: Chrome) -> None:
    page.one('.steps input[aria-label^="Token"]').send_keys(TOKEN, Keys.ENTER)
    wait_until(lambda: "A token is stored" in page.of(SMALL, ".steps"), "the token to be kept")
    assert site.token_file.read_text() == TOKEN
    assert stat.S_IMODE(site.token_file.stat().st_mode) == 0o600
    assert not page.texts(".token-form input")
    page.press(SMALL, "Replace")
    wait_until(lambda: page.texts(".token-form input"), "a field for another one")
    assert page.one(".token-form input").get_property("value") == ""
    page.visit()
    assert TOKEN.encode() not in page.fetch("/models")
    assert TOKEN not in browser.page_source and TOKEN not in site.server.log()
    page.press(SMALL, "Steps")
    wait_until(lambda: "A token is stored" in page.of(SMALL, ".steps"), "that it is there")
    assert TOKEN not in browser.page_source


def test_a_model_is_fetched_without_a_question_where_nobody_has_to_be_asked(page: Models) -> None:
    page.press(T5, "Download")
    page.stands(T5, "On this computer")
    page.stands(SMALL, "Not here")


def test_a_download_shows_how_far_it_is_on_every_page_and_does_not_chatter(page: Models, hub: Hub) -> None:
    page.js("""
        window.said = [];
        const status = document.querySelector("[role=status]");
        new MutationObserver(() => window.said.push(status.textContent)).observe(
            status, {childList: true, characterData: true, subtree: true});
    """)
    hub.pause_s = SLOW_S
    page.one(f'[aria-label="Download {SMALL} now"]').send_keys(Keys.ENTER)
    wait_until(lambda: "B/s" in page.of(SMALL, ".model-progress"), "the rate", RUN_S)
    words = page.of(SMALL, ".model-progress")
    assert " of " in words and words.endswith("left")
    bar = page.one(f'[aria-label="Download of {SMALL}"]')
    assert bar.get_attribute("role") == "progressbar" and float(bar.get_attribute("aria-valuenow") or 0) > 0
    assert page.js("return arguments[0].closest('[aria-live], [role=status], [role=alert]')", bar) is None
    first = page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    try:
        page.visit()
        page.stands(SMALL, "Downloading")
        page.press(SMALL, "Pause")
        page.stands(SMALL, "Paused")
    finally:
        page.browser.close()
        page.browser.switch_to.window(first)
    page.stands(SMALL, "Paused")
    said = page.js("return window.said")
    assert said[0] == f"{SMALL}: downloading" and said[-1] == f"{SMALL}: paused"
    assert len(said) <= 6


def test_a_pause_survives_a_crash_and_the_rest_is_fetched(page: Models, site: Site, hub: Hub) -> None:
    site.crash_and_start_again()
    page.visit()
    page.stands(SMALL, "Begun")
    assert "is kept" in page.of(SMALL, ".model-progress")
    n_asked = len(hub.asked)
    page.press(SMALL, "Resume")
    page.stands(SMALL, "Downloading")
    page.open("/")  # leaving stops nothing
    hub.pause_s = 0.0
    page.visit()
    page.stands(SMALL, "On this computer")
    parts = [headers for _, path, headers in hub.asked[n_asked:] if path.startswith("/storage") and "Range" in headers]
    assert parts and int(parts[0]["Range"].removeprefix("bytes=").removesuffix("-")) > 0
    assert "2 on this computer" in page.texts(".shell-header")[0]
    assert not page.texts(".model-progress")
    console_errors(page.browser)  # refused connections, as there had to be


def test_the_doctor_tests_what_is_ready_and_the_serving_process_loads_no_framework(page: Models, site: Site) -> None:
    page.button("Run the self-test").click()
    wait_until(lambda: "passed the self-test" in "".join(page.texts(".doctor-head")), "the end of the test", RUN_S)
    found = {line.split("\n")[0]: line for line in page.texts(".doctor-found li")}
    for label, model in (("SAM-Audio", "small"), ("Built-in separator", "network")):
        assert "Works" in found[label] and f"{model} on" in found[label] and "than playback" in found[label]
    assert "Demucs" not in found
    libraries = Path(f"/proc/{site.server.process.pid}/maps")
    if libraries.exists():
        assert "torch" not in libraries.read_text()
    page.button("Versions").click()
    wait_until(lambda: "torch" in "".join(page.texts(".doctor-versions")), "the versions")
    page.visit()
    assert page.texts(".doctor-found li"), "what was found is there for every page"


def test_removing_asks_first_and_goes_back_to_where_one_was(page: Models, site: Site) -> None:
    remove = page.one(f'[aria-label="Remove {SMALL}"]')
    remove.send_keys(Keys.ENTER)
    wait_until(lambda: page.focused == "Keep", "the focus on what changes nothing")
    assert "Other programs may use it" in page.of(SMALL, ".model-question")
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait_until(lambda: page.focused == f"Remove {SMALL}", "the focus to come back")
    page.stands(SMALL, "On this computer")
    remove.send_keys(Keys.ENTER)
    wait_until(lambda: page.focused == "Keep", "the question")
    page.confirm()
    page.stands(SMALL, "Not here")
    page.stands(T5, "On this computer")
    assert page.focused == SMALL
    wait_until(lambda: "Needs a model" in page.texts(".backend-card")[1], "that it needs a model again")


def test_a_phone_has_all_of_it_in_reach_of_a_finger_and_everything_has_a_name(page: Models) -> None:
    resize(page.browser, PHONE)
    try:
        assert sideways_px(page.browser) == 0
        small = """return [...document.querySelectorAll(".shell button, .shell a, .shell input")]
            .filter((el) => el.checkVisibility() && !el.classList.contains("sr-only"))
            .filter((el) => el.getBoundingClientRect().height < 44 || el.getBoundingClientRect().right > innerWidth)
            .map((el) => el.outerHTML)"""
        assert page.js(small) == []
    finally:
        resize(page.browser, DESKTOP)
    controls = [control for control in page.all(".shell button, .shell a, .shell input") if control.is_displayed()]
    assert len(controls) > 15
    names = [control.accessible_name.strip() for control in controls]
    assert all(names)
    assert len(set(names)) == len(names), "two controls cannot be told apart by their names"
    assert console_errors(page.browser) == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    ("place", "heading"), [("t5-base", T5), ("sources", "Where SAM-Audio comes from")], ids=["a model", "the sources"]
)
def test_an_address_leads_to_the_place_that_it_names(
    browser: Chrome, site: Site, size: tuple[int, int], place: str, heading: str
) -> None:
    resize(browser, size)
    models = Models(browser, site.server.url)
    models.open("/library")  # so that the whole page is loaded anew
    models.open(f"/models#{place}")
    in_sight = """const box = document.getElementById(arguments[0])?.getBoundingClientRect();
        return box && box.top >= 0 && box.bottom <= innerHeight"""
    wait_until(lambda: models.js(in_sight, place), f"{place} in sight")
    assert models.js("return document.getElementById(arguments[0]).innerText", place) == heading
    if heading == T5:
        wait_until(lambda: models.focused == T5, "its row to have the focus")
    assert console_errors(browser) == []

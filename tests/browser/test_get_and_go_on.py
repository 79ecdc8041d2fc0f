"""From “dog barking” typed to the separation running, with no account, no terminal and one press; killed on the way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.fake_hub import Hub, serve
from tests.support.server import RunningServer, running_server
from tests.support.split_models import publish_official, publish_split
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
SLOW_S = 0.1  # for every 4 kB of the megabyte of the tiny copies
OFFER, GET = ".get-offer", "Get SAM-Audio small, 1.3 GB, and go on"
ACCEPT = "Accept, get SAM-Audio small and go on"


class Site:
    """A server beside a hub; it can be killed and started again where it was."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.hub, self.home = hub, folder / "home"
        names = ("HF_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_CACHE")
        self._env: dict[str, str | None] = {
            "HF_ENDPOINT": hub.address,
            "HF_HUB_CACHE": str(folder / "hub"),
            "HF_TOKEN_PATH": str(folder / "token"),
            "TORCH_HOME": str(folder / "torch"),
            **dict.fromkeys(names),
        }
        self._stack = ExitStack()
        self.server = self._start(None)

    def crash_and_start_again(self) -> None:
        self.server.kill()
        self.server = self._start(self.server.port)

    def _start(self, port: int | None) -> RunningServer:
        again = running_server(module="tests.support.tiny_copies_app", env=self._env, home=self.home, port=port)
        return self._stack.enter_context(again)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serve(Hub()) as hub:
        publish_official(hub)
        publish_split(hub)
        site = Site(tmp_path, hub)
        yield site
        hub.pause_s = 0.0
        site.close()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_sound_nobody_here_can_separate_is_got_and_separated_by_one_press(
    browser: Chrome, site: Site, size: tuple[int, int]
) -> None:
    resize(browser, size)
    studio = Studio(browser, site.server.url).open()
    studio.try_demo()
    studio.ask("dog barking")
    wait_until(lambda: GET in "".join(studio.texts(OFFER)), "the offer")
    picture(browser, f"offer-{size[0]}")
    assert sideways_px(browser) == 0
    studio.button(GET).click()
    wait_until(lambda: "Trade controls" in "".join(studio.texts(OFFER)), "the licence")
    picture(browser, f"licence-{size[0]}")
    site.hub.pause_s, site.hub.piece = SLOW_S, 1 << 12
    studio.button(ACCEPT).click()
    wait_until(lambda: "Getting the model" in studio.job, "the download in the job's card")
    wait_until(lambda: "then it separates" in studio.job, "its bytes")
    picture(browser, f"getting-{size[0]}")
    assert sideways_px(browser) == 0
    wait_until(lambda: site.hub.sent_bytes("model.fp16.safetensors") > 10_000, "some bytes")

    site.crash_and_start_again()
    studio.open(f"/?recording={recording(studio)}")
    wait_until(lambda: "Interrupted" in studio.job, "the job that was interrupted")
    site.hub.pause_s = 0.0
    studio.button("Resume").click()
    wait_until(lambda: "dog barking" in studio.tracks, "its track", RUN_S)
    picture(browser, f"done-{size[0]}")
    resumed = [h["Range"] for h in site.hub.got("GET", "model.fp16.safetensors") if h.get("Range", "").endswith("-")]
    assert resumed, "it went on in the middle of the file"
    assert not studio.texts(OFFER)
    assert all("WebSocket" in line or "ERR_" in line for line in console_errors(browser)), "of the crash alone"


def recording(studio: Studio) -> str:
    return str(studio.js("return new URL(location).searchParams.get('recording')"))


def picture(browser: Chrome, name: str) -> None:
    """Keep what is seen, for a person who asks for it."""
    if folder := os.environ.get("PICTURES"):
        browser.save_screenshot(f"{folder}/{name}.png")

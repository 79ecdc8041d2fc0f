"""From a sound typed to its separation by a model that was not here: one press, no terminal, and killed on the way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys

from tests.support import demucs_models
from tests.support.browser import DESKTOP, PHONE, bars_share, console_errors, resize, sideways_px, wait_until
from tests.support.fake_hub import Hub, serve
from tests.support.server import RunningServer, running_server
from tests.support.split_models import publish_official, publish_split
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
SLOW_S = 0.1  # for every 4 kB of the tiny models, of which SAM-Audio's has a megabyte and Demucs' 158 kB
OFFER, GET = ".get-offer", "Download SAM-Audio small, 1.3 GB, and continue"
ACCEPT = "Accept, download SAM-Audio small and continue"
SIGNATURE = "955717e8"  # of `htdemucs`
GET_DEMUCS = "Download Demucs htdemucs, 84 MB, and continue"


class Site:
    """A server beside a hub; it can be killed and started again where it was."""

    def __init__(self, folder: Path, hub: Hub, app: str, **env: str) -> None:
        self.hub, self.home, self._app = hub, folder / "home", f"tests.support.{app}"
        names = ("HF_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_CACHE")
        self._env: dict[str, str | None] = {
            "HF_ENDPOINT": hub.address,
            "HF_HUB_CACHE": str(folder / "hub"),
            "HF_TOKEN_PATH": str(folder / "token"),
            "TORCH_HOME": str(folder / "torch"),
            **dict.fromkeys(names),
            **env,
        }
        self._stack = ExitStack()
        self.server = self._start(None)

    def crash_and_start_again(self) -> None:
        self.server.kill()
        self.server = self._start(self.server.port)

    def _start(self, port: int | None) -> RunningServer:
        again = running_server(module=self._app, env=self._env, home=self.home, port=port)
        return self._stack.enter_context(again)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serve(Hub()) as hub:
        publish_official(hub)
        publish_split(hub)
        site = Site(tmp_path, hub, "tiny_copies_app")
        yield site
        hub.pause_s = 0.0
        site.close()


@pytest.fixture
def demucs_site(tmp_path: Path) -> Iterator[Site]:
    """A server that has no model of Demucs, beside one that has the file of `htdemucs`, a tiny one."""
    file = demucs_models.save_package(demucs_models.htdemucs(1), tmp_path / f"{SIGNATURE}.th", checksum=True)
    with serve(Hub()) as hub:
        hub.repositories["demucs"] = {file.name: file.read_bytes()}
        site = Site(tmp_path, hub, "tiny_demucs_app", TINY_DEMUCS=f"{hub.storage}/demucs/{file.name}")
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
    wait_until(lambda: site.hub.got("GET", "model.fp16.safetensors"), "the download of the largest file")
    wait_until(lambda: partial_bytes(site, 10_000), "some bytes")

    site.crash_and_start_again()
    studio.open(f"/?recording={recording(studio)}")
    wait_until(lambda: "Interrupted" in studio.job, "the job that was interrupted")
    site.hub.pause_s = 0.0
    studio.button("Go on").click()
    wait_until(lambda: "dog barking" in studio.tracks, "its track", RUN_S)
    picture(browser, f"done-{size[0]}")
    resumed = [h["Range"] for h in site.hub.got("GET", "model.fp16.safetensors") if h.get("Range", "").endswith("-")]
    assert resumed, "it went on in the middle of the file"
    assert not studio.texts(OFFER)
    assert all("WebSocket" in line or "ERR_" in line for line in console_errors(browser)), "of the crash alone"


def test_demucs_is_got_by_one_press_where_it_does_better_over_a_line_that_drops(
    browser: Chrome, demucs_site: Site
) -> None:
    hub = demucs_site.hub
    ((file, content),) = hub.repositories["demucs"].items()
    resize(browser, DESKTOP)
    studio = Studio(browser, demucs_site.server.url).open()
    studio.try_demo()
    studio.ask("drums")
    wait_until(lambda: GET_DEMUCS in "".join(studio.texts(OFFER)), "the offer")
    assert "Demucs would do better here: htdemucs, 84 MB." in "".join(studio.texts(OFFER))
    fits(browser, "demucs-offer")
    hub.pause_s, hub.piece, hub.drops[file] = SLOW_S, 1 << 12, [40_000]
    resize(browser, PHONE)
    studio.one(".sheet-button").click()  # it is a hint, and stands with the settings
    studio.button(GET_DEMUCS).send_keys(Keys.ENTER)
    studio.one(".sheet-head button").send_keys(Keys.ESCAPE)
    wait_until(lambda: "Getting the model" in studio.job, "the download in the job's card")
    wait_until(lambda: "then it separates" in studio.job, "its bytes")
    fits(browser, "demucs-getting")
    wait_until(lambda: len(asked_from(hub, file)) > 1, "the line to be there again", RUN_S)
    assert asked_from(hub, file) == [0, 40_000], "it goes on by itself where the line dropped"
    there_bytes = wait_until(lambda: partial_bytes(demucs_site, 80_000), "more of it")

    demucs_site.crash_and_start_again()
    studio.open(f"/?recording={recording(studio)}")
    wait_until(lambda: "Interrupted" in studio.job, "the job that was interrupted")
    assert "what was downloaded of htdemucs is kept" in studio.job
    assert not studio.texts(OFFER), "the job gets it, by one press"
    fits(browser, "demucs-interrupted")
    hub.pause_s = 0.0
    studio.button("Go on").click()
    studio.finish("drums", "everything else")
    first_byte = asked_from(hub, file)[-1]
    assert there_bytes <= first_byte < len(content), "it goes on in the middle of the file"
    fits(browser, "demucs-done")
    assert not studio.texts(OFFER) and "Demucs" in "".join(studio.texts(".made"))
    studio.one(".play").click()
    wait_until(lambda: studio.player()["position_samples"] > 0, "sound")
    assert studio.gains() == {"Mixture": 0, "drums": 1, "everything else": 1}
    assert all("WebSocket" in line or "ERR_" in line for line in console_errors(browser)), "of the crash alone"


def asked_from(hub: Hub, file: str) -> list[int]:
    """The first byte that each download of a file has asked for."""
    ranges = [headers.get("Range", "bytes=0-") for headers in hub.got("GET", file)]
    return [int(one.removeprefix("bytes=").partition("-")[0]) for one in ranges]


def partial_bytes(site: Site, least: int) -> int:
    """How much has been kept of the file that is being fetched; 0 before there is so much."""
    files = (file for end in ("part", "incomplete") for file in site.home.parent.rglob(f"*.{end}"))
    n_bytes = max((file.stat().st_size for file in files), default=0)
    return n_bytes if n_bytes >= least else 0


def fits(browser: Chrome, name: str) -> None:
    """Look at the page on a desktop and on a phone: nothing needs scrolling sideways. Afterwards it is as it was."""
    before = browser.execute_script("return innerWidth")
    for size in (DESKTOP, PHONE):
        resize(browser, size)
        wait_until(lambda: sideways_px(browser) == 0, f"{name} to fit {size}")
        assert size == DESKTOP or bars_share(browser) <= 0.15, "of a phone's height"
        picture(browser, f"{name}-{size[0]}")
    resize(browser, PHONE if before == PHONE[0] else DESKTOP)


def recording(studio: Studio) -> str:
    return str(studio.js("return new URL(location).searchParams.get('recording')"))


def picture(browser: Chrome, name: str) -> None:
    """Keep what is seen, for a person who asks for it."""
    if folder := os.environ.get("PICTURES"):
        browser.save_screenshot(f"{folder}/{name}.png")

"""The first chunk is heard while the others are computed, and what was begun goes on when the result is there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome, Keys

from assets.demo_recording import load_demo
from storage import ArtifactStore
from tests.support.browser import console_errors, wait_until
from tests.support.offline import rendered
from tests.support.player_endurance import keep_noise
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
LONG_S = 60  # seven chunks, so that the run is not over when a test has seen the first


@pytest.fixture(scope="module")
def long_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo over and over."""
    demo = load_demo()
    path = tmp_path_factory.mktemp("files") / "long song.flac"
    soundfile.write(path, np.resize(demo.mixture.T, (LONG_S * demo.sample_rate, 2)), demo.sample_rate)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the server."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[RunningServer]:
    with running_server(home=home) as server:
        yield server


@pytest.fixture(scope="module")
def studio(browser: Chrome, running: RunningServer) -> Iterator[Studio]:
    """An empty Studio at first."""
    yield Studio(browser, running.url).open()
    assert console_errors(browser) == []
    assert "Traceback" not in running.log()


def pieces(studio: Studio, *names: str) -> list[list[tuple[int, int, int]]]:
    """What the player has scheduled of these tracks, at one moment: (sample, frame of the clock, samples)."""
    ids = studio.js("return [...window.audioPlayground.player.owners.values()].flat().map((t) => [t.id, t.name])")
    tracks = {track["id"]: track["scheduled"] for track in studio.player()["tracks"]}
    found = []
    for name in names:
        (wanted,) = {track_id for track_id, shown in ids if shown == name}
        found.append([(piece["start_sample"], piece["when_frame"], piece["count"]) for piece in tracks[wanted]])
    return found


def test_the_first_chunk_is_heard_before_the_run_is_over_and_no_gap_follows(
    studio: Studio, long_song: Path, running: RunningServer
) -> None:
    studio.bring(long_song).ask("drums").start()
    wait_until(lambda: studio.tracks == ["Mixture", "drums", "everything else"], "the first chunk", RUN_S)
    with running.work_paused():
        assert studio.job, "the run goes on"
        studio.one(".play").click()
        wait_until(lambda: studio.player()["position_samples"] > 44_100, "a second of it")
        assert studio.gains() == {"Mixture": 0, "drums": 1, "everything else": 1}
        assert not studio.all('[aria-label="Download drums"]'), "there is no file yet"
        (ready,) = {track["ready_samples"] for track in shown(studio) if "ready_samples" in track}
    studio.finish("drums", "everything else")
    played = studio.player()["position_samples"]
    wait_until(lambda: studio.player()["position_samples"] > played + 3 * 44_100, "more of it, from the result")
    assert studio.all('[aria-label="Download drums"]')
    heard, rest = pieces(studio, "drums", "everything else")
    for (sample, frame, count), (next_sample, next_frame, _) in pairwise(heard):
        if sample + count >= ready:  # on a slow computer the recording may stand in here
            break
        assert next_sample == sample + count, "not one sample is skipped"
        assert next_frame == frame + count
    assert heard == rest


def test_after_a_cancel_what_was_made_is_heard_with_the_recording_behind_it_and_the_run_goes_on(
    studio: Studio, long_song: Path, running: RunningServer
) -> None:
    studio.open().bring(long_song).ask("vocals").start()
    wait_until(lambda: studio.tracks == ["Mixture", "vocals", "everything else"], "the first chunk", RUN_S)
    studio.button("Cancel").click()
    wait_until(lambda: studio.job.startswith("Cancelled"), "the end of the run", RUN_S)
    assert studio.tracks == ["Mixture", "vocals", "everything else"]
    assert "Cancelled. You can hear what was finished" in "".join(studio.texts(".timeline-head"))
    (ready,) = {track["ready_samples"] for track in shown(studio) if "ready_samples" in track}
    rate = studio.player()["sample_rate"]
    assert rate <= ready < LONG_S * rate

    studio.js("window.audioPlayground.player.seek(arguments[0])", ready - rate)
    studio.one(".play").click()
    wait_until(lambda: ready - rate < studio.player()["position_samples"] < ready, "what was made")
    assert not studio.player()["stands_in"]
    assert studio.gains() == {"Mixture": 0, "vocals": 1, "everything else": 1}
    wait_until(lambda: studio.player()["stands_in"], "the recording")
    heard = studio.player()
    assert heard["position_samples"] >= ready and heard["playing"]
    wait_until(lambda: studio.player()["position_samples"] > ready + 2 * rate, "more of it")
    assert studio.player()["stands_in"]
    level = studio.js("return window.audioPlayground.player.level.rms_db")
    assert level > -60, "it sounds"

    with running.work_paused():
        studio.run_button.click()
        wait_until(lambda: not studio.job.startswith("Cancelled"), "the run that goes on")
        assert studio.tracks == ["Mixture", "vocals", "everything else"], "nothing goes that was heard"
        assert min(track.get("ready_samples", ready) for track in shown(studio)) >= ready
    studio.finish("vocals", "everything else")
    wait_until(lambda: not studio.player()["stands_in"], "the tracks again")
    assert studio.player()["playing"]
    studio.one(".play").click()


def shown(studio: Studio) -> list[dict[str, Any]]:
    """The tracks of the page."""
    found: list[dict[str, Any]] = studio.js("return [...window.audioPlayground.player.owners.values()].flat()")
    return found


def audible(studio: Studio) -> dict[str, list[tuple[str, float]]]:
    """What is heard: side of the comparison to (track, linear gain)."""
    about = {track["id"]: track for track in shown(studio)}
    heard: dict[str, list[tuple[str, float]]] = {}
    for track in studio.player()["tracks"]:
        if track["gain"] > 0:
            side = about[track["id"]].get("side", "")
            heard.setdefault(side, []).append((about[track["id"]]["name"], track["gain"]))
    return heard


def matched(studio: Studio) -> dict[str, float]:
    """By how many dB each side is turned down so that both are equally loud; one gain for all of its tracks."""
    found: list[tuple[str, float]] = studio.js("""
        const shown = [...window.audioPlayground.player.owners.values()].flat().filter((track) => track.side);
        return shown.map((track) => [track.side, track.match_db])""")
    gains = {(side, gain) for side, gain in found}
    assert len(gains) == 2, gains
    return dict(gains)


def download(studio: Studio, name: str) -> str:
    """The address of a track's file."""
    return str(studio.js(f"""return document.querySelector('[aria-label="Download {name}"]')?.href ?? ''"""))


def test_two_results_play_together_on_the_keys_a_and_b_equally_loud(studio: Studio) -> None:
    studio.open().try_demo().ask("drums").start().finish("drums", "everything else")
    studio.set("Length", 3).set("Only the first", 1)
    wait_until(lambda: "3 s" in "".join(studio.texts(".settings-digest")), "the other settings")
    studio.start()
    wait_until(lambda: not studio.job and studio.all('[aria-label="Compare with"]'), "the second result", RUN_S)
    other = studio.setting("Compare with").find_elements("css selector", "option")[1]
    studio.set("Compare with", other.text)
    wait_until(
        lambda: len(studio.texts(".sides label")) == 2 and "measuring" not in "".join(studio.texts(".sides")), "A and B"
    )
    first, second = studio.texts(".sides label span:first-of-type")
    assert "chunk 10 s" in second and "chunk 3 s" in first, "told apart by what differs"
    assert set(audible(studio)) == {"A"}
    meters = [meter.accessible_name[:6] for meter in studio.all(".measure [role=meter]")]
    assert meters == ["A What", "B What"]
    studio.one(".play").click()
    wait_until(lambda: studio.player()["position_samples"] > 0, "sound")
    studio.one("body").send_keys("b")
    wait_until(lambda: set(audible(studio)) == {"B"}, "the other side")
    assert studio.player()["playing"] or studio.player()["phase"] == "buffering"
    with_drums = matched(studio)
    studio.one('[aria-label="Mute drums"]').click()
    assert [name for name, _ in audible(studio)["B"]] == ["everything else"]
    studio.one("body").send_keys("a")
    wait_until(lambda: [name for name, _ in audible(studio).get("A", [])] == ["everything else"], "the same mute on A")
    gains = [gain for side in audible(studio).values() for _, gain in side]
    assert all(gain <= 1 for gain in gains), "matched by attenuation alone"
    wait_until(lambda: matched(studio) != with_drums and min(matched(studio).values()) < 0, "one of them is louder")
    levels, places = matched(studio), studio.texts(".sides label")
    studio.set("File format", "FLAC, 24 bit")
    wait_until(lambda: "format=flac" in download(studio, "drums"), "the other format")
    assert (matched(studio), studio.texts(".sides label")) == (levels, places)
    together = studio.js("""
        const tracks = window.audioPlayground.player.state().tracks.filter((track) => track.scheduled.length);
        return tracks.map((track) => track.scheduled.map((piece) => [piece.start_sample, piece.when_frame]))""")
    starts = [dict(map(tuple, pieces)) for pieces in together]
    common = set.intersection(*(set(pieces) for pieces in starts))
    assert common and all(len({pieces[sample] for pieces in starts}) == 1 for sample in common), "to the sample"


def test_an_older_result_is_shown_by_its_address_and_a_comparison_makes_way_for_a_new_one(
    studio: Studio, home: Path
) -> None:
    recording, (older, _) = keep_noise(ArtifactStore(home), 2)
    studio.open(f"/?recording={recording.key}&result={older.key}")
    wait_until(lambda: older.key in download(studio, "drums"), "the older result")
    other = studio.setting("Compare with").find_elements("css selector", "option")[1]
    studio.set("Compare with", other.text)
    wait_until(lambda: len(studio.texts(".sides label")) == 2, "A and B")
    studio.ask("bass").start()
    wait_until(lambda: studio.tracks == ["Mixture", "bass", "everything else"], "the first chunk", RUN_S)
    assert studio.job and not studio.texts(".sides label"), "what is being made is heard alone"
    assert not any(track.get("side") for track in shown(studio))
    studio.finish("bass", "everything else")
    assert not studio.texts(".sides label")


def test_the_mix_that_is_kept_is_the_mix_that_is_heard(studio: Studio, tmp_path: Path) -> None:
    studio.open().try_demo()
    studio.ask("drums").start().finish("drums", "everything else")
    studio.one('[aria-label="Gain of drums"]').send_keys(Keys.ARROW_LEFT * 8)
    studio.one('[aria-label="Pan of everything else"]').send_keys(Keys.ARROW_LEFT * 6)
    studio.one('[aria-label="Pan of drums"]').send_keys(Keys.ARROW_RIGHT * 10)
    assert {round(track["pan"], 2) for track in studio.player()["tracks"]} == {0, -0.6, 1}
    studio.set("File format", "WAV, 32-bit float")
    where = {"behavior": "allow", "downloadPath": str(tmp_path)}
    studio.browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    studio.button("Download this mix").click()
    (kept,) = wait_until(lambda: list(tmp_path.glob("*.wav")), "the mix")
    assert kept.name == "Demo song - drums - built-in separator - mix.wav"
    heard = rendered(studio.browser, 22_050, 44_100)
    sound, _ = soundfile.read(kept, dtype="float32")
    assert np.abs(heard).max() > 0.05
    assert pytest.approx(heard, abs=1e-5) == sound[22_050 : 22_050 + 44_100].T

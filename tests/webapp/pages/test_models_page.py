"""What the Models page says, and what its buttons do, where nothing has to be seen in a browser for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import constants
from starlette.datastructures import URL

from separation.backends import catalogue
from separation.hub import transfer
from separation.models.sam_audio import sources
from tests.support.damage import flip
from tests.support.fake_hub import TOKEN, installed
from tests.support.sam_models import CHECKPOINT, tiny_config
from tests.support.simulated import simulated_studio
from tests.support.split_models import publish_split, tiny_codec_expected
from webapp.pages.models.access_steps import is_private

SMALL, T5 = "SAM-Audio small", "T5-base, the text encoder of SAM-Audio"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The tiny SAM-Audio as the small one, gated, and its text encoder as T5-base."""
    monkeypatch.setattr(transfer, "PAUSES_S", (0.01, 0.01))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with installed(tmp_path, monkeypatch) as running:
        sources.use(["facebook"])
        config = tiny_config()
        config["text_encoder"]["name"] = "t5-base"
        checkpoint = (CHECKPOINT / "checkpoint.pt").read_bytes()
        running.publish(
            "facebook/sam-audio-small", {"config.json": json.dumps(config).encode(), "checkpoint.pt": checkpoint}
        )
        running.publish("t5-base", {path.name: path.read_bytes() for path in (CHECKPOINT / "t5").iterdir()})
        running.gated.add("facebook/sam-audio-small")
        yield running


@pytest.fixture
async def page(hub, tmp_path, monkeypatch):
    async with simulated_studio(tmp_path / "home", monkeypatch) as studio:
        await studio.open("/models")
        await studio.until(lambda: studio.of(SMALL), "the models")
        yield studio


async def stands(page, label, words):
    await page.until(lambda: page.of(label, "pill") == words, f"{label} as “{words}”")


async def test_every_backend_says_whether_it_is_ready_and_what_to_do(page):
    cards = page.all("backend-card")
    names = ["Demucs", "SAM-Audio", "Built-in separator", "Speech separator"]
    assert [card.split("\n")[0] for card in cards] == names
    demucs, sam, builtin, _ = cards
    assert "Needs a model" in demucs and "MUSDB" in demucs
    assert "“Get access” beside one of them shows how to get it." in sam and "Not installed" in sam
    assert "Ready" in builtin
    words = page.of(SMALL, "model-words")
    for fact in ("Not here", "5.1 GB", "SAM Licence", "access on request", "t5-base", "float32", "bfloat16", "int8"):
        assert fact in words
    assert "No model on this computer yet" in page.text


TYPED = ("audio-playground ", "--download", "hf auth login")


async def test_what_a_backend_lacks_is_said_with_the_button_that_fetches_it_and_nothing_to_type(page, hub):
    def words(label):
        return page.of(label, "way-words")

    assert words("Demucs") == "None of its models is on this computer. “Download” beside one of them fetches it."
    assert "None of its models is on this computer. “Get access” beside one of them" in words("SAM-Audio")
    page.press("Get access", of=SMALL)
    page.enter("Token of the Hugging Face hub", TOKEN)
    await page.until(lambda: "“Download” beside one of them fetches it." in words("SAM-Audio"), "another button")
    hub.refused.add("facebook/sam-audio-small")
    await page.until(lambda: "can be fetched now" in page.of(SMALL, "steps"), "the last step")
    page.press("Download", of=f"Steps to get {SMALL}")
    await stands(page, SMALL, "Failed")
    assert not [typed for typed in TYPED if typed in page.text]


async def test_of_a_model_whose_text_encoder_is_missing_that_is_said(page, hub):
    page.press("Get access", of=SMALL)
    page.enter("Token of the Hugging Face hub", TOKEN)
    await page.until(lambda: "can be fetched now" in page.of(SMALL, "steps"), "the last step")
    page.press("Download", of=f"Steps to get {SMALL}")
    await stands(page, SMALL, "On this computer")
    await stands(page, T5, "On this computer")
    page.press("Remove", of=T5)
    page.press(next(words for words in page.buttons("model-question") if words.startswith("Delete")), of=T5)
    await stands(page, T5, "Not here")
    lacks = f"{SMALL} is on this computer, but not {T5}. “Download” beside it fetches it."
    await page.until(lambda: lacks in page.of("SAM-Audio", "way-words"), "what is missing")
    assert not [typed for typed in TYPED if typed in page.text]


async def test_a_guest_is_not_sent_to_buttons_that_are_not_there(hub, tmp_path, monkeypatch):
    async with simulated_studio(tmp_path / "home", monkeypatch, passcode="four calling birds") as page:
        await page.log_in("four calling birds")
        await page.open("/models")
        await page.until(lambda: page.of(SMALL), "the models")
        assert page.of("Demucs", "way-words") == "None of its models is on this computer."


async def test_what_goes_wrong_is_said_on_the_model_and_it_can_be_tried_again(page, hub):
    hub.damaged.add("tokenizer.json")
    page.press("Download", of=T5)
    await stands(page, T5, "Failed")
    assert "is not the published file" in page.of(T5, "error-card")
    assert "Try again" in page.of(T5, "error-card")
    hub.damaged.clear()
    page.press("Try again", of=T5)
    await stands(page, T5, "On this computer")
    assert not page.of(T5, "error-card")


async def test_a_model_is_compared_by_a_button_and_damage_is_named_and_fetched_anew(page):
    page.press("Download", of=T5)
    await stands(page, T5, "On this computer")
    page.press("Check", of=T5)
    await page.until(lambda: "what is on the disk is what was published" in page.of(T5, "model-words"), "it is whole")
    (weights,) = (file for file in catalogue.entry("t5-base").files if file.name == "model.safetensors")
    flip(weights)
    page.press("Check", of=T5)
    await stands(page, T5, "Damaged")
    assert "not what was published (model.safetensors)" in page.of(T5, "model-words")
    lacks = f"{T5} is damaged: what is on the disk is not what was published (model.safetensors)."
    assert lacks in page.of("SAM-Audio", "way-words")
    page.press("Download again", of=T5)
    await stands(page, T5, "On this computer")
    assert "published" not in page.of(T5, "model-words")


async def test_a_token_that_is_none_and_one_that_is_refused_are_explained_and_one_can_be_forgotten(page, hub):
    page.press("Get access", of=SMALL)
    page.enter("Token of the Hugging Face hub", "hf_one and another")
    await page.until(lambda: "not a token" in page.of(SMALL, "error-card"), "the refusal")
    page.enter("Token of the Hugging Face hub", TOKEN)
    await page.until(lambda: "A token is stored" in page.of(SMALL, "steps"), "the token to be kept")
    assert TOKEN not in page.text
    hub.refused.add("facebook/sam-audio-small")
    await page.until(lambda: "can be fetched now" in page.of(SMALL, "steps"), "the last step")
    page.press("Download", of=f"Steps to get {SMALL}")
    await stands(page, SMALL, "Failed")
    assert "“Steps” shows how to get access" in page.of(SMALL, "error-card")
    assert "accept the licence" in page.of(SMALL, "steps")
    page.press("Forget", of=SMALL)
    await page.until(lambda: "Paste it" in page.of(SMALL, "steps"), "the field")
    assert not Path(constants.HF_TOKEN_PATH).exists()


async def test_a_guest_finds_no_button_that_changes_a_model_and_a_hidden_one_does_nothing(hub, tmp_path, monkeypatch):
    async with simulated_studio(tmp_path / "home", monkeypatch, passcode="four calling birds") as page:

        async def changing():
            """The words on the buttons that change something, once the models are there."""
            await page.open("/models")
            await page.until(lambda: page.of(SMALL), "the models")
            return {*page.buttons("doctor"), *page.buttons("model-buttons")} - {"Versions"}

        assert await changing() >= {"Run the self-test", "Download", "Get access"}
        await page.log_in("four calling birds")
        assert await changing() == set()
        assert page.all("guest-note")
        assert page.press_what_is_hidden() > 5
        await page.log_out()
        assert "Run the self-test" in await changing(), "no test is under way"
        for trace in ("guest-note", "model-progress", "doctor-found", "steps", "model-question"):
            assert "".join(page.all(trace)) == "", trace


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://127.0.0.1:8080/models", True),
        ("http://localhost:8080/models", True),
        ("https://studio.local/models", True),
        ("http://192.168.1.20:8080/models", False),
        ("http://studio.local/models", False),
    ],
)
def test_a_token_is_taken_only_where_nobody_on_the_way_can_read_it(url: str, private: bool) -> None:
    assert is_private(URL(url)) is private


async def test_where_no_token_is_taken_the_page_says_why_and_a_button_copies_the_command(page):
    await page.open("/models", at="http://studio.local")
    await page.until(lambda: page.of(SMALL), "the models")
    page.press("Get access", of=SMALL)
    steps = page.of(f"Steps to get {SMALL}")
    assert "others on the network can read" in steps and "hf auth login" not in steps
    assert page.copies("Copy the command") == "hf auth login"
    await page.open("/models")
    await page.until(lambda: page.of(SMALL), "the models")
    page.press("Get access", of=SMALL)
    assert page.copies("Copy the command") is None, "the token is taken on the page itself"


async def test_the_licence_is_shown_before_the_first_download_and_accepted_once(tmp_path, monkeypatch):
    with installed(tmp_path, monkeypatch, accepted=False) as hub:
        tiny_codec_expected(monkeypatch)
        publish_split(hub)
        async with simulated_studio(tmp_path / "home", monkeypatch) as page:
            await page.open("/models")
            await page.until(lambda: page.of(SMALL), "the models")
            assert "audioghostai/sam-audio-small" in page.of(SMALL, "model-words")
            page.press("Download", of=SMALL)
            for words in ("a copy by audioghostai", "Redistribution", "Trade controls", "Acknowledgement"):
                assert words.lower() in page.of(f"Licence of {SMALL}").lower()
            page.press("Not now")
            assert not page.of(f"Licence of {SMALL}") and not hub.asked
            page.press("Download", of=SMALL)
            page.press("Accept and download")
            await stands(page, SMALL, "On this computer")
            await page.until(lambda: "SHA-256" in page.of(SMALL, "model-words"), "the digest of what is here")
            page.press("Remove", of=SMALL)
            page.press(next(words for words in page.buttons("model-question") if words.startswith("Delete")), of=SMALL)
            await stands(page, SMALL, "Not here")
            page.press("Download", of=SMALL)
            await stands(page, SMALL, "On this computer")


async def test_a_changed_revision_is_asked_about_and_taken_by_a_button(page, hub):
    page.press("Download", of=T5)
    await stands(page, T5, "On this computer")
    page.press("Remove", of=T5)
    page.press(next(words for words in page.buttons("model-question") if words.startswith("Delete")), of=T5)
    await stands(page, T5, "Not here")
    hub.repositories["t5-base"]["tokenizer.json"] += b" "
    page.press("Download", of=T5)
    await stands(page, T5, "Failed")
    assert "has changed since it was first fetched" in page.of(T5, "error-card")
    assert not [typed for typed in TYPED if typed in page.text]
    page.press("Take the new revision", of=T5)
    await stands(page, T5, "On this computer")


async def test_the_order_of_sources_is_shown_and_changed(page):
    def shown():
        return [line for line in page.of("Sources").split("\n") if line[:2].strip(".").isdigit() or "not tried" in line]

    assert shown() == ["1. Meta", "Your folder, not tried", "audioghostai, not tried", "AEmotionStudio, not tried"]
    page.press("Try it", of="audioghostai")
    page.press("Earlier", of="audioghostai")
    assert shown()[:2] == ["1. audioghostai", "2. Meta"] and sources.order() == ("audioghostai", "facebook")
    await page.until(lambda: "audioghostai/sam-audio-small" in page.of(SMALL, "model-words"), "the copy")
    page.press("Leave out", of="Meta")
    assert sources.order() == ("audioghostai",)

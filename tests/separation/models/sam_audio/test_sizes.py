"""Which size of SAM-Audio is taken for a prompt: the best by Meta's table, of those that are here; and it is said."""

from __future__ import annotations

import pytest

from separation.backends import catalogue, offers, registry, sam_family
from separation.errors import PromptError
from separation.models import folders
from separation.models.sam_audio import sizes
from separation.request import Request
from tests.support.fake_hub import installed
from tests.support.sam_models import CHECKPOINT
from tests.support.split_models import config, publish_split, stored, tiny_codec_expected, transformer


@pytest.fixture
def hub(tmp_path, monkeypatch):
    tiny_codec_expected(monkeypatch)
    monkeypatch.setattr(sam_family, "available_bytes", lambda: 64 * 10**9)
    with installed(tmp_path, monkeypatch) as running:
        publish_split(running)
        for model in ("base", "large"):
            running.publish(
                f"audioghostai/sam-audio-{model}",
                {"config.json": config(), "model.fp16.safetensors": stored(transformer(), "fp16")},
            )
        yield running


def get(*models):
    for model in models:
        for _ in catalogue.download(f"sam-audio-{model}"):
            pass


def chosen(*prompts, **settings):
    settled, why = registry.choose(Request.of(*prompts, backend="sam-audio", **settings))
    return settled.model, why


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("dog barking", "effects"),
        ("traffic noise", "effects"),
        ("glass breaking", "effects"),
        ("man speaking", "speech"),
        ("Speech", "speech"),
        ("a woman talking", "speech"),
        ("acoustic guitar", "music"),
        ("woman singing", "music"),
        ("singing voice", "music"),
        ("violins", "music"),
        ("background music", "music"),
    ],
)
def test_what_a_prompt_asks_for(prompt, kind):
    assert sizes.kind(prompt) == kind


def test_the_best_size_for_the_prompt_is_taken_and_said(hub):
    get("small", "base", "large")
    for prompt, size, words in (
        ("dog barking", "small", "effects"),
        ("man speaking", "base", "speech"),
        ("violin", "large", "music"),
    ):
        model, why = chosen(prompt)
        assert model == size and f"Its size {size} is the best for {words} by Meta's own table." in why


def test_of_several_prompts_the_most_decide(hub):
    get("small", "base", "large")
    assert chosen("violin", "dog barking", "rain")[0] == "small"
    assert chosen("violin", "dog barking")[0] == "large"


def test_where_the_best_is_not_here_the_best_that_is_here_is_taken_and_both_are_named(hub):
    get("small")
    model, why = chosen("man speaking")
    assert model == "small"
    assert "By Meta's own table its size base is the best for speech; small is the best that is here." in why
    get("large")
    assert chosen("man speaking")[0] == "large"


def test_auto_chooses_the_size_as_well(hub):
    get("small", "base")
    settled, why = registry.choose(Request.of("man speaking loudly in the rain"))
    assert settled.model == "base" and "best for speech" in why


def test_a_size_that_was_asked_for_is_that_size(hub):
    get("small", "base")
    model, why = chosen("man speaking", model="small")
    assert model == "small" and "Meta's own table" not in why


def test_a_folder_that_was_named_as_a_size_counts_as_here(hub):
    get("small")
    folders.name_folder(CHECKPOINT, "base")
    assert chosen("man speaking")[0] == "base"


def test_a_better_size_is_offered_where_it_fits_into_memory(hub, monkeypatch):
    assert offers.offer(Request.of("man speaking aloud", backend="sam-audio")).entry.name == "sam-audio-small"
    get("small")
    better = offers.offer(Request.of("man speaking aloud", backend="sam-audio"))
    assert (better.entry.name, better.better) == ("sam-audio-base", True)
    assert offers.offer(Request.of("dog barking")) is None
    assert offers.offer(Request.of("man speaking aloud", backend="sam-audio", model="small")) is None
    monkeypatch.setattr(sam_family, "available_bytes", lambda: 2 * 10**9)
    assert offers.offer(Request.of("violin", backend="sam-audio")) is None


def test_without_any_size_here_the_smallest_is_asked_for(hub):
    assert registry.get("sam_torch").settle(Request.of("violin", backend="sam_torch")).model == "small"


def test_whoever_names_a_sound_in_a_terminal_that_nothing_here_knows_is_told_what_to_get(hub):
    what_to_get = r"small \(1\.3 GB\) can, once it is here\. Download sam-audio-small: “audio-playground models"
    with pytest.raises(PromptError, match=what_to_get):
        offers.choose(Request.of("dog barking"))
    get("small")
    assert offers.choose(Request.of("dog barking"))[0].model == "small"

"""Where SAM-Audio comes from: Meta's gated files with an account, copies without one; and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save

from separation.backends import catalogue
from separation.backends.sam_torch import SamTorchBackend
from separation.errors import Action, BackendUnavailable, SettingsError, WeightsMissing
from separation.hub import digests, transfer
from separation.models import folders
from separation.models.sam_audio import sources
from separation.models.sam_audio.pytorch.network import load_torch_network
from separation.models.sam_audio.weights import find_sam_audio
from separation.request import Request
from tests.support.fake_hub import TOKEN, installed
from tests.support.sam_models import CHECKPOINT, tensors
from tests.support.split_models import (
    OFFICIAL,
    SHARED,
    SMALL,
    T5,
    WHOLE,
    codec,
    config,
    publish_official,
    publish_split,
    publish_text,
    stored,
    tiny_codec_expected,
    transformer,
)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with both kinds of sources, and no token on this computer."""
    monkeypatch.setattr(transfer, "PAUSES_S", (0.0, 0.0))
    tiny_codec_expected(monkeypatch)
    with installed(tmp_path, monkeypatch) as running:
        publish_official(running)
        publish_split(running)
        yield running


def get(name="sam-audio-small"):
    for _ in catalogue.download(name):
        pass


def usable(model="small"):
    return SamTorchBackend().availability(Request.of("dog", backend="sam_torch", model=model)).usable


def test_without_an_account_the_copy_is_fetched_and_can_be_used(hub):
    entry = catalogue.entry("sam-audio-small")
    assert not entry.gated and entry.repository == SMALL and "audioghostai" in entry.provenance
    get()
    assert usable() and find_sam_audio("small").source == "audioghostai"
    assert not [path for _, path, _ in hub.asked if OFFICIAL in path], "the gated repository was asked without a token"
    assert not hub.got("GET", "model.fp32.safetensors"), "half precision is what is fetched"


def test_what_came_in_halves_is_one_network(hub):
    get()
    network = load_torch_network(find_sam_audio("small").files)
    assert torch.equal(network.field.from_text.weight, tensors()["memory_proj.weight"].half().float())
    assert torch.equal(network.codec.to_mean.bias, tensors()["audio_codec.quantizer.in_proj.bias"][:16])


def test_with_an_account_that_was_let_in_meta_s_own_files_come_first(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    entry = catalogue.entry("sam-audio-small")
    assert entry.gated and entry.repository == OFFICIAL and "sam-audio-codec" not in entry.needs
    get()
    assert find_sam_audio("small").source == "facebook"
    assert not [path for _, path, _ in hub.asked if SMALL in path or SHARED in path]


def test_an_account_that_was_not_let_in_gets_the_copy(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.refused.add(OFFICIAL)
    get()
    assert usable() and find_sam_audio("small").source == "audioghostai"


def test_a_token_that_is_refused_is_said_and_not_passed_over(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mistyped")
    with pytest.raises(BackendUnavailable, match="refused this computer's token"):
        get()


def test_a_model_that_only_meta_publishes_still_says_how_to_be_let_in(hub):
    hub.publish("facebook/sam-audio-small-tv", {"config.json": config(), "checkpoint.pt": b"x"})
    hub.gated.add("facebook/sam-audio-small-tv")
    assert catalogue.entry("sam-audio-small-tv").gated
    with pytest.raises(WeightsMissing, match="accept the licence"):
        get("sam-audio-small-tv")


def test_a_copy_that_is_gone_is_named_with_what_the_others_said(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.refused.add(OFFICIAL)
    del hub.repositories[SMALL]
    with pytest.raises(WeightsMissing) as error:
        get()
    assert OFFICIAL in str(error.value) and SMALL in str(error.value)


def test_a_whole_copy_under_names_of_its_own_is_fetched_beside_another_model_of_it(hub):
    whole = {**transformer(), **codec(prefixed=False)}
    for model in ("base-tv", "large-tv"):
        files = hub.repositories.setdefault(WHOLE, {})
        files |= {f"config-{model}.json": config(), f"sam-audio-{model}-bf16.safetensors": stored(whole, "bf16")}
        files |= {f"sam-audio-{model}-fp8-scaled.safetensors": b"nobody reads this"}
    get("sam-audio-base-tv")
    found = find_sam_audio("base-tv")
    assert usable("base-tv") and not usable("large-tv") and found.source == "AEmotionStudio"
    assert catalogue.entry("sam-audio-base-tv").needs == (T5,), "its files hold the codec"
    assert torch.equal(
        load_torch_network(found.files).field.from_text.weight, tensors()["memory_proj.weight"].bfloat16().float()
    )
    get("sam-audio-large-tv")
    assert catalogue.remove("sam-audio-base-tv") > 0
    assert usable("large-tv") and not usable("base-tv")


def test_a_whole_copy_without_its_codec_gets_the_one_that_is_apart(hub):
    files = {"config-base-tv.json": config(), "sam-audio-base-tv-bf16.safetensors": stored(transformer(), "bf16")}
    hub.publish(WHOLE, files)
    get("sam-audio-base-tv")
    assert usable("base-tv") and catalogue.entry("sam-audio-codec").on_disk_bytes


def test_removing_a_model_leaves_the_codec_that_others_need(hub):
    get()
    assert catalogue.remove("sam-audio-small") > 0
    assert catalogue.entry("sam-audio-codec").on_disk_bytes and not usable()
    get()
    assert usable()
    assert hub.sent_bytes("audio_codec.safetensors") < 1.5 * len(hub.repositories[SHARED]["audio_codec.safetensors"])


def test_a_model_without_its_codec_says_so_and_gets_it_alone(hub):
    get()
    catalogue.remove("sam-audio-codec")
    assert not usable() and find_sam_audio("small").how_to_get()[1] == Action.download("sam-audio-codec")
    get()
    assert usable()


# What is refused


HARM = {
    "missing": lambda weights: weights.pop("proj.weight"),
    "renamed": lambda weights: weights.update({"proj.kernel": weights.pop("proj.weight")}),
    "of another shape": lambda weights: weights.update({"proj.weight": torch.zeros(64, 95)}),
    "of integers": lambda weights: weights.update({"proj.weight": weights["proj.weight"].to(torch.int8)}),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_copy_with_a_tensor_that_is_not_as_known_is_refused_by_name_before_it_is_fetched(hub, harm):
    weights = transformer()
    HARM[harm](weights)
    file = save({name: tensor.contiguous() for name, tensor in weights.items()})
    hub.repositories[SMALL]["model.fp16.safetensors"] = file
    with pytest.raises(BackendUnavailable, match=r"“proj\.weight”"):
        get()
    assert hub.sent_bytes("model.fp16.safetensors") < len(file) / 2, "only the table of its tensors was asked for"
    assert not usable()


def test_a_copy_in_eight_bits_is_refused_by_name(hub):
    table = {"proj.weight": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}
    header = json.dumps(table).encode()
    hub.repositories[SMALL]["model.fp16.safetensors"] = len(header).to_bytes(8, "little") + header + b"ab"
    with pytest.raises(BackendUnavailable, match=r"model\.fp16\.safetensors.*“proj\.weight” holds 8-bit"):
        get()


def test_a_pickle_is_never_fetched_from_a_copy(hub):
    hub.repositories[SMALL] |= {"checkpoint.pt": (CHECKPOINT / "checkpoint.pt").read_bytes()}
    del hub.repositories[SMALL]["model.fp16.safetensors"]
    with pytest.raises(BackendUnavailable, match=r"holds no file model\.fp16\.safetensors"):
        get()
    assert not hub.got("GET", "checkpoint.pt")


def test_a_codec_with_another_digest_than_the_known_one_is_not_fetched(hub, monkeypatch):
    known = "93929d357aadba28365a643cf5513dbb49e059a3045d7e8c0729108efd964a49"
    monkeypatch.setattr(sources, "CODEC", replace(sources.CODEC, pinned=(("audio_codec.safetensors", known),)))
    with pytest.raises(BackendUnavailable, match=rf"audio_codec\.safetensors.*not the file that is known.*{known}"):
        get()
    assert not hub.got("GET", "audio_codec.safetensors")


def test_a_later_revision_with_other_weights_is_asked_about(hub):
    get()
    recorded = digests.digest_of(SMALL, "model.fp16.safetensors")
    assert len(recorded) == 64
    catalogue.remove("sam-audio-small")
    weights = {**transformer(), "proj.bias": transformer()["proj.bias"] + 1}
    hub.repositories[SMALL]["model.fp16.safetensors"] = stored(weights, "fp16")
    with pytest.raises(digests.RevisionChanged, match="has changed since it was first fetched") as asked:
        get()
    assert not usable() and asked.value.repository == SMALL
    digests.accept(SMALL)
    get()
    assert usable() and digests.digest_of(SMALL, "model.fp16.safetensors") != recorded


def test_a_later_revision_with_the_same_weights_is_no_question(hub):
    get()
    catalogue.remove("sam-audio-small")
    hub.repositories[SMALL]["README.md"] = b"new words"
    get()
    assert usable()


def test_a_file_that_changes_within_its_revision_is_refused(hub, monkeypatch):
    get()
    catalogue.remove("sam-audio-small")
    commit = hub.commit(SMALL)
    monkeypatch.setattr(type(hub), "commit", lambda *_: commit)
    hub.repositories[SMALL]["model.fp16.safetensors"] = stored({**transformer(), "proj.bias": torch.zeros(64)}, "fp16")
    with pytest.raises(BackendUnavailable, match="same revision"):
        get()


# What goes wrong on the way


def test_a_download_that_breaks_in_the_middle_of_a_file_goes_on_there(hub):
    hub.drops["model.fp16.safetensors"] = [10**9, 10**9, 50_000, 20_000]
    get()
    assert usable()
    starts = [headers.get("Range") for headers in hub.got("GET", f"{SMALL}/model.fp16.safetensors")]
    assert "bytes=50000-" in starts and "bytes=70000-" in starts


def test_a_storage_that_asks_for_patience_is_given_some(hub):
    hub.failing += [429, 503]
    get()
    assert usable()


def test_a_damaged_file_is_not_kept(hub):
    hub.damaged.add("audio_codec.safetensors")
    with pytest.raises(BackendUnavailable, match="not the published file"):
        get()
    assert not usable()


def test_a_full_disk_is_said_before_anything_large_is_fetched(hub, monkeypatch):
    monkeypatch.setattr(transfer, "SPARE_BYTES", 1 << 60)
    with pytest.raises(BackendUnavailable, match="not enough room"):
        get()
    assert hub.sent_bytes("model.fp16.safetensors") < 100_000


# The table


def test_the_order_of_sources_can_be_changed_and_is_kept(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert sources.order() == ("folder", "facebook", "audioghostai", "AEmotionStudio")
    sources.use(["audioghostai", "facebook"])
    assert sources.order() == ("audioghostai", "facebook")
    get()
    assert find_sam_audio("small").source == "audioghostai"


@pytest.mark.parametrize("names", [[], ["facebook", "facebook"], ["nobody"]])
def test_an_order_that_is_none_is_refused_with_the_names_there_are(hub, names):
    with pytest.raises(SettingsError, match="folder, facebook, audioghostai, AEmotionStudio"):
        sources.use(names)


def test_a_folder_that_was_named_as_the_model_comes_before_any_download(hub):
    get()
    folders.name_folder(CHECKPOINT, "small")
    found = find_sam_audio("small")
    assert found.source == "folder" and found.folder == CHECKPOINT and usable()


def test_a_model_that_no_chosen_source_has_says_so(hub):
    sources.use(["AEmotionStudio"])
    assert "none of the sources" in find_sam_audio("small").how_to_get()[0]
    with pytest.raises(WeightsMissing, match="None of the sources"):
        get()
    publish_text(hub)

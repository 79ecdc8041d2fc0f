"""The text encoder alone: of T5 only what is read is fetched, in one revision, resumed, and the same from then on."""

from __future__ import annotations

import json
from math import prod

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file, save

from separation.backends import catalogue
from separation.errors import BackendUnavailable
from separation.hub import digests, remembered, transfer
from separation.models.sam_audio import sources, text_encoder
from separation.models.sam_audio.checkpoint.stored import parts
from separation.models.sam_audio.config import Config, TextConfig, TransformerConfig
from separation.models.sam_audio.pytorch.text import T5TextEncoder
from tests.support.fake_hub import installed
from tests.support.sam_models import CHECKPOINT
from tests.support.split_models import SHARED, SMALL, T5, publish_split, publish_text, tiny_codec_expected

WEIGHTS = "model.safetensors"
# What config.json of t5-base says.
T5_BASE = {"d_model": 768, "d_kv": 64, "d_ff": 3072, "num_heads": 12, "num_layers": 12, "vocab_size": 32_128}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "PAUSES_S", (0.0, 0.0))
    tiny_codec_expected(monkeypatch)
    with installed(tmp_path, monkeypatch) as running:
        publish_text(running)
        yield running


def get(name=T5):
    for _ in catalogue.download(name):
        pass


def ours():
    return text_encoder.own_folder() / WEIGHTS


def encoder():
    return load((CHECKPOINT / "t5" / WEIGHTS).read_bytes())


def test_of_the_file_only_the_encoder_is_fetched(hub):
    get()
    found = load_file(ours())
    assert found.keys() == encoder().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in encoder().items())
    values = sum(tensor.nbytes for tensor in found.values())
    # Beside the values: eight bytes, the table of all tensors, and the document of the hub that lists the files.
    assert values < hub.sent_bytes(WEIGHTS) < values + 6000 < len(hub.repositories[T5][WEIGHTS]) / 2


def test_what_is_fetched_for_small_is_at_most_1_4_gb():
    small = Config(transformer=TransformerConfig(dim=1024, n_layers=12, n_heads=8, context_dim=1024))
    stored = {tensor.names[0]: tensor.shape for part in parts(small) for tensor in part.sources}
    transformer = 2 * sum(prod(shape) for name, shape in stored.items() if not name.startswith("audio_codec."))
    t5 = 4 * sum(map(prod, text_encoder.shapes(T5_BASE).values()))
    assert t5 == pytest.approx(text_encoder.SIZE_GB * 1e9, rel=0.01)
    assert transformer == pytest.approx(sources.PUBLISHERS["audioghostai"].sizes_gb["small"] * 1e9, rel=0.02)
    tables = 2_000_000  # of tensors, in JSON
    assert transformer + sources.CODEC_BYTES + t5 + tables < 1.4e9


def test_of_small_as_copies_have_it_every_byte_is_fetched_once_and_no_other(hub):
    publish_split(hub)
    get("sam-audio-small")
    files = {SMALL: "model.fp16.safetensors", SHARED: "audio_codec.safetensors"}
    wanted = sum(len(hub.repositories[repository][name]) for repository, name in files.items())
    wanted += sum(tensor.nbytes for tensor in encoder().values())
    assert wanted <= hub.sent_bytes(WEIGHTS, *files.values()) < 1.15 * wanted, "and their tables before them"


def test_words_are_encoded_as_by_the_whole_file(hub):
    get()
    name = TextConfig(name=T5, dim=32)
    features, mask = T5TextEncoder(name, CHECKPOINT.parent).encode(["dog barking"])
    whole, whole_mask = T5TextEncoder(TextConfig(name="t5", dim=32), CHECKPOINT).encode(["dog barking"])
    assert torch.equal(features, whole) and np.array_equal(mask, whole_mask)


def test_a_download_that_breaks_goes_on_in_the_middle_of_a_tensor(hub):
    hub.drops[WEIGHTS] = [10**9, 10**9, 30_001, 10_000]
    get()
    starts = [int(headers["Range"][6:].split("-")[0]) for headers in hub.got("GET", f"{T5}/{WEIGHTS}")]
    first, second, third = sorted(set(starts))[-3:]
    assert (second - first, third - second) == (30_001, 10_000)
    assert load_file(ours()).keys() == encoder().keys()


def test_a_download_that_was_given_up_goes_on_the_next_time(hub):
    hub.drops[WEIGHTS] = [10**9, 10**9, 30_000, 0, 0, 0]
    with pytest.raises(BackendUnavailable, match=r"After 3\d\d\d\d of \d+ bytes"):
        get()
    assert catalogue.entry(T5).on_disk_bytes is None and catalogue.entry(T5).partial_bytes > 30_000
    before = hub.sent_bytes(WEIGHTS)
    get()
    assert hub.sent_bytes(WEIGHTS) - before < sum(tensor.nbytes for tensor in encoder().values()) - 20_000
    assert load_file(ours()).keys() == encoder().keys()


def test_a_storage_that_asks_for_patience_is_given_some(hub):
    hub.failing += [429, 503]
    get()
    assert catalogue.entry(T5).on_disk_bytes


def test_a_part_of_another_revision_is_refused(hub):
    hub.headers["X-Repo-Commit"] = None
    get()
    catalogue.remove(T5)
    hub.headers["X-Repo-Commit"] = "b" * 40
    with pytest.raises(BackendUnavailable, match="changed while it was fetched"):
        get()


@pytest.mark.parametrize("harm", ["missing", "renamed", "of another shape", "of integers"])
def test_a_tensor_that_is_not_as_known_is_refused_by_name(hub, harm):
    name = "encoder.block.1.layer.1.DenseReluDense.wo.weight"
    weights = encoder()
    tensor = weights.pop(name)
    if harm == "renamed":
        weights[name.replace("wo", "w_out")] = tensor
    elif harm == "of another shape":
        weights[name] = tensor[:, :-1].contiguous()
    elif harm == "of integers":
        weights[name] = tensor.to(torch.int8)
    hub.repositories[T5][WEIGHTS] = save(weights)
    with pytest.raises(BackendUnavailable, match=name.replace(".", r"\.")):
        get()
    assert not ours().exists()


def test_the_embedding_may_have_the_name_that_encoders_alone_give_it(hub):
    weights = encoder()
    weights["encoder.embed_tokens.weight"] = weights.pop("shared.weight")
    hub.repositories[T5][WEIGHTS] = save(weights)
    get()
    assert torch.equal(load_file(ours())["shared.weight"], encoder()["shared.weight"])


def test_a_server_that_sends_no_parts_is_said(hub):
    hub.ranges = False
    with pytest.raises(BackendUnavailable, match="cannot be fetched in parts"):
        get()


def test_a_digest_of_every_tensor_is_recorded_and_has_to_be_the_same_from_then_on(hub):
    get()
    name = "encoder.final_layer_norm.weight"
    assert len(digests.digest_of(T5, f"{WEIGHTS}#{name}")) == 64
    catalogue.remove(T5)
    get()
    catalogue.remove(T5)
    table = remembered.recall(digests.MEMORY)
    table[T5][f"{WEIGHTS}#{name}"][0] = "0" * 64
    remembered.remember(digests.MEMORY, table)
    with pytest.raises(BackendUnavailable, match=f"“{name}” differs"):
        get()
    assert catalogue.entry(T5).on_disk_bytes is None


def test_another_revision_of_it_is_asked_about(hub):
    get()
    catalogue.remove(T5)
    hub.repositories[T5][WEIGHTS] = save({**encoder(), "encoder.final_layer_norm.weight": torch.zeros(32)})
    with pytest.raises(digests.RevisionChanged):
        get()
    digests.accept(T5)
    get()
    assert not load_file(ours())["encoder.final_layer_norm.weight"].any()


def test_a_full_disk_is_said_before_anything_is_fetched(hub, monkeypatch):
    get()
    ours().unlink()
    monkeypatch.setattr(transfer, "SPARE_BYTES", 1 << 60)
    before = hub.sent_bytes(WEIGHTS)
    with pytest.raises(BackendUnavailable, match="not enough room"):
        get()
    assert hub.sent_bytes(WEIGHTS) - before < 6000


def test_the_configuration_of_another_network_is_refused(hub):
    hub.repositories[T5]["config.json"] = json.dumps({"model_type": "bert"}).encode()
    with pytest.raises(BackendUnavailable, match="not that of a T5"):
        get()

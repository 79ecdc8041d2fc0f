"""The text encoder is T5's: its features and its tokens are those of `transformers`, which is not imported for them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from separation.errors import BackendUnavailable
from separation.models.sam_audio.config import TextConfig
from separation.models.sam_audio.pytorch import t5
from separation.models.sam_audio.pytorch.text import T5TextEncoder
from tests.support.sam_models import CHECKPOINT

TINY = CHECKPOINT / "t5"
PROMPTS = (
    "",
    "man speaking",
    "Dog  barking,\tthen a\ncar",
    "Æther’s “naïve” ﬁre … 東京 ½",
    "</s> <pad> <extra_id_3> <unk> <s>",
    " leading and trailing ",
    "a long prompt " * 60,
)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(TINY, tmp_path / "t5")
    return tmp_path / "t5"


def encoder(folder, dim=32, max_length=512):
    return T5TextEncoder(TextConfig(name="t5", dim=dim, max_length=max_length), folder.parent)


def of_transformers(folder, prompts, max_length=512):
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = transformers.T5EncoderModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
    tokens = tokenizer(list(prompts), truncation=True, max_length=max_length, padding="longest", return_tensors="pt")
    with torch.inference_mode():
        features = model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).last_hidden_state
    return features, tokens["attention_mask"].bool()


@pytest.mark.parametrize("max_length", [512, 7])
@pytest.mark.parametrize("prompts", [PROMPTS[:1], PROMPTS[:-1], PROMPTS], ids=["empty", "odd", "and a long one"])
def test_features_are_those_of_transformers(prompts, max_length):
    features, mask = encoder(TINY, max_length=max_length).encode(prompts)
    others, counts = of_transformers(TINY, prompts, max_length)
    assert torch.equal(mask, counts)
    assert features[mask].numpy() == pytest.approx(others[counts].numpy(), abs=1e-6, rel=1e-5)


@pytest.mark.parametrize("activation", ["relu", "gated-gelu"])
def test_other_encoders_of_the_family_are_read_alike(folder, activation):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(3)
    config = transformers.T5Config(
        vocab_size=384,
        d_model=48,
        d_kv=12,
        d_ff=80,
        num_layers=3,
        num_heads=2,
        relative_attention_num_buckets=20,
        relative_attention_max_distance=50,
        layer_norm_epsilon=1e-4,
        feed_forward_proj=activation,
    )
    transformers.T5EncoderModel(config).save_pretrained(folder)
    features, mask = encoder(folder, dim=48).encode(PROMPTS)
    others, _ = of_transformers(folder, PROMPTS)
    assert features[mask].numpy() == pytest.approx(others[mask].numpy(), abs=1e-6, rel=1e-5)


def test_what_else_a_file_holds_is_not_read(folder):
    before, _ = encoder(folder).encode(PROMPTS)
    weights = load_file(folder / "model.safetensors")
    weights["encoder.embed_tokens.weight"] = weights.pop("shared.weight")  # as files without a decoder call it
    weights["decoder.block.0.layer.0.SelfAttention.q.weight"] = torch.full((32, 32), torch.nan)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(encoder(folder).encode(PROMPTS)[0], before)


def test_weights_in_the_older_format_are_read_and_nothing_in_them_runs(folder):
    before, _ = encoder(folder).encode(PROMPTS)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / t5.PICKLED)
    assert torch.equal(encoder(folder).encode(PROMPTS)[0], before)
    torch.save({"shared.weight": subprocess.Popen}, folder / t5.PICKLED)
    with pytest.raises(BackendUnavailable, match="damaged"):
        encoder(folder)


@pytest.mark.parametrize("damage", ["another shape", "another activation", "no T5", "no tokenizer"])
def test_what_is_not_this_encoder_is_refused(folder, damage):
    described = json.loads((folder / "config.json").read_text())
    changes = {"another shape": {"d_ff": 72}, "another activation": {"feed_forward_proj": "gated-tanh"}}
    if damage == "no T5":
        described = {"model_type": "bert"}
    elif damage == "no tokenizer":
        (folder / "tokenizer.json").write_text("{}")
    (folder / "config.json").write_text(json.dumps(described | changes.get(damage, {})))
    with pytest.raises(BackendUnavailable, match="damaged"):
        encoder(folder)


def test_transformers_is_imported_only_for_a_tokenizer_that_nothing_else_reads(folder, monkeypatch):
    code = f"""
import sys
from separation.models.sam_audio.config import TextConfig
from separation.models.sam_audio.pytorch.text import T5TextEncoder
T5TextEncoder(TextConfig(name="t5", dim=32), __import__("pathlib").Path({str(folder.parent)!r})).encode(["violin"])
sys.exit("transformers" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    (folder / "tokenizer.json").rename(folder / "spiece.model")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(BackendUnavailable, match="pip install transformers"):
        encoder(folder)

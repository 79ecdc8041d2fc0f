"""Encodes prompts to T5 features."""

from __future__ import annotations

import importlib
import logging
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor

from separation.errors import Action, BackendUnavailable, WeightsMissing
from separation.models.sam_audio import text_encoder
from separation.models.sam_audio.config import TextConfig
from separation.models.sam_audio.pytorch import t5

TOKENIZER, SENTENCE_PIECES = "tokenizer.json", "spiece.model"
PADDING = "<pad>"

log = logging.getLogger(__name__)


class T5TextEncoder:
    """A T5 encoder in float32 on the CPU: 0.06 s a run is not worth memory on a GPU.

    Raises:
        BackendUnavailable: the files are damaged or of another size, or their tokenizer is a file of SentencePiece's
            and `transformers`, which reads that, is not installed.
        WeightsMissing: the encoder is neither beside the checkpoint nor in the hub's cache. Nothing is downloaded.
    """

    def __init__(self, config: TextConfig, folder: Path) -> None:
        source = text_encoder.find(config.name, folder) or folder / config.name
        try:
            self._tokenize = _tokenizer(source, config.max_length)
            self._model = t5.read(source)
        except OSError as absent:
            raise WeightsMissing(
                f"The text encoder “{config.name}” is not on this computer.",
                "SAM-Audio reads prompts with T5, which its checkpoint does not contain.",
                "" if config.name == text_encoder.NAME else f"Put its files into “{folder / config.name}”.",
                action=Action.download(config.name) if config.name == text_encoder.NAME else None,
            ) from absent
        except (SafetensorError, LookupError, TypeError, ValueError, RuntimeError, pickle.UnpicklingError) as damage:
            log.exception("cannot read %s", source)
            missing = str(damage) if isinstance(damage, t5.MissingTensor) else ""
            raise _damaged(source, missing or "It is cut, or another kind of model") from damage
        if self._model.dim != config.dim:
            raise BackendUnavailable(
                f"The text encoder “{config.name}” does not fit this model.",
                f"It has {self._model.dim} channels; the model's config.json says {config.dim}.",
                "Use the encoder that config.json names.",
            )

    def encode(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Features (prompts, tokens, dim) and a mask (prompts, tokens) that is True where a token counts.

        An empty prompt is legal: it is the end-of-text token alone.
        """
        tokens, mask = self._tokenize(list(prompts))
        return self._model(tokens, mask), mask


def _tokenizer(source: Path, max_length: int | None) -> Callable[[list[str]], tuple[Tensor, Tensor]]:
    """Return what turns prompts into tokens and a mask, both (prompts, tokens)."""
    if not (source / TOKENIZER).is_file() and (source / SENTENCE_PIECES).is_file():
        return _sentence_pieces(source, max_length)
    written = (source / TOKENIZER).read_text("utf-8")
    try:
        tokenizer = Tokenizer.from_str(written)
    except Exception as damage:  # the package has no kind of its own
        raise ValueError(f"{TOKENIZER} holds no tokenizer: {damage}") from damage
    tokenizer.no_truncation() if max_length is None else tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(PADDING) or 0, pad_token=PADDING)

    def tokens_of(prompts: list[str]) -> tuple[Tensor, Tensor]:
        encodings = tokenizer.encode_batch(prompts)
        mask = torch.tensor([one.attention_mask for one in encodings])
        return torch.tensor([one.ids for one in encodings]), mask.bool()

    return tokens_of


def _sentence_pieces(source: Path, max_length: int | None) -> Callable[[list[str]], tuple[Tensor, Tensor]]:
    """Return the tokenizer of a folder that another program has fetched, as only `transformers` reads it."""
    try:
        transformers: Any = importlib.import_module("transformers")
    except ImportError as missing:
        raise BackendUnavailable(
            "SAM-Audio cannot read prompts here.",
            f"The tokenizer of its text encoder, {SENTENCE_PIECES}, needs the package “transformers”, which is not "
            "installed.",
            action=Action.install("transformers"),
        ) from missing
    # Files of a folder may name code beside them; it is not run.
    tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=True, trust_remote_code=False)

    def tokens_of(prompts: list[str]) -> tuple[Tensor, Tensor]:
        tokens = tokenizer(prompts, truncation=True, max_length=max_length, padding="longest", return_tensors="pt")
        return tokens["input_ids"], tokens["attention_mask"].bool()

    return tokens_of


def _damaged(source: Path, why: str) -> BackendUnavailable:
    return BackendUnavailable(f"The text encoder in “{source}” is damaged.", f"{why}.", "Download it again.")

"""Encodes prompts to T5 features. `transformers` is imported when the encoder is loaded, not before."""

from __future__ import annotations

import importlib
import logging
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from separation.errors import Action, BackendUnavailable, WeightsMissing
from separation.models.sam_audio import text_encoder
from separation.models.sam_audio.config import TextConfig

log = logging.getLogger(__name__)


class T5TextEncoder:
    """A T5 encoder in float32 on the CPU: 0.06 s a run is not worth memory on a GPU.

    Raises:
        BackendUnavailable: `transformers` is not installed, or the files are damaged or of another size.
        WeightsMissing: the encoder is neither beside the checkpoint nor in the hub's cache. Nothing is downloaded.
    """

    def __init__(self, config: TextConfig, folder: Path) -> None:
        source = str(text_encoder.find(config.name, folder) or config.name)
        self._max_length = config.max_length
        try:
            self._tokenizer, self._model, missing = _read(source)
        except OSError as absent:
            raise WeightsMissing(
                f"The text encoder “{config.name}” is not on this computer.",
                "SAM-Audio reads prompts with T5, which its checkpoint does not contain.",
                "" if config.name == text_encoder.NAME else f"Put its files into “{folder / config.name}”.",
                action=Action.download(config.name) if config.name == text_encoder.NAME else None,
            ) from absent
        except (SafetensorError, ValueError, pickle.UnpicklingError) as damage:
            log.exception("cannot read %s", source)
            raise _damaged(source, "It is cut, or another kind of model") from damage
        if missing:
            raise _damaged(source, f"The tensor “{missing[0]}” is missing")
        if self._model.config.d_model != config.dim:
            raise BackendUnavailable(
                f"The text encoder “{config.name}” does not fit this model.",
                f"It has {self._model.config.d_model} channels; the model's config.json says {config.dim}.",
                "Use the encoder that config.json names.",
            )

    def encode(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Features (prompts, tokens, dim) and a mask (prompts, tokens) that is True where a token counts.

        An empty prompt is legal: it is the end-of-text token alone.
        """
        tokens = self._tokenizer(
            list(prompts), truncation=True, max_length=self._max_length, padding="longest", return_tensors="pt"
        )
        with torch.inference_mode():
            features = self._model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        return features.last_hidden_state, tokens["attention_mask"].bool()


def _read(source: str) -> tuple[Any, Any, list[str]]:
    """Return tokenizer, encoder, and the tensors that the files lack, which transformers would fill at random."""
    transformers = _transformers()
    bar = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()  # the terminal is ours
    try:
        # Files of a folder may name code beside them; it is not run.
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=True, trust_remote_code=False)
        model, report = transformers.T5EncoderModel.from_pretrained(
            source, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    finally:
        if bar:
            transformers.utils.logging.enable_progress_bar()
    return tokenizer, model.eval(), sorted(report["missing_keys"])


def _transformers() -> Any:
    try:
        return importlib.import_module("transformers")
    except ImportError as missing:
        raise BackendUnavailable(
            "SAM-Audio cannot read prompts here.",
            "Its text encoder needs the package “transformers”, which is not installed.",
            action=Action.install("transformers"),
        ) from missing


def _damaged(source: str, why: str) -> BackendUnavailable:
    return BackendUnavailable(f"The text encoder in “{source}” is damaged.", f"{why}.", "Download it again.")

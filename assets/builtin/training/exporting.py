"""`python -m assets.builtin.training.exporting`: the weights and their card, from a checkpoint and its evaluation."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from assets.builtin.training.cache import cache_folder, replacing
from assets.builtin.training.card import model_card
from assets.builtin.training.learning import Learner
from separation.errors import PlaygroundError
from separation.models.builtin import CLASSES
from separation.models.builtin.revision import checksum_file, revision_of, write_checksum
from separation.models.builtin.weights import write_network

ASSETS = Path(__file__).parents[3] / "assets" / "builtin"


def export(checkpoint: Path, evaluation: Path, stems: Path, target: Path, remark: str = "") -> None:
    """Write `network.safetensors`, its checksum and `MODEL_CARD.md`, with a remark on its training, to a folder."""
    learner = Learner.resume(checkpoint, torch.device("cpu"))
    report: dict[str, Any] = json.loads(evaluation.read_text())
    if report["steps"] != learner.steps:
        raise PlaygroundError(
            "The evaluation is not of these weights.",
            f"It was made after {report['steps']} steps, the checkpoint has {learner.steps}.",
            "Run the evaluation of this checkpoint first (make eval-builtin).",
        )
    weights = target / "network.safetensors"
    with replacing(weights) as partial:
        write_network(learner.mean, partial, {"licence": "MIT", "steps": str(learner.steps)})
    with replacing(checksum_file(weights)) as partial:
        write_checksum(weights, partial)
    seconds = {
        split: {name: 12.0 * len(list((stems / split / name).glob("[0-9]*.npy"))) for name in CLASSES}
        for split in ("train", "test")
    }
    card = model_card(learner, report, seconds, weights.stat().st_size, revision_of(weights), remark)
    with replacing(target / "MODEL_CARD.md") as partial:
        partial.write_text(card)


def main() -> None:
    """Read the arguments and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=cache_folder() / "checkpoints" / "latest.pt")
    parser.add_argument("--evaluation", type=Path, default=None, help="default: the newest beside the checkpoint")
    parser.add_argument("--stems", type=Path, default=cache_folder() / "stems")
    parser.add_argument("--target", type=Path, default=ASSETS)
    parser.add_argument("--remark", default="", help="a sentence for the card about this training")
    asked = parser.parse_args()
    found = sorted(asked.checkpoint.parent.glob("evaluation-*[0-9].json"), key=lambda path: path.stat().st_mtime)
    evaluation = asked.evaluation or (found[-1] if found else None)
    if evaluation is None:
        raise PlaygroundError(
            "There is no evaluation beside the checkpoint.",
            "The card states what was measured, so nothing is exported without it.",
            "Run make eval-builtin.",
        )
    export(asked.checkpoint, evaluation, asked.stems, asked.target, asked.remark)
    print(f"{asked.target}: {', '.join(sorted(path.name for path in asked.target.iterdir()))}")


if __name__ == "__main__":
    main()

"""The model card: what the network was made of, how, how good it is, and what it cannot do. Nothing in it by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assets.builtin.training.learning import ABSENT_WEIGHT, RATIO_WEIGHT, TOLERATED_DB, Learner
from assets.builtin.training.sources import SHARE_ALIKE, SOURCES, Source
from separation.models.builtin import CLASSES

NOT_OFFERED = {name: name for name in ("piano", "guitar", "strings")} | {"other": "other instruments"}
WANTED_DB = {"drums": 9, "bass": 6, "vocals": 6.5, "piano": 4.5, "guitar": 3, "strings": 4, "other": 3.5}
CURVE_ROWS = 16

_CANNOT = """\
- It was trained on synthetic songs alone. On the test set, which is synthetic too, it does better than on records.
- **Its piano, guitar, strings and other instruments are not offered as stems**: on 24 real arrangements they were worse
  than the untouched song in 20 to 67 % of cases, with the soundfont of the training too. They are part of “everything
  else”.
- On the one real electronic song it was tried on, drums came out whole and the synthesizer's bass hardly at all:
  it went to drums, piano and guitar. `builtin-dsp` found that bass.
- It cannot tell two singers apart, nor kick from snare, nor a choir from strings reliably.
- Sounds that are not in its seven classes (animals, traffic, applause) land in any of them. Ask for them with a
  backend that takes any words.
- It keeps the mixture's phase and gives every bin away in shares, so a stem can sound thin where others are loud.
- Recorded speech in training comes from three speakers; nobody sings: singing is synthetic."""


def model_card(
    learner: Learner,
    report: Mapping[str, Any],
    seconds: Mapping[str, Mapping[str, float]],
    n_bytes: int,
    revision: str,
    remark: str = "",
) -> str:
    """The card as Markdown.

    Args:
        learner: the network and its training.
        report: what `evaluating` measured.
        seconds: audio of each split and class.
        n_bytes: size of the file of weights.
        revision: of that file.
        remark: what else there is to say about this training.
    """
    n_parameters = sum(parameter.numel() for parameter in learner.network.parameters())
    examples = learner.steps * learner.training.batch
    trained_on = [source for source in SOURCES if source.split == "train"]
    tested_on = [source for source in SOURCES if source.split == "test"]
    alike = sorted({source.name for source in trained_on if source.licence in SHARE_ALIKE})
    return f"""# The built-in separator's network

Drums, bass and vocals out of any recording, and everything else that is in it. It comes with the program: no
download, no account. Revision `{revision}`, {n_parameters / 1e6:.2f} million parameters, {n_bytes / 1e6:.1f} MB.

The weights are under this project's licence (MIT). They hold no audio. **Some of the audio they were trained on is
under share-alike licences** (CC-BY-SA: {", ".join(alike)}); that audio is not distributed here.

## How good it is

SI-SDR improvement in dB on {report["mixtures"]} mixtures of 8 s with three to five sources, of soundfonts, drum kits
and voices that are not in training (mean, tenth percentile). "Degraded" are the same with rooms, panning and MP3 at
128 kb/s. Leak: energy of the estimate of a class that is absent, re the mixture, median. Measured on
{report["when"]}.

{_figures(report)}

## What it cannot do

{_CANNOT}

## Training

{examples:,} examples of 2.2 s ({learner.steps:,} steps of {learner.training.batch}) in {learner.seconds / 3600:.1f}
hours; AdamW at {learner.training.rate:g}, seed {learner.training.seed}; the weights are a running mean. The loss is the
squared error of the masks, weighted by loudness ({ABSENT_WEIGHT} times where a class is absent), and {RATIO_WEIGHT}
times the mean logarithm of what of each present stem is missed (negative where little is) and of what leaks into absent
ones beyond {min(TOLERATED_DB.values()):g} dB (those not offered: {max(TOLERATED_DB.values()):g} dB). {remark}

{_curve(learner.history, learner.training.batch)}

To do it again: `make train-builtin`, then `make eval-builtin`.

## Data

Composed by chance and rendered; mixed while training. Minutes of stems (training / test):
{", ".join(f"{name} {seconds['train'][name] / 60:.0f} / {seconds['test'][name] / 60:.0f}" for name in CLASSES)}.
Beside the sources below, drums, basses, guitars, strings, synthesizers and singers of our own synthesis.

{_sources(trained_on)}

For the test set only, never in training:

{_sources(tested_on)}
"""


def _figures(report: Mapping[str, Any]) -> str:
    rows = ["| | mean | 10th percentile | degraded | leak | best classical method | wanted |", "| --- |" + " --- |" * 6]
    clean, degraded, classical = report["clean"], report.get("degraded", {}), report.get("classical", {})
    for name in CLASSES:
        of_class, old = clean[name], classical.get(name, {})
        label = f"{NOT_OFFERED[name]} (not offered)" if name in NOT_OFFERED else name
        worse = degraded.get(name, {}).get("mean_db", "")
        rows.append(
            f"| {label} | {of_class.get('mean_db', '')} | {of_class.get('p10_db', '')} | {worse} "
            f"| {of_class.get('leak_median_db', '')} | {old.get('mean_db', '')} {old.get('method', '')} "
            f"| {WANTED_DB[name]} |"
        )
    return "\n".join(rows)


def _curve(history: Sequence[Mapping[str, float]], batch: int) -> str:
    """The loss at up to `CURVE_ROWS` moments, each the mean since the one before."""
    if not history:
        return "(no history was kept)"
    every = -(-len(history) // CURVE_ROWS)
    rows = ["| examples | minutes | loss |", "| --- | --- | --- |"]
    for first in range(0, len(history), every):
        part = history[first : first + every]
        loss = sum(record["loss"] for record in part) / len(part)
        rows.append(f"| {part[-1]['steps'] * batch:,.0f} | {part[-1]['minutes']:.0f} | {loss:.4f} |")
    return "\n".join(rows)


def _sources(sources: Sequence[Source]) -> str:
    rows = ["| source | package | licence | by |", "| --- | --- | --- | --- |"]
    rows += [f"| {source.name} | {source.package} | {source.licence} | {source.attribution} |" for source in sources]
    return "\n".join(rows)

"""Finds the files of a Demucs model on this computer. Imports neither torch nor demucs.

A Demucs model is one network, named by its signature (`955717e8`), or a bag: several networks whose estimates are
averaged with a weight per network and stem, listed in a small YAML file. The published ones are listed inside the
installed `demucs` package; their weights are in the Hugging Face cache (safetensors, what Demucs 4.1 downloads) or in
the torch hub cache (`.th`, what earlier versions downloaded).

A request may be anyone's, so it chooses among the published models and those in the folders that the person at this
computer has named (`separation.models.folders`); `separation.models.demucs.stored` reads the files and runs nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from separation.errors import Action, BackendUnavailable, SettingsError
from separation.hub.cache import cached
from separation.hub.compared import is_damaged
from separation.models import folders

LEGACY_ROOT_URL = "https://dl.fbaipublicfiles.com/demucs/"  # as in demucs.pretrained
HUB_NAMESPACE = "adefossez"  # as in demucs.hf
NOT_INSTALLED = "It needs the package “demucs”."
INSTALL = Action.install("demucs")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bag:
    """A bag of networks whose estimates are averaged.

    Args:
        signatures: one per network.
        weights: a weight for every network and stem, in the order of the stems; None weighs all alike.
        segment_s: length of a segment where the networks do not limit it themselves.
    """

    signatures: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...] | None = None
    segment_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DemucsWeights:
    """A model's files: `files[signature]` for those that are here, `missing` for those that are not."""

    model: str
    bag: Bag
    files: Mapping[str, Path]
    in_folder: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """Signatures of networks whose file is not on this computer."""
        return tuple(signature for signature in dict.fromkeys(self.bag.signatures) if signature not in self.files)

    @property
    def paths(self) -> tuple[Path, ...]:
        """One file per network, in the bag's order."""
        return tuple(self.files[signature] for signature in self.bag.signatures)

    def fingerprint(self) -> str:
        """Return a text that changes when the weights do.

        A published signature stands for its content. A folder's files may be replaced under the same name, so their
        size and time of change count too.
        """
        parts = [repr(self.bag)]
        if self.in_folder:
            for signature, path in sorted(self.files.items()):
                status = path.stat()
                parts.append(f"{signature} {path.name} {status.st_size} {status.st_mtime_ns}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def find_demucs(model: str, folder: str | None = None) -> DemucsWeights:
    """Find a model's files, without going online.

    Args:
        model: a published name, a published signature, or a bag or signature in `folder`.
        folder: name or path of a named folder holding `.th` or `.safetensors` networks and `.yaml` bags.

    Raises:
        SettingsError: there is no such model, or the folder is none of those that were named; the message lists those
            there are.
        BackendUnavailable: a bag's YAML cannot be read, or the package that lists the published models is not here.
    """
    if folder is not None:
        return _in_folder(model, folders.require_folder(folder), folder)
    if not published_bags():
        raise BackendUnavailable(
            "Demucs' list of models is not on this computer.", "It is part of the package “demucs”.", action=INSTALL
        )
    bag = published_bags().get(model) or _single(model)
    if bag is None:
        raise SettingsError(
            f"There is no Demucs model “{model}”.",
            "",
            f"Choose one of: {', '.join(published_bags())}; or name a folder of your own models ({folders.VARIABLE}).",
        )
    found = {signature: _cached(signature) for signature in bag.signatures}
    files = {signature: path for signature, path in found.items() if path is not None}
    return DemucsWeights(model=model, bag=bag, files=files, in_folder=False)


@cache
def published_bags() -> Mapping[str, Bag]:
    """Return every bag in the installed `demucs` package by name; empty if the package is missing or incomplete."""
    remote = _remote_folder()
    return {path.stem: _read_bag(path) for path in sorted(remote.glob("*.yaml"))} if remote else {}


@cache
def published_files() -> Mapping[str, str]:
    """Map signatures to paths below `LEGACY_ROOT_URL`, such as `hybrid_transformer/955717e8-8726e21a.th`."""
    remote = _remote_folder()
    files: dict[str, str] = {}
    root = ""
    for line in (remote / "files.txt").read_text().splitlines() if remote else ():
        if line.startswith("root:"):
            root = line.removeprefix("root:").strip()
        elif line.strip() and not line.startswith("#"):
            files[line.split("-", 1)[0]] = root + line.strip()
    return files


def torch_hub_folder() -> Path:
    """Return where `torch.hub` keeps downloaded checkpoints (its own rules, without importing torch)."""
    home = os.environ.get("TORCH_HOME", os.environ.get("XDG_CACHE_HOME", "~/.cache") + "/torch")
    return Path(home, "hub", "checkpoints").expanduser()


def hub_repository(bag: str) -> str:
    """Return the Hugging Face repository of a published bag (`demucs.hf.hf_repo_name`)."""
    if bag == "htdemucs":
        return f"{HUB_NAMESPACE}/HTDemucs"
    if bag.startswith("htdemucs_"):
        return f"{HUB_NAMESPACE}/HTDemucs-{bag.removeprefix('htdemucs_')}"
    return f"{HUB_NAMESPACE}/Demucs-{bag}"


def _single(signature: str) -> Bag | None:
    return Bag(signatures=(signature,)) if signature in published_files() else None


def _cached(signature: str) -> Path | None:
    """Return the network's file from one of the two caches, or None; safetensors first, none that was found damaged."""
    for name, bag in published_bags().items():
        if signature in bag.signatures and (path := cached(hub_repository(name), f"{signature}.safetensors")):
            return path
    checkpoint = torch_hub_folder() / published_files()[signature].rsplit("/", 1)[-1]
    return checkpoint if checkpoint.is_file() and not is_damaged(checkpoint) else None


def _in_folder(model: str, folder: Path, asked: str) -> DemucsWeights:
    if not folder.is_dir():
        raise SettingsError(
            f"The folder of models “{asked}” is not there: there is no folder at its place.",
            "",
            "Give the folder that holds your Demucs models, or leave it open.",
        )
    networks = _networks_in(folder)
    bags = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if model in networks:  # a network comes before a bag of the same name, as in demucs.repo.AnyModelRepo
        return DemucsWeights(model=model, bag=Bag(signatures=(model,)), files=networks, in_folder=True)
    if model in bags:
        bag = _read_bag(bags[model])
        files = {signature: networks[signature] for signature in bag.signatures if signature in networks}
        return DemucsWeights(model=model, bag=bag, files=files, in_folder=True)
    known = sorted({*networks, *bags})
    raise SettingsError(
        f"There is no Demucs model “{model}” in “{asked}”.",
        "The folder holds no models (.th, .safetensors, .yaml)." if not known else "",
        f"Choose one of: {', '.join(known)}." if known else "Give another folder.",
    )


def _networks_in(folder: Path) -> dict[str, Path]:
    """Signature to file. A `.th` may carry its checksum after a dash: `signature-checksum.th`."""
    pickled = {path.stem.rsplit("-", 1)[0]: path for path in sorted(folder.glob("*.th"))}
    return pickled | {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def _read_bag(path: Path) -> Bag:
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        weights = content.get("weights")
        segment_s = content.get("segment")
        return Bag(
            signatures=tuple(str(signature) for signature in content["models"]),
            weights=weights and tuple(tuple(float(weight) for weight in row) for row in weights),
            segment_s=None if segment_s is None else float(segment_s),
        )
    except (yaml.YAMLError, OSError, RecursionError, AttributeError, KeyError, TypeError, ValueError) as failure:
        raise BackendUnavailable(
            f"The list of networks in {path.name} cannot be read.",
            "It should be YAML with “models”, and perhaps “weights” and “segment”.",
            "Repair the file, or choose another model.",
        ) from failure


@cache
def _remote_folder() -> Path | None:
    package = importlib.util.find_spec("demucs")  # finding a package does not import it
    if package is None or not package.submodule_search_locations:
        return None
    folder = Path(package.submodule_search_locations[0]) / "remote"
    return folder if (folder / "files.txt").is_file() else None

"""What this package needs of a store of finished work: `storage.ArtifactStore`, of which it knows nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class NewItem:
    """What is handed to a store to be kept: `storage.manifest.NewArtifact` describes what the store reads of it.

    Args:
        kind: "recording", "result" or "chunk".
        name: what a person calls it; display text, never a path.
        files: finished files by name, made in `Store.scratch`; keeping moves them.
        command: what made it, as one could type it; empty if nobody types it.
        inputs: name to key or SHA-256 of what went in.
        config: the settings it was made with.
        info: what there is to know of the content.
    """

    kind: str
    name: str
    files: Mapping[str, Path]
    command: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)


class StoredManifest(Protocol):
    """The record of something kept: `storage.Manifest` is one."""

    @property
    def kind(self) -> str:
        """Such as "recording"."""
        ...

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    @property
    def created(self) -> str:
        """UTC time, ISO 8601."""
        ...

    @property
    def inputs(self) -> Mapping[str, str]:
        """What it was made from: name to key or SHA-256."""
        ...

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings it was made with."""
        ...

    @property
    def info(self) -> Mapping[str, Any]:
        """What there is to know of the content."""
        ...


class StoredItem(Protocol):
    """Something kept: `storage.Artifact` is one."""

    @property
    def key(self) -> str:
        """Its content key."""
        ...

    @property
    def manifest(self) -> StoredManifest:
        """What is written down of it."""
        ...

    @property
    def files(self) -> Mapping[str, Path]:
        """Its files by name."""
        ...


class Store(Protocol):
    """Where finished work is kept: `storage.ArtifactStore` is one."""

    def key(self, kind: str, **parts: Any) -> str:
        """The key of what is made from `parts`."""
        ...

    def get(self, key: str) -> StoredItem | None:
        """What is kept under `key`."""
        ...

    def put(self, key: str, new: NewItem) -> StoredItem:
        """Keep `new` under `key`, moving its files."""
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for files in the making."""
        ...

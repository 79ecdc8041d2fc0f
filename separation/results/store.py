"""The protocol of the store that keeps results; `storage.ArtifactStore` implements it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class NewItem:
    """A new item for a store to keep; `storage.manifest.NewArtifact` is the protocol that the store reads.

    Args:
        kind: "recording", "result", "chunk", or "comparison": the sounds of a blind test.
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
    """The record of a stored item; implemented by `storage.Manifest`."""

    @property
    def kind(self) -> str:
        """Its kind, such as "recording"."""
        ...

    @property
    def name(self) -> str:
        """Its name for people."""
        ...

    @property
    def created(self) -> str:
        """UTC time, ISO 8601."""
        ...

    @property
    def command(self) -> str:
        """The command that makes it again."""
        ...

    @property
    def inputs(self) -> Mapping[str, str]:
        """The inputs it was made from: name to key or SHA-256."""
        ...

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings it was made with."""
        ...

    @property
    def info(self) -> Mapping[str, Any]:
        """Properties of the content."""
        ...


class StoredItem(Protocol):
    """A stored item; implemented by `storage.Artifact`."""

    @property
    def key(self) -> str:
        """Its content key."""
        ...

    @property
    def manifest(self) -> StoredManifest:
        """Its record."""
        ...

    @property
    def files(self) -> Mapping[str, Path]:
        """Its files by name."""
        ...


class Store(Protocol):
    """A store of finished work; implemented by `storage.ArtifactStore`."""

    def key(self, kind: str, **parts: Any) -> str:
        """Return the key of an item of `kind` that is made from `parts`."""
        ...

    def get(self, key: str) -> StoredItem | None:
        """Return the item under `key`, or None."""
        ...

    def put(self, key: str, new: NewItem) -> StoredItem:
        """Keep `new` under `key`, moving its files."""
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """Give a temporary folder for files in the making."""
        ...

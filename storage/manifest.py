"""The types `Artifact` and `Manifest`: finished files, and the record of how they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from storage.errors import StorageError


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One file of an artifact: its size and SHA-256 ("" if unknown), and the entry of the cache that holds it."""

    size_bytes: int
    sha256: str = ""
    entry: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The record kept beside an artifact's files.

    Args:
        kind: "recording", "result", ...
        name: its name for people; display text, never a path.
        created: UTC time, ISO 8601.
        command: the command that makes it again.
        version: of the program that made it.
        inputs: name of each input to its key or SHA-256.
        config: the settings it was made with.
        info: properties of the content, such as duration, rate, warnings.
        outputs: the files.
    """

    kind: str
    name: str
    created: str
    command: str
    version: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Return the size of all files together."""
        return sum(output.size_bytes for output in self.outputs.values())

    def to_json(self) -> str:
        """Return the manifest as JSON, the form in which it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Return the manifest that `to_json` wrote.

        Raises:
            StorageError: it is not one.
        """
        try:
            values = json.loads(text)
            values["outputs"] = {name: Output(**output) for name, output in values["outputs"].items()}
            return cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StorageError(
                "An entry of the store cannot be read.",
                f"Its manifest is damaged ({error}).",
                "Remove it, and run what made it again.",
            ) from error

    @classmethod
    def readable(cls, text: str) -> Manifest | None:
        """Return the manifest that `to_json` wrote; None if it is not one."""
        try:
            return cls.from_json(text)
        except StorageError:
            return None

    def to_toml(self) -> str:
        """Return the manifest as TOML for people and other programs; settings that are None are left out."""
        import tomli_w  # only exports need it

        return tomli_w.dumps(_without_none(asdict(self)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A finished artifact: its key, its manifest, and the paths of its files.

    The paths stay valid until the artifact is removed or evicted; after it is replaced, for an hour unless its room
    is needed. A file that is already open stays readable even then.
    """

    key: str
    manifest: Manifest
    files: Mapping[str, Path]

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.manifest.name

    @property
    def info(self) -> Mapping[str, Any]:
        """Properties of the content."""
        return self.manifest.info


class NewArtifact(Protocol):
    """A new artifact for the store: any value with these attributes, which mean the same as in `Manifest`.

    It is a protocol because those who make one know nothing of this package.
    """

    @property
    def kind(self) -> str:
        """Its kind, such as "recording"."""
        ...

    @property
    def name(self) -> str:
        """Its name for people."""
        ...

    @property
    def files(self) -> Mapping[str, Path]:
        """Its finished files by name."""
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


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(item) for item in value if item is not None]
    return value

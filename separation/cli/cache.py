"""`audio-playground cache`: lists the space that recordings and results take, and frees it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from separation import __version__
from separation.cli.common import Common, Function, common_options
from separation.formatted import counted, size

if TYPE_CHECKING:
    from storage import ArtifactStore
    from storage.manifest import Manifest

UNITS_S = {"m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


@click.group()
def cache() -> None:
    """Say what recordings and results take on this computer, and make room.

    They lie in the folder AUDIO_PLAYGROUND_HOME, which is ~/.audio-playground unless set. All of this may be done while
    the studio runs: what a run is making stays, and what was removed is made again when it is asked for.
    """


def _limit_option(command: Function) -> Function:
    return click.option(
        "--cache-limit-gb",
        type=click.FloatRange(0.1),
        default=20.0,
        show_default=True,
        help="What all of it may take; as given to “serve”.",
    )(command)


@cache.command("list")
@_limit_option
@common_options
def list_(cache_limit_gb: float, common: Common) -> None:
    """Say what is kept: kind, name, size, last use, whether it is pinned; and what the trash takes."""
    store = _store(common, cache_limit_gb)
    everything = store.list()
    kept: list[dict[str, Any]] = [
        {
            "kind": artifact.manifest.kind,
            "name": artifact.name,
            "size_bytes": artifact.manifest.size_bytes,
            "last_used": datetime.fromtimestamp(store.used_s(artifact.key)).astimezone().isoformat(timespec="seconds"),
            "pinned": store.pinned(artifact.key),
            "key": artifact.key,
        }
        for artifact in everything
        if artifact.manifest.kind != "chunk"
    ]
    chunks = [artifact.manifest for artifact in everything if artifact.manifest.kind == "chunk"]
    total_bytes = store.size_bytes()
    for artifact in kept:
        used = artifact["last_used"][:16].replace("T", " ")
        pinned = "pinned" if artifact["pinned"] else ""
        line = f"{artifact['kind']:9}  {size(artifact['size_bytes']):>9}  {used}  {pinned:6}  {artifact['key'][:12]}"
        common.say(f"{line}  {_printable(artifact['name'])}")
    if chunks:
        common.say(f"{_counted(chunks)} that runs can go on from: {size(_bytes_of(chunks))}; they are the first to go.")
    trash = store.usage().get("trash")
    if trash is not None:
        common.say(f"{trash.n} in the trash: {size(trash.size_bytes)}; “cache clean --trash” deletes what is there.")
    n_pinned = sum(artifact["pinned"] for artifact in kept)
    words = f"{len(kept)} kept, {n_pinned} of them pinned" if kept else "Nothing is kept"
    common.say(f"{words}: {size(total_bytes)} of {size(store.limit_bytes)}.")
    common.result(
        {
            "artifacts": kept,
            "n_chunks": len(chunks),
            "chunk_bytes": _bytes_of(chunks),
            "n_trashed": 0 if trash is None else trash.n,
            "trash_bytes": 0 if trash is None else trash.size_bytes,
            "total_bytes": total_bytes,
            "limit_bytes": store.limit_bytes,
        }
    )


@cache.command()
@click.option("--older-than", metavar="TIME", help="Also what was not used for so long and is not pinned, such as 30d.")
@click.option("--trash", is_flag=True, help="Also what is in the trash, whenever it was put there.")
@_limit_option
@common_options
def clean(older_than: str | None, trash: bool, cache_limit_gb: float, common: Common) -> None:
    """Delete what killed runs left half-made, what was in the trash for 30 days, and what is over the limit.

    TIME is a number and m, h, d or w: minutes, hours, days, weeks.
    """
    from storage.eviction import TRASH_STAYS_S

    unused_for_s = None if older_than is None else _seconds(older_than)
    store = _store(common, cache_limit_gb)
    leftover_bytes = store.sweep()
    trashed = store.empty_trash(older_than_s=0 if trash else TRASH_STAYS_S)
    unused = store.discard(unused_for_s=unused_for_s) if unused_for_s is not None else ()
    over_limit = store.trim()
    freed_bytes = leftover_bytes + _bytes_of((*trashed, *unused, *over_limit))
    if leftover_bytes:
        common.say(f"What was left half-made: {size(leftover_bytes)}.")
    for why, gone in (
        ("In the trash", trashed),
        (f"Not used for {older_than}", unused),
        ("Over the limit", over_limit),
    ):
        for manifest in gone:
            common.say(f"{why}: {_described(manifest)}.")
    common.say(f"{size(freed_bytes)} freed." if freed_bytes else "There was nothing to delete.")
    if store.size_bytes() > store.limit_bytes:
        over = size(store.size_bytes() - store.limit_bytes)
        common.say(f"note: what is pinned is {over} over the limit; unpin what you no longer need.")
    common.result(
        {
            "leftover_bytes": leftover_bytes,
            "trashed": [manifest.name for manifest in trashed],
            "unused": [manifest.name for manifest in unused],
            "over_limit": [manifest.name for manifest in over_limit],
            "freed_bytes": freed_bytes,
        }
    )


@cache.command()
@click.option(
    "--recordings", is_flag=True, help="Recordings and chunks made from them only, unless results are chosen too."
)
@click.option("--results", is_flag=True, help="Results and finished chunks only, unless recordings are chosen too.")
@click.option("--pinned", is_flag=True, help="Pinned ones too.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common_options
def clear(recordings: bool, results: bool, pinned: bool, yes: bool, common: Common) -> None:
    """Delete everything that is not pinned, and the trash. Files you brought or saved elsewhere are not touched."""
    kinds = (*(["recording"] if recordings else []), *(["result", "chunk"] if results else []))
    store = _store(common)
    chosen = [
        artifact.manifest
        for trashed in (False, True)
        for artifact in store.list(trashed=trashed)
        if (not kinds or artifact.manifest.kind in kinds) and (pinned or trashed or not store.pinned(artifact.key))
    ]
    if chosen and not yes:
        click.confirm(f"Delete {_counted(chosen)} ({size(_bytes_of(chosen))})?", abort=True, err=True)
    gone = store.discard(*kinds, pinned=pinned)
    freed_bytes = _bytes_of(gone) + store.sweep()
    common.say(f"Deleted {_counted(gone)}, {size(freed_bytes)} freed.")
    common.result({"n_removed": len(gone), "freed_bytes": freed_bytes})


def _store(common: Common, limit_gb: float = 20.0) -> ArtifactStore:
    from storage import ArtifactStore, data_folder

    return ArtifactStore(data_folder(), limit_bytes=int(limit_gb * 10**9), scratch=common.temp_dir, version=__version__)


def _seconds(text: str) -> float:
    """Return the seconds of a duration such as “30d”.

    Raises:
        SettingsError: it is not a number and a unit.
    """
    from separation.errors import SettingsError

    match = re.fullmatch(r"\s*([0-9]{1,6})\s*([mhdw])\s*", text, re.ASCII)
    if match is None or not int(match[1]):
        raise SettingsError(
            f"“{text}” is not a time to go by.",
            "It is a number above 0, then m, h, d or w for minutes, hours, days or weeks.",
            "Write it as 30d; to delete everything there is “cache clear”.",
        )
    return float(int(match[1]) * UNITS_S[match[2]])


def _counted(manifests: Sequence[Manifest]) -> str:
    """Return a count by kind, such as “1 recording and 3 results”."""
    kinds = [manifest.kind for manifest in manifests]
    counts = [(kinds.count(kind), kind) for kind in dict.fromkeys(sorted(kinds))]
    return " and ".join(counted(n, kind) for n, kind in counts) or "nothing"


def _described(manifest: Manifest) -> str:
    return f"{manifest.kind} {_printable(manifest.name)}, {size(manifest.size_bytes)}"


def _printable(name: str) -> str:
    """Return a name without control characters, which could steer the terminal: names come from people and files."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _bytes_of(manifests: Sequence[Manifest]) -> int:
    return sum(manifest.size_bytes for manifest in manifests)

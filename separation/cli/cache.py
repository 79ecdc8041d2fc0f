"""`audio-playground cache`: lists the space that recordings and results take, and frees it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import USUAL_LIMIT, Common, Function, common_options, open_store, printable
from separation.formatted import counted, size

if TYPE_CHECKING:
    from storage import ArtifactStore
    from storage.damage import Checked
    from storage.manifest import Manifest

SOME_DAMAGED = 6
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
        show_default=USUAL_LIMIT,
        help="What all of it may take; as given to “serve”.",
    )(command)


@cache.command("list")
@_limit_option
@common_options
def list_(cache_limit_gb: float | None, common: Common) -> None:
    """Say what is kept: kind, name, size, last use, whether it is pinned; and what the trash takes."""
    store = _store(common, cache_limit_gb)
    kept: list[dict[str, Any]] = [
        {
            "kind": artifact.kind,
            "name": artifact.name,
            "size_bytes": artifact.size_bytes,
            "last_used": datetime.fromtimestamp(artifact.used_s).astimezone().isoformat(timespec="seconds"),
            "pinned": artifact.pinned,
            "key": artifact.key,
        }
        for artifact in store.listed()
    ]
    for artifact in kept:
        used = artifact["last_used"][:16].replace("T", " ")
        pinned = "pinned" if artifact["pinned"] else ""
        line = f"{artifact['kind']:9}  {size(artifact['size_bytes']):>9}  {used}  {pinned:6}  {artifact['key'][:12]}"
        common.say(f"{line}  {printable(artifact['name'])}")
    usage = store.usage()
    chunks, trash = usage.get("chunk"), usage.get("trash")
    if chunks is not None:
        words = f"{counted(chunks.n, 'chunk')} that runs can go on from: {size(chunks.size_bytes)}"
        common.say(f"{words}; they are the first to go.")
    if trash is not None:
        common.say(f"{trash.n} in the trash: {size(trash.size_bytes)}; “cache clean --trash” deletes what is there.")
    total_bytes = store.size_bytes()
    n_pinned = sum(artifact["pinned"] for artifact in kept)
    words = f"{len(kept)} kept, {n_pinned} of them pinned" if kept else "Nothing is kept"
    common.say(f"{words}: {size(total_bytes)} of {size(store.limit_bytes)}.")
    common.result(
        {
            "artifacts": kept,
            "n_chunks": 0 if chunks is None else chunks.n,
            "chunk_bytes": 0 if chunks is None else chunks.size_bytes,
            "n_trashed": 0 if trash is None else trash.n,
            "trash_bytes": 0 if trash is None else trash.size_bytes,
            "total_bytes": total_bytes,
            "limit_bytes": store.limit_bytes,
        }
    )


@cache.command()
@click.option("--older-than", metavar="TIME", help="Also what was not used for so long and is not pinned, such as 30d.")
@click.option("--trash", is_flag=True, help="Also what is in the trash, whenever it was put there.")
@click.option("--damaged", is_flag=True, help="Also damaged files that were set aside, whenever they were found.")
@_limit_option
@common_options
def clean(older_than: str | None, trash: bool, damaged: bool, cache_limit_gb: float | None, common: Common) -> None:
    """Delete what killed runs left half-made, what was in the trash for 30 days, and what is over the limit.

    TIME is a number and m, h, d or w: minutes, hours, days, weeks.
    """
    from storage.eviction import TRASH_STAYS_S

    unused_for_s = None if older_than is None else _seconds(older_than)
    store = _store(common, cache_limit_gb)
    leftover_bytes = store.sweep()
    trashed = store.empty_trash(older_than_s=0 if trash else TRASH_STAYS_S)
    unused = store.discard(unused_for_s=unused_for_s) if unused_for_s is not None else ()
    damaged_bytes = store.damaged.clear() if damaged else 0
    over_limit = store.trim()
    freed_bytes = leftover_bytes + damaged_bytes + _bytes_of((*trashed, *unused, *over_limit))
    if leftover_bytes:
        common.say(f"What was left half-made: {size(leftover_bytes)}.")
    if damaged_bytes:
        common.say(f"Damaged files that were set aside: {size(damaged_bytes)}.")
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
            **({"damaged_bytes": damaged_bytes} if damaged else {}),
            "trashed": [manifest.name for manifest in trashed],
            "unused": [manifest.name for manifest in unused],
            "over_limit": [manifest.name for manifest in over_limit],
            "freed_bytes": freed_bytes,
        }
    )


@cache.command()
@common_options
def check(common: Common) -> None:
    """Compare everything that is kept with what was written: disks change bits without a word.

    What is damaged is set aside in the folder “damaged”, so that it is never used again; peaks are made again of the
    sound, results and chunks when they are asked for, recordings when their file is brought again. The exit status is
    0 only if nothing was damaged.
    """
    store = _store(common)
    outcomes: dict[str, list[Checked]] = {"whole": [], "damaged": [], "mended": [], "unknown": []}
    started_s = time.monotonic()
    for checked in store.checks.all():
        outcomes[checked.outcome].append(checked)
    n_bytes = sum(_bytes_of([checked.manifest for checked in some]) for some in outcomes.values())
    seconds = time.monotonic() - started_s
    common.say(f"Whole: {_counted([checked.manifest for checked in outcomes['whole']])}.")
    if unknown := outcomes["unknown"]:
        what = _counted([checked.manifest for checked in unknown])
        common.say(f"Kept without a digest, so that only the sizes could be compared: {what}.")
    if mended := outcomes["mended"]:
        common.say(f"Damaged and made whole again: {_counted([checked.manifest for checked in mended])}.")
    if damaged := outcomes["damaged"]:
        common.say(f"Damaged and set aside: {_counted([checked.manifest for checked in damaged])}.")
    aside = store.damaged.share()
    if aside.n:
        words = f"{counted(aside.n, 'damaged file')} in {store.damaged.folder}: {size(aside.size_bytes)}"
        common.say(f"{words}; “cache clean --damaged” deletes them.")
    common.say(f"{size(n_bytes)} read in {seconds:.1f} s.")
    common.result(
        {
            "n_whole": len(outcomes["whole"]),
            **{outcome: [_named(checked) for checked in outcomes[outcome]] for outcome in ("damaged", "mended")},
            "n_unknown": len(outcomes["unknown"]),
            "n_bytes": n_bytes,
            "seconds": seconds,
            "folder": str(store.damaged.folder),
        }
    )
    if outcomes["damaged"] or outcomes["mended"]:
        sys.exit(SOME_DAMAGED)


def _named(checked: Checked) -> dict[str, str]:
    return {"kind": checked.manifest.kind, "name": checked.manifest.name, "key": checked.key}


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
    freed_bytes = _bytes_of(gone) + store.sweep() + (0 if kinds else store.damaged.clear())
    common.say(f"Deleted {_counted(gone)}, {size(freed_bytes)} freed.")
    common.result({"n_removed": len(gone), "freed_bytes": freed_bytes})


def _store(common: Common, limit_gb: float | None = None) -> ArtifactStore:
    return open_store(common.temp_dir, common.say, None if limit_gb is None else int(limit_gb * 10**9))


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
    return f"{manifest.kind} {printable(manifest.name)}, {size(manifest.size_bytes)}"


def _bytes_of(manifests: Sequence[Manifest]) -> int:
    return sum(manifest.size_bytes for manifest in manifests)

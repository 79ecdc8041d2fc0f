"""Programs that fill a store, for tests that kill them or leave them no room; they start in half the time of pytest.

    python -m tests.support.store_writers fill FOLDER N [NAME]

`run` is in the midst of a run until it may read a line; `full FOLDER N OPEN` comes upon a full disk after N artifacts.
"""

from __future__ import annotations

import hashlib
import resource
import sys
from pathlib import Path

from separation.results.store import NewItem
from storage import Artifact, ArtifactStore, StorageError

PARTS = ("0", "0.peaks")


def content(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest() * 4000


def keep(store: ArtifactStore, name: str, size: int | None = None, kind: str = "result") -> Artifact:
    """Keep an artifact of two files: of `size` bytes in all, or such that they can be checked."""
    key = store.key(kind, name=name)
    with store.scratch() as folder:
        for part in PARTS:
            (folder / part).write_bytes(content(name + part) if size is None else b"x" * (size // 2))
        return store.put(key, NewItem(kind=kind, name=name, files={part: folder / part for part in PARTS}))


def fill(home: Path, n_puts: int, who: str = "one") -> None:
    """Keep artifacts, saying the name of each when it is kept."""
    store = ArtifactStore(home)
    for index in range(n_puts):
        print(keep(store, f"{who}-{index}").name, flush=True)


def run(home: Path) -> None:
    """Be in the middle of a run."""
    with ArtifactStore(home).scratch() as folder:
        (folder / "half.wav").write_bytes(b"half a wav"[:9])
        print(folder, flush=True)
        sys.stdin.read()


def full(home: Path, n_puts: int, index_is_open: int) -> None:
    """Keep artifacts, then one more for which no file may grow as far as it must; then one when there is room again."""
    store = ArtifactStore(home)
    for index in range(n_puts):
        keep(store, str(index))
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    with store.scratch() as folder:
        for part in PARTS:
            (folder / part).write_bytes(content(f"refused{part}"))
        if not index_is_open:
            store.close()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))
        try:
            files = {part: folder / part for part in PARTS}
            store.put("refused", NewItem(kind="result", name="refused", files=files))
        except StorageError as error:
            print(error, flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    keep(store, "afterwards")


if __name__ == "__main__":
    doing, folder, *rest = sys.argv[1:]
    if doing == "fill":
        fill(Path(folder), int(rest[0]), *rest[1:])
    elif doing == "run":
        run(Path(folder))
    else:
        full(Path(folder), *map(int, rest))

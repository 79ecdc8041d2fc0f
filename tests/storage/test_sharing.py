"""A store in the hands of several processes, some of which are killed.

`python -m tests.storage.test_sharing` is one of them.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from separation.results.store import NewItem
from storage import ArtifactStore

LIMIT_BYTES = 400_000
SIZE_BYTES = 30_000


def content(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest() * (SIZE_BYTES // 64)


def work(home: Path, who: str, n_puts: int) -> None:
    """Put artifacts of two files and get what others may have put, checking each; say so after every put."""
    store = ArtifactStore(home, limit_bytes=LIMIT_BYTES)
    dice = random.Random(who)  # not a secret
    for index in range(n_puts):
        name = f"{dice.choice((who, 'shared'))}-{dice.randrange(12)}"
        with store.scratch() as folder:
            for part in ("0", "1"):
                (folder / part).write_bytes(content(name + part))
            files = {"0": folder / "0", "1": folder / "1"}
            store.put(store.key("result", name=name), NewItem(kind="result", name=name, files=files))
        store.get(store.key("result", name=f"shared-{dice.randrange(12)}"))
        assert store.size_bytes() <= LIMIT_BYTES
        print(index, flush=True)


def put_again(home: Path, who: str, n_puts: int) -> None:
    """Put the same artifact over and over: one file is alike whoever makes it, the other is not."""
    store = ArtifactStore(home)
    for _ in range(n_puts):
        with store.scratch() as folder:
            (folder / "0").write_bytes(content("alike"))
            (folder / "1").write_bytes(content(who))
            new = NewItem(kind="result", name=who, files={"0": folder / "0", "1": folder / "1"})
            store.put("ab" * 32, new)
        print(who, flush=True)


def start(home: Path, who: str, n_puts: int, doing: str = "work") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__, doing, str(home), who, str(n_puts)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def check_everything_readable_is_whole(home: Path) -> int:
    store = ArtifactStore(home, limit_bytes=LIMIT_BYTES)
    artifacts = store.list()
    for artifact in artifacts:
        assert sorted(artifact.files) == ["0", "1"]
        for part, path in artifact.files.items():
            assert path.read_bytes() == content(artifact.name + part)
        assert store.get(artifact.key) == artifact
    return len(artifacts)


def bytes_on_disk(home: Path) -> int:
    sizes = 0
    for folder, _, names in os.walk(home / "artifacts"):
        for name in names:
            if name.endswith(".val"):
                with suppress(FileNotFoundError):
                    sizes += Path(folder, name).stat().st_size
    return sizes


def test_processes_that_share_a_store_see_whole_artifacts_and_keep_its_limit(tmp_path):
    workers = [start(tmp_path, who, 25) for who in ("one", "two", "three")]
    # Beyond the limit is only what is in the making: each may have moved in one artifact that it has not published, and
    # not yet deleted those that it has evicted; while we look, one more of each may come.
    most_bytes = LIMIT_BYTES + len(workers) * 3 * 2 * SIZE_BYTES
    while any(worker.poll() is None for worker in workers):
        assert bytes_on_disk(tmp_path) <= most_bytes
    for worker in workers:
        output, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors.decode()
        assert len(output.split()) == 25
    assert check_everything_readable_is_whole(tmp_path) > 5
    store = ArtifactStore(tmp_path, limit_bytes=LIMIT_BYTES)
    assert bytes_on_disk(tmp_path) == store.size_bytes() <= LIMIT_BYTES


def test_files_that_a_reader_was_handed_stay_while_others_put_the_same_artifact(tmp_path):
    workers = [start(tmp_path, who, 10_000, "put_again") for who in ("one", "two")]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    store, readings = ArtifactStore(tmp_path), {}
    while {read.name for read in readings.values()} != {"one", "two"} or len(readings) < 12:
        assert all(worker.poll() is None for worker in workers)
        artifact = store.get("ab" * 32)
        assert artifact is not None
        time.sleep(0.002)  # a reader opens one file after another
        readings[artifact.files["1"]] = artifact
        for read in (artifact, *readings.values()):
            assert read.files["0"].read_bytes() == content("alike")
            assert read.files["1"].read_bytes() == content(read.name)
    assert len({read.files["0"] for read in readings.values()}) == 1, "equal files are not exchanged"
    for worker in workers:
        worker.kill()
        worker.communicate(timeout=60)


def test_a_process_killed_at_any_moment_leaves_a_store_that_opens_and_nothing_half_made(tmp_path):
    dice = random.Random(7)
    for attempt in range(8):
        worker = start(tmp_path, f"victim-{attempt}", 10_000)
        assert worker.stdout is not None
        worker.stdout.readline()  # it works by now
        time.sleep(dice.random() * 0.05)
        worker.kill()
        worker.communicate(timeout=60)
        assert check_everything_readable_is_whole(tmp_path) > 0
    survivor = start(tmp_path, "survivor", 3)
    assert survivor.wait(60) == 0, "no lock stays behind"
    check_everything_readable_is_whole(tmp_path)


if __name__ == "__main__":
    {"work": work, "put_again": put_again}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))

"""The Hugging Face cache: finding models in it, downloading them, deleting them.

The cache has the layout of `huggingface_hub`, so that every other program finds what we download, and we what they do:
`blobs/` holds files under their checksum, `snapshots/COMMIT/` links to them, `refs/main` names the newest commit.
We write `refs/main` last: a download is either not there or complete.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from separation.audio.files import replacing
from separation.errors import BackendUnavailable
from separation.events import Event, ModelLoading
from separation.hub import account, compared, digests, ranges, transfer
from separation.hub.compared import CHECKSUM
from separation.hub.tensor_table import TensorEntry

COMMIT = "[0-9a-f]{40}"
PARTIAL = ".incomplete"  # huggingface_hub's own name for a file that is still being fetched


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The files of a repository that a model is made of; `*` stands for any characters.

    Args:
        repository: such as "facebook/sam-audio-small".
        needed: files it cannot do without.
        also: files that are fetched too, where there are any.
        pinned: names of files with the digests that they have to have.
        watched: what was fetched first is remembered, and other files of a later revision are asked about.
        shared: other sources are in the same repository.
    """

    repository: str
    needed: tuple[str, ...]
    also: tuple[str, ...] = ()
    pinned: tuple[tuple[str, str], ...] = ()
    watched: bool = False
    shared: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedFile:
    """A file as the server states it: its length, and its SHA-256 (git's SHA-1 if it is small)."""

    name: str
    n_bytes: int
    checksum: str


def hub_folder() -> Path:
    """Return where `huggingface_hub` keeps downloads (its own rules, without importing it)."""
    folder = os.environ.get("HF_HUB_CACHE", os.environ.get("HUGGINGFACE_HUB_CACHE"))
    if folder is None:
        home = os.environ.get("HF_HOME", os.environ.get("XDG_CACHE_HOME", "~/.cache") + "/huggingface")
        folder = f"{home}/hub"
    return _path(os.path.expanduser(os.path.expandvars(folder)))  # noqa: PTH111  a text finds the path that was made


def repository_folder(repository: str) -> Path:
    """Return the cache folder of a repository, whether or not it exists."""
    return _path(str(hub_folder()), f"models--{repository.replace('/', '--')}")


@lru_cache(maxsize=256)
def _path(*parts: str) -> Path:
    # After each change of a setting a page asks a hundred times what is here; making the paths was a third of that.
    return Path(*parts)


def snapshot(repository: str) -> Path | None:
    """Return the folder with a repository's newest files on this computer, or None; reads only the disk."""
    folder = repository_folder(repository)
    try:
        commit = (folder / "refs" / "main").read_text().strip()
    except OSError:
        return None
    files = folder / "snapshots" / commit
    return files if files.is_dir() else None


def cached(repository: str, file: str) -> Path | None:
    """Return a repository's file in the cache; None if it is not there, or was found damaged."""
    folder = snapshot(repository)
    return folder / file if folder is not None and _is_usable(folder / file) else None


def damaged_files(repository: str) -> tuple[Path, ...]:
    """Return the files of a repository's newest snapshot that were found damaged; reads only their state."""
    folder = snapshot(repository)
    return tuple(filter(compared.is_damaged, sorted(folder.iterdir()))) if folder is not None else ()


def find_snapshot(source: Source) -> Path | None:
    """Return the folder that holds all needed files of `source`, none of them found damaged; or None."""
    folder = snapshot(source.repository)
    if folder is None:
        return None
    found = [list(folder.glob(pattern)) for pattern in source.needed]
    return folder if all(files and all(map(_is_usable, files)) for files in found) else None


def files_in_cache(source: Source) -> tuple[Path, ...]:
    """Return the files of `source` in its newest snapshot on this computer, damaged or not."""
    folder = snapshot(source.repository)
    patterns = (*source.needed, *source.also)
    found = [file for pattern in patterns for file in folder.glob(pattern)] if folder is not None else []
    return tuple(sorted({file for file in found if file.is_file()}))


def bytes_of(source: Source) -> int:
    """Return the bytes that a source takes up in the cache, finished or not: all of its repository unless shared."""
    if not source.shared:
        return on_disk(source.repository)
    parts = (repository_folder(source.repository) / "blobs").glob(f"*{PARTIAL}")
    return sum(transfer.length(file) for file in (*files_in_cache(source), *parts))


def on_disk(repository: str) -> int:
    """Return the bytes that a repository takes up in the cache, finished or not, in all its revisions."""
    # Neither `rglob` nor `stat`: a download or a removal that goes on beside this takes files away meanwhile.
    walks = (os.walk(repository_folder(repository) / part) for part in ("blobs", "snapshots"))
    files = (Path(folder) / name for walk in walks for folder, _, names in walk for name in names)
    return sum(transfer.length(file) for file in files if not file.is_symlink())


def download(source: Source, model: str, *, gated: bool = False) -> Generator[Event, None, None]:
    """Download the missing files of a model into the cache, reporting bytes over the whole model.

    A broken download is kept, and the next call resumes it; every file is compared with the server's checksum.
    Closing the generator stops the download.

    Args:
        source: the files to download.
        model: its name in the reports.
        gated: access has to be granted first.

    Raises:
        WeightsMissing: access has not been granted.
        BackendUnavailable: the hub cannot be reached, refuses, sent a damaged file, or the disk is full.
    """
    yield ModelLoading(model=model)
    with account.network_errors(source.repository, model, repository_folder(source.repository), gated):
        headers = account.headers(model)
        commit, files = published(source)
        check_digests(source, model, commit, files)
        folder = repository_folder(source.repository)
        missing = [file for file in files if not _link(folder, commit, file)]
        total_bytes = sum(file.n_bytes for file in files)
        done_bytes = total_bytes - sum(file.n_bytes for file in missing)
        parts = {file: folder / "blobs" / (file.checksum + PARTIAL) for file in missing}
        transfer.make_room(folder, sum(file.n_bytes - transfer.length(part) for file, part in parts.items()))
        for file, part in parts.items():
            with transfer.only_here(hub_folder() / ".locks" / folder.name / f"{file.checksum}.lock"):
                for n_bytes in transfer.fetch(_address(source, commit, file), part, file.n_bytes, headers):
                    yield ModelLoading(model=model, done_bytes=done_bytes + n_bytes, total_bytes=total_bytes)
                done_bytes += file.n_bytes
                for _ in transfer.verify(part, file.name, file.n_bytes, file.checksum):
                    yield ModelLoading(model=model, done_bytes=done_bytes, total_bytes=total_bytes)
                part.replace(part.with_suffix(""))
            _link(folder, commit, file)
            compared.note(folder / "snapshots" / commit / file.name, file.checksum)
        _name_newest(folder, commit)
        if source.watched:
            digests.record(source.repository, commit, {file.name: file.checksum for file in files})
    yield ModelLoading(model=model, done_bytes=total_bytes, total_bytes=total_bytes)


def tensor_tables(source: Source, model: str) -> dict[str, dict[str, TensorEntry]]:
    """Return the table of tensors of every safetensors file of a source, fetching no more than that.

    Raises:
        BackendUnavailable: the errors of `download`; or a file has no such table, or holds a tensor of an unknown type.
    """
    with account.network_errors(source.repository, model, repository_folder(source.repository), gated=False):
        headers, (commit, files) = account.headers(model), published(source)
        check_digests(source, model, commit, files)
        return {
            file.name: ranges.tensor_table(remote(source, commit, file), headers)
            for file in files
            if file.name.endswith(".safetensors")
        }


def remove_source(source: Source) -> int:
    """Delete a source from the cache, and half-finished downloads; returns the bytes freed."""
    if not source.shared:
        return remove(source.repository)
    before = bytes_of(source)
    for file in files_in_cache(source):
        file.unlink(missing_ok=True)
    folder = repository_folder(source.repository)
    linked = {file.resolve() for file in folder.glob("snapshots/*/*")}  # one blob may be two files of equal content
    for blob in (folder / "blobs").glob("*"):
        if blob.resolve() not in linked:
            blob.unlink(missing_ok=True)
    return before - bytes_of(source)


def remove(repository: str) -> int:
    """Delete all revisions of a repository from the cache, half-finished downloads too; returns the bytes freed."""
    from huggingface_hub import scan_cache_dir

    folder = repository_folder(repository)
    if not folder.is_dir():
        return 0
    n_bytes = on_disk(repository)
    cache = scan_cache_dir(hub_folder())
    commits = [rev.commit_hash for repo in cache.repos if repo.repo_path == folder for rev in repo.revisions]
    cache.delete_revisions(*commits).execute()
    shutil.rmtree(folder, ignore_errors=True)  # what the scan knows nothing of: downloads that never finished
    return n_bytes - on_disk(repository)


def published(source: Source) -> tuple[str, list[PublishedFile]]:
    """Return the newest commit, and the files of it that `source` names."""
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

    info = HfApi().model_info(source.repository, timeout=transfer.TIMEOUT_S)
    published = [sibling.rfilename for sibling in info.siblings or ()]
    for pattern in source.needed:
        if not any(_matches(name, pattern) for name in published):
            raise BackendUnavailable(
                f"{source.repository} holds no file {pattern}.",
                "The hub answered with another list of files than this model is made of.",
                f"Look at {account.page(source.repository)}; a newer version of this program may know where it went.",
            )
    patterns = (*source.needed, *source.also)
    files = []
    for name in (name for name in published if any(_matches(name, pattern) for pattern in patterns)):
        about = get_hf_file_metadata(hf_hub_url(source.repository, name, revision=info.sha), timeout=transfer.TIMEOUT_S)
        checksum, commit = about.etag or "", info.sha or ""
        # Both become names of files here.
        if about.size is None or not (re.fullmatch(CHECKSUM, checksum) and re.fullmatch(COMMIT, commit)):
            raise BackendUnavailable(
                f"{name} of {source.repository} cannot be checked.",
                "The server gives no length, checksum or commit for it.",
                "If HF_ENDPOINT names a mirror, try without it.",
            )
        files.append(PublishedFile(name=name, n_bytes=about.size, checksum=checksum))
    return str(info.sha), files


def check_digests(source: Source, model: str, commit: str, files: list[PublishedFile]) -> None:
    """Compare the digests that the server states with those that are known; see `digests.check`."""
    if source.watched:
        now = {file.name: file.checksum for file in files}
        digests.check(source.repository, model, commit, now, dict(source.pinned))


def _matches(name: str, pattern: str) -> bool:
    """Whether the name of a published file, in no folder of its repository, matches the pattern."""
    return "/" not in name and "\\" not in name and fnmatch.fnmatchcase(name, pattern)


def _address(source: Source, commit: str, file: PublishedFile) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(source.repository, file.name, revision=commit)


def remote(source: Source, commit: str, file: PublishedFile) -> ranges.Remote:
    """Return a published file as `ranges` asks for parts of it."""
    return ranges.Remote(
        name=file.name,
        address=_address(source, commit, file),
        n_bytes=file.n_bytes,
        commit=commit,
        checksum=file.checksum,
    )


def _link(folder: Path, commit: str, file: PublishedFile) -> bool:
    """Link a finished blob into its snapshot; return False if there is no such blob, or it was found damaged."""
    blob, link = folder / "blobs" / file.checksum, folder / "snapshots" / commit / file.name
    if _is_usable(link) and transfer.length(link) == file.n_bytes:
        return True
    if not _is_usable(blob):
        return False
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(os.path.relpath(blob, link.parent))
    except OSError:  # Windows, without the right to make links: huggingface_hub moves the file there too
        blob.replace(link)
    return True


def _is_usable(file: Path) -> bool:
    return file.is_file() and not compared.is_damaged(file)


def _name_newest(folder: Path, commit: str) -> None:
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    with replacing(folder / "refs" / "main") as new:
        new.write_text(commit)

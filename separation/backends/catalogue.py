"""The list of downloadable models: what each is, whether it is on this computer, downloading and deleting it.

The Models page and the terminal's `models` show it. Imports no framework; only `download` goes online.
"""

from __future__ import annotations

from collections.abc import Generator

from separation.backends import registry
from separation.errors import Action, SettingsError
from separation.events import Event, ModelLoading
from separation.hub import compared, licences, line
from separation.hub.licences import LicenceNotAccepted
from separation.model import Backend, PublishedModel


def entries() -> tuple[PublishedModel, ...]:
    """Return all downloadable models, each family's default first."""
    return tuple(one for backend in registry.BACKENDS.values() for one in backend.published())


def entry(name: str) -> PublishedModel:
    """Return the model of this name.

    Raises:
        SettingsError: there is no such model; the message lists those there are.
    """
    known = {one.name: one for one in entries()}
    if name not in known:
        raise SettingsError(
            f"There is no model “{name}” to fetch or remove.",
            "Folders of models are yours: they are used where they are, and never changed.",
            f"Choose one of: {', '.join(known)}.",
        )
    return known[name]


def download(name: str) -> Generator[Event, None, None]:
    """Download a model and the models it needs, unless they are on this computer, yielding `ModelLoading`.

    Closing the generator stops the download; what arrived is kept, and the next call goes on from there.

    Raises:
        SettingsError: there is no such model.
        LicenceNotAccepted: its licence has to be accepted first.
        WeightsMissing: it is gated, and access has not been granted; the message says how to get it.
        BackendUnavailable: the server cannot be reached, refuses, sent a damaged file, or the disk is full.
    """
    wanted = entry(name)
    require_accepted(wanted)
    yield from line.measured(_with_needs(wanted))


def require_accepted(wanted: PublishedModel) -> None:
    """Raise `LicenceNotAccepted` if a person has to accept a model's licence first."""
    terms = licences.to_accept(wanted.terms)
    if terms is None or wanted.on_disk_bytes is not None:
        return
    raise LicenceNotAccepted(
        f"{wanted.label} is under the {terms.name}, which nobody has accepted on this computer yet.",
        " ".join((*terms.points, f"All of it: {terms.link}.")),
        "It can be downloaded once somebody has accepted it.",
        action=Action.accept_licence(wanted.name),
    )


def check(name: str) -> Generator[Event, None, dict[str, bool | None]]:
    """Compare a model's files on this computer with what was published, yielding `ModelLoading` while they are read.

    Returns whether each file, by name, is whole; None where nobody knows what it should be. What is damaged is not used
    any more, and the next download fetches it anew.

    Raises:
        SettingsError: there is no such model.
    """
    one = entry(name)
    found = {}
    for file in one.files:
        found[file.name] = yield from compared.compare(file, name, again=True)
    return found


def remove(name: str) -> int:
    """Delete a model from this computer, half-finished downloads too; returns the bytes freed.

    The models that it needs stay, since others may need them as well.

    Raises:
        SettingsError: there is no such model; folders that a person named are never touched.
    """
    one = entry(name)
    return _lists(one).remove(one)


def _with_needs(wanted: PublishedModel) -> Generator[Event, None, None]:
    yield from _fetched(wanted)
    for need in entry(wanted.name).needs:  # which, depends on the source that the model came from
        yield from _fetched(entry(need))


def _fetched(one: PublishedModel) -> Generator[Event, None, None]:
    if one.on_disk_bytes is not None:
        yield ModelLoading(model=one.name, done_bytes=one.on_disk_bytes, total_bytes=one.on_disk_bytes)
    else:
        yield from _lists(one).fetch(one)


def _lists(one: PublishedModel) -> Backend:
    backend = registry.named(one.backend)
    assert backend is not None  # it listed the entry
    return backend

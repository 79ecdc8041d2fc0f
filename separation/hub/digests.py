"""What was published when a model was first fetched: later downloads have to be the same, or a person is asked.

The hub says which file belongs to a commit, but anyone who holds a repository can put another file there. The digests
of a few files are known beforehand (`Source.pinned`); of the others, that of the first download is recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from separation.errors import Action, BackendUnavailable, PlaygroundError
from separation.hub import remembered

log = logging.getLogger(__name__)
MEMORY = "published_models.json"


class RevisionChanged(BackendUnavailable):
    """A repository holds other files than when they were first fetched; a person decides (`accept`).

    Args:
        what, why, todo, action: as in every error.
        repository: the one that has changed.
    """

    def __init__(
        self, what: str, why: str = "", todo: str = "", repository: str = "", *, action: Action | None = None
    ) -> None:
        super().__init__(what, why, todo, action=action)
        self.args = (what, why, todo, repository)
        self.repository = repository


def check(repository: str, model: str, commit: str, files: Mapping[str, str], pinned: Mapping[str, str]) -> None:
    """Compare the digests that a server states with those that are known.

    Args:
        repository: where they are published.
        model: what the terminal calls the model.
        commit: the revision that the server offers.
        files: name to digest, as the server states them.
        pinned: name to digest, as known beforehand.

    Raises:
        RevisionChanged: a file differs from the one that was fetched first, and so does the commit.
        BackendUnavailable: a file differs from the one that is known beforehand, or within one commit.
    """
    for name in sorted(files.keys() & pinned.keys()):
        if files[name] != pinned[name]:
            raise _another(repository, name, f"Its SHA-256 is {pinned[name]}; the server offers {files[name]}.")
    known = _known(repository)
    for name in sorted(files.keys() & known.keys()):
        digest, first = known[name]
        if digest == files[name]:
            continue
        if first == commit:
            raise _another(repository, name, f"It was {digest} in the same revision; the server offers {files[name]}.")
        raise RevisionChanged(
            f"{repository} has changed since it was first fetched here.",
            f"{name} was {digest[:12]}… in revision {first[:7]}, and is {files[name][:12]}… in revision {commit[:7]}.",
            "If you trust whoever publishes it, the new one can be taken.",
            repository,
            action=Action.new_revision(model),
        )


def record(repository: str, commit: str, files: Mapping[str, str]) -> None:
    """Remember digests with which later downloads are compared."""
    known = remembered.recall(MEMORY)
    known[repository] = {name: [digest, first] for name, (digest, first) in _known(repository).items()} | {
        name: [digest, commit] for name, digest in files.items()
    }
    try:
        remembered.remember(MEMORY, known)
    except (OSError, PlaygroundError) as failure:  # the next download is then compared with nothing
        log.warning("what was published by %s cannot be remembered: %s", repository, failure)


def accept(repository: str) -> None:
    """Forget what was fetched first from a repository: a person has said that its new files are wanted."""
    known = remembered.recall(MEMORY)
    if known.pop(repository, None) is not None:
        remembered.remember(MEMORY, known)


def digest_of(repository: str, name: str) -> str:
    """Return the recorded digest of a file; "" if none is."""
    return _known(repository).get(name, ("", ""))[0]


def _known(repository: str) -> dict[str, tuple[str, str]]:
    """Return name to digest and commit of the files that were fetched first; none if that cannot be read."""
    try:
        table = remembered.recall(MEMORY).get(repository, {})
        return {name: (str(digest), str(commit)) for name, (digest, commit) in table.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _another(repository: str, name: str, why: str) -> BackendUnavailable:
    return BackendUnavailable(
        f"{name} of {repository} is not the file that is known.",
        why,
        "It was not fetched. Choose another source; if you expect a new version, ask whoever publishes it.",
    )

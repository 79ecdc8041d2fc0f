"""Compares what is played with its digests: small things before they are played, large ones meanwhile."""

from __future__ import annotations

import threading
from functools import partial

from storage import Artifact, ArtifactStore
from webapp.state.runner import Runner

AT_ONCE_BYTES = 100 * 10**6  # compared in 0.06 s; hours of sound would keep their first second waiting


class PlayedChecks:
    """Gives out what is played, as the store does; what is large before its files are compared.

    For any number of threads. If it turns out to be damaged, the next request does not find it any more.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._runner = Runner("checks")
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def get(self, key: str) -> Artifact | None:
        """Return an artifact; None if there is none, or it is damaged."""
        artifact = self._store.get(key, read=False)
        if artifact is None or self._store.checks.compared(artifact.manifest):
            return artifact
        if artifact.manifest.size_bytes <= AT_ONCE_BYTES:
            return self._store.get(key)
        with self._lock:
            if key not in self._busy and self._runner.submit(partial(self._check, key)):
                self._busy.add(key)
        return artifact

    def finish(self) -> bool:
        """Wait for the comparison that is going on; tests do."""
        done = threading.Event()
        return self._runner.submit(done.set) and done.wait(60)

    def _check(self, key: str) -> None:
        try:
            self._store.get(key)
        finally:
            with self._lock:
                self._busy.discard(key)
            self._store.close()  # this thread's connection

"""The errors of the store: what happened, why, and what to do.

They have the shape of `separation.errors.PlaygroundError` and not its class, because `storage` knows nothing of
separation; whoever shows errors to a person catches both.
"""

from __future__ import annotations


class StorageError(Exception):
    """The root of the store's errors: three sentences, in the order a person needs them."""

    def __init__(self, what: str, why: str = "", todo: str = "") -> None:
        super().__init__(what, why, todo)
        self.what, self.why, self.todo = what, why, todo

    def __str__(self) -> str:
        return " ".join(sentence for sentence in (self.what, self.why, self.todo) if sentence)

"""Sessions of people who visit a studio, for tests that need no server."""

from __future__ import annotations

from webapp.access.roles import Right, Role
from webapp.access.sessions import Session

EVERYTHING = frozenset(Right)


def guest(name: str, rights: frozenset[Right] = EVERYTHING) -> Session:
    """A guest of this name with these rights."""
    return Session(
        key=name,
        role=Role.GUEST,
        name=name,
        person=f"id of {name}",
        address="",
        opened_at_s=0.0,
        seen_at_s=0.0,
        guests_may=lambda: rights,
    )

"""How the sides of a comparison are named in addresses and in the terminal: by key."""

from __future__ import annotations

from collections.abc import Callable

from separation.comparing.heard import Compared
from separation.comparing.true_stems import TrueStems, true_stems_of
from separation.errors import SettingsError
from separation.results.kept import Recording

OF_STEMS = ".stems"  # ends the address of a recording's true stems


def address_of(item: Compared) -> str:
    """Return how an item is named."""
    return f"{item.key}{OF_STEMS}" if isinstance(item, TrueStems) else item.key


def item_at(address: str, kept: Callable[[str], Compared]) -> Compared:
    """Return the item of an address; `kept` opens what is kept under a key.

    Raises:
        SettingsError: the recording has no true stems.
        PlaygroundError: what `kept` raises.
    """
    found = kept(address.removesuffix(OF_STEMS))
    if not address.endswith(OF_STEMS):
        return found
    true = true_stems_of(found) if isinstance(found, Recording) else None
    if true is None:
        raise SettingsError(f"“{found.name}” has no true stems.", "They are not known.", "Compare other sounds.")
    return true

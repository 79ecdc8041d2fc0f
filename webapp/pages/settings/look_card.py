"""The card of the colours of this browser."""

from __future__ import annotations

from typing import cast

from webapp.access.handlers import asks
from webapp.access.routes import Asks
from webapp.theme import SCHEMES, Scheme, card, remembered_scheme, segmented, set_scheme, text


class LookCard:
    """Chooses between dark and light; the choice is kept in the browser, a guest's too."""

    def __init__(self) -> None:
        with card("settings-card") as surface:
            surface.props["aria-label"] = "Look"
            text("Look", tag="h2")
            labels = {str(scheme): label for scheme, label in SCHEMES.items()}
            asks(segmented(labels, remembered_scheme(), _choose, label="Dark or light"), Asks.SESSION)
            text("Kept in this browser.", "mute small", tag="p")


def _choose(scheme: str) -> None:
    set_scheme(cast(Scheme, scheme))

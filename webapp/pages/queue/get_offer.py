"""The offer to download what the named sounds need, and to separate as soon as it is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from nicegui import ui

from separation.backends.offers import Offer
from separation.formatted import clock, size
from separation.hub import licences
from separation.hub import token as hub_token
from webapp.access.handlers import asks
from webapp.access.routes import Asks
from webapp.components.pieces.licence_terms import licence_terms
from webapp.theme import button, card, text, tipped

FOR_THE_HOST = "It can be downloaded on the computer that runs the studio, on its Studio or Models page."


class GetOffer:
    """One button that gets a model and goes on: shown where nothing here can do what is asked, or not as well.

    Args:
        on_get: called with the name of the model when a person wants it and has accepted its licence.
        may_get: whether this page may download models.
        better: whether this is the place of offers without which it goes, too, only not as well.
    """

    def __init__(self, *, on_get: Callable[[str], object], may_get: bool, better: bool = False) -> None:
        self._on_get, self._may_get, self._better = on_get, may_get, better
        self._offer: Offer | None = None
        self._can_start = False
        self._asking = False
        with card("get-offer pad") as self._place:
            asks(self._place, Asks.HOST)
            self._place.props["aria-label"] = "What can be downloaded"
        self._place.set_visibility(False)

    @property
    def is_needed(self) -> bool:
        """Whether the card is shown, and nothing here can do without what it offers."""
        return self._offer is not None and self._can_start and not self._offer.better

    def show(self, offer: Offer | None, *, can_start: bool) -> None:
        """Show an offer, if this is its place.

        Args:
            offer: what could be got; None hides the card.
            can_start: whether a separation can begin with it: a recording is open, and none of its jobs is going on.
        """
        if offer is not None and offer.better is not self._better:
            offer = None
        if (offer, can_start) == (self._offer, self._can_start):
            return
        if offer is None or self._offer is None or offer.entry.name != self._offer.entry.name:
            self._asking = False
        self._offer, self._can_start = offer, can_start
        self._draw()

    def _draw(self) -> None:
        self._place.clear()
        offer = self._offer
        self._place.set_visibility(offer is not None and self._can_start)
        if offer is None:
            return
        with self._place:
            text(sentence(offer), tag="p")
            if not self._may_get:
                text(FOR_THE_HOST, "mute small", tag="p")
                _to_the_models()
            elif offer.entry.gated and hub_token.origin() is None:
                text("See how to get access", "button quiet", tag="a").props(f"href=/models#{offer.entry.name}")
            elif self._asking and (terms := licences.to_accept(offer.entry.terms)) is not None:
                licence_terms(terms, offer.entry.provenance)
                with ui.element("div").classes("job-buttons"):
                    button("Not now", self._decline)
                    button(f"Accept, download {offer.entry.label} and continue", self._accept, kind="primary")
            else:
                tip = "It stays on this computer; the separation then starts by itself"
                kind: Literal["quiet", "primary"] = "quiet" if offer.better else "primary"
                with ui.element("div").classes("job-buttons"):
                    button(label(offer), self._press, kind=kind, icon_name="download", tip=tip)
                    if not offer.better:
                        _to_the_models()

    def _press(self) -> object:
        if (offer := self._offer) is None:
            return None
        if licences.to_accept(offer.entry.terms) is None:
            return self._on_get(offer.entry.name)
        self._asking = True
        self._draw()
        return None

    def _accept(self) -> object:
        if (offer := self._offer) is None:
            return None
        licences.accept(offer.entry.terms)
        self._decline()
        return self._on_get(offer.entry.name)

    def _decline(self) -> None:
        self._asking = False
        self._draw()


def _to_the_models() -> None:
    link = text("See all models", "button plain", tag="a").props("href=/models")
    tipped(link, "Which separators are available, and what the others need")


def label(offer: Offer) -> str:
    """Return the words of the button, such as “Download SAM-Audio small, 1.3 GB, and continue”."""
    return f"Download {offer.entry.label}, {size(offer.n_bytes)}, and continue"


def sentence(offer: Offer) -> str:
    """Return what the model would do, the time that getting it takes, and its licence."""
    does = "would do better here" if offer.better else "can do this"
    took = "" if offer.seconds is None else f", about {clock(offer.seconds)} at the speed of the last download"
    facts = f"{offer.entry.label.removeprefix(f'{offer.serves} ')}, {size(offer.n_bytes)}{took}"
    access = " Access to it is granted per account, on the Models page." if offer.entry.gated else ""
    return f"{offer.serves} {does}: {facts}. {offer.entry.licence}.{access}"

"""What matters in a licence that has to be accepted, in a few lines."""

from __future__ import annotations

from nicegui import ui

from separation.hub.licences import Terms
from webapp.components.pieces.pieces import text


def licence_terms(terms: Terms, provenance: str) -> None:
    """Place who made the files, what matters in their licence, and a link to all of it."""
    made = f"{provenance[:1].upper()}{provenance[1:]}. " if provenance else ""
    text(f"{made}It is under the {terms.name}:", tag="p")
    with ui.element("ul").classes("terms"):
        for point in terms.points:
            text(point, "small", tag="li")
    link = text("The whole licence", "small", tag="a")
    link.props(f'href={terms.link} target=_blank rel="noopener noreferrer"')

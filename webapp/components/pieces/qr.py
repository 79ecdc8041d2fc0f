"""A QR code, drawn on this computer."""

from __future__ import annotations

import segno
from nicegui import ui

SCALE = 4


def qr_code(address: str, label: str) -> ui.element:
    """Place the QR code of an address; `label` says to screen readers what it is."""
    # Always dark on white: some phones' cameras do not read the inverse.
    picture = segno.make(address, error="m").svg_data_uri(scale=SCALE, border=2, light="white")
    element = ui.element("img").classes("qr")
    element.props.update(alt=label, src=str(picture), width=220, height=220)
    return element

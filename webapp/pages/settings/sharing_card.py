"""The card of sharing: the switch, the addresses with their QR codes, the passcode, invitations."""

from __future__ import annotations

from collections.abc import Iterator

from nicegui import Client, ui

from webapp.access.rules import is_loopback
from webapp.components.copying.copy_button import CopyButton
from webapp.components.pieces.qr import qr_code
from webapp.components.settings import controls
from webapp.components.settings.settings import Settings
from webapp.pages.settings.host_actions import HostActions
from webapp.pages.settings.invitation import Invitation
from webapp.pages.settings.passcode_part import PasscodePart
from webapp.pages.settings.served import ServedStudio
from webapp.theme import card, text

OFF = "Only browsers of this computer reach the studio."
ON = "Other computers and phones on this network reach the studio until you turn this off, or until the studio ends."
FROM_THE_START = (
    "Other computers on this network reach the studio. It was started like that, so it stays shared until it ends; "
    "start it without sharing to turn this on and off here."
)
UNENCRYPTED = (
    "It is not encrypted: others on this network can listen in, so share on networks that you trust, or start the "
    "studio with a certificate."
)
THIS_WAY = "You are here by one of these addresses yourself: turning sharing off ends this page too."


class SharingCard:
    """Says whether the studio is shared, and shares it.

    Args:
        studio: the running server.
        client: the open page, a host's.
    """

    def __init__(self, studio: ServedStudio, client: Client) -> None:
        self._studio, self._client = studio, client
        self._wanted: bool | None = None  # while it is being turned on or off
        self._drawn: tuple[str, ...] | None = None
        with card("settings-card") as surface:
            surface.props["aria-label"] = "Sharing"
            text("Sharing", tag="h2")
            trouble = ui.element("div").classes("trouble").props("aria-live=polite")
            self._actions = HostActions(client, trouble)
            self._switch = Settings(self._set)
            self._words = text("", "mute small", tag="p").props("role=status")
            with ui.element("div").classes("shared-parts") as self._parts:
                self._addresses = ui.element("ul").classes("addresses").props('role=list aria-label="Addresses"')
                self._passcode = PasscodePart(studio.sharing, self._actions)
                self._invitation = Invitation(studio.sharing, self._actions, self._address_for_guests)
        studio.lan.changed.subscribe(self._show)
        studio.sharing.changed.subscribe(self._show)
        self._show()

    def _show(self) -> None:
        lan = self._studio.lan
        is_on = lan.is_open if self._wanted is None else self._wanted
        tip = "Opens the studio to this network, behind a passcode; sound and speed stay the same"
        field = controls.switch("sharing.on", "Share this studio", is_on, tip, disabled=lan.is_fixed)
        self._switch.set_groups([{"title": "", "fields": [field]}])
        self._words.set_text(" ".join(self._sentences()))
        # By another name, such as a proxy's, guests reach the studio too.
        self._parts.set_visibility(lan.is_open or bool(self._studio.sharing.names))
        if (addresses := lan.addresses()) != self._drawn:
            self._drawn = addresses
            self._draw(addresses)
        self._passcode.show()

    def _draw(self, addresses: tuple[str, ...]) -> None:
        self._addresses.clear()
        with self._addresses:
            for address in addresses:
                with ui.element("li").classes("address-tile"):
                    qr_code(address, f"QR code of {address}")
                    with ui.element("div").classes("stack"):
                        text(address, "address", tag="a").props["href"] = address
                        CopyButton("Copy the address", address)

    def _sentences(self) -> Iterator[str]:
        lan = self._studio.lan
        yield FROM_THE_START if lan.is_fixed else ON if lan.is_open else OFF
        if any(address.startswith("http:") for address in lan.addresses()):
            yield UNENCRYPTED
        if lan.is_open and not lan.is_fixed and self._is_away():
            yield THIS_WAY

    async def _set(self, _name: str, wanted: bool) -> None:
        self._wanted = wanted
        self._show()
        await self._actions(self._turn)(wanted)
        self._wanted = None
        if not self._client.is_deleted:
            self._show()

    async def _turn(self, wanted: bool) -> None:
        if not wanted:
            await self._studio.lan.close()
            return
        if self._studio.sharing.passcode is None:
            await self._passcode.make_up()
        await self._studio.lan.open()

    def _is_away(self) -> bool:
        return self._client.request is not None and not is_loopback(self._client.request.url.hostname or "")

    def _address_for_guests(self) -> str:
        """Return the beginning of links for guests: as this page was reached, if that leads there from elsewhere."""
        addresses = self._studio.lan.addresses()
        if not addresses or self._is_away():
            return str(self._client.request.base_url).rstrip("/")
        return addresses[0]

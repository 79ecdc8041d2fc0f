"""What proxies add to requests: dropped, or believed where a proxy is trusted by its address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from separation.errors import SettingsError

# Headers that proxies add, and with which a visitor could choose his address, our scheme or where scripts load from.
ADDED = ("forwarded", "via", "x-real-ip")
FORWARDED = "x-forwarded-"
_SCHEMES = {"http": "ws", "https": "wss"}
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies that are trusted, by their networks."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def at(cls, texts: Iterable[str]) -> Proxies:
        """Return the proxies at addresses or networks such as "10.0.0.0/8".

        Raises:
            SettingsError: a text is neither.
        """
        networks: list[Network] = []
        for text in texts:
            try:
                networks.append(ipaddress.ip_network(text.strip(), strict=False))
            except ValueError:
                raise SettingsError(
                    f"“{text}” is no address of a proxy.", "", "Give an IP address or a network such as 172.17.0.0/16."
                ) from None
        return cls(tuple(networks))

    def forwarded(self, headers: Mapping[str, str]) -> bool:
        """Whether a request was passed on by a proxy."""
        return any(_is_added(name) for name in headers)

    def settled(self, scope: dict[str, Any]) -> dict[str, Any]:
        """Return an ASGI scope as if the visitor had come directly.

        A trusted proxy's word on his address and the scheme is taken; of the addresses in X-Forwarded-For the last one
        counts that is no trusted proxy's, since a visitor can have written those before it. All that proxies add is
        dropped, but for a mark that the request was passed on.
        """
        added = [(name, value) for name, value in scope["headers"] if _is_added(name.decode("latin-1"))]
        if not added:
            return scope
        kept = [pair for pair in scope["headers"] if pair not in added]
        settled = {**scope, "headers": [*kept, (b"via", b"proxy")]}
        if not self._trusts((scope.get("client") or ("",))[0]):
            return settled
        texts = [value.decode("latin-1") for name, value in added if name == b"x-forwarded-for"]
        addresses = [address.strip() for text in texts for address in text.split(",")]
        visitor = next((address for address in reversed(addresses) if not self._trusts(address)), None)
        if visitor is not None:
            settled["client"] = (visitor, 0)
        scheme = next((value.decode("latin-1") for name, value in added if name == b"x-forwarded-proto"), "")
        if scheme in _SCHEMES:
            settled["scheme"] = _SCHEMES[scheme] if scope["type"] == "websocket" else scheme
        return settled

    def _trusts(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self.networks)


def _is_added(name: str) -> bool:
    return name.lower() in ADDED or name.lower().startswith(FORWARDED)

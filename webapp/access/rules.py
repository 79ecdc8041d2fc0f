"""Where the server listens, which names it answers to, and what it asks of a browser."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from separation.errors import SettingsError
from webapp.access.host_token import HostToken
from webapp.access.proxies import Proxies
from webapp.access.sharing import Sharing

EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  compared, not bound


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessRules:
    """The address the server listens on, and what it asks of a browser.

    Attributes:
        host: the address it is bound to.
        port: the port it is bound to.
        token: the host's; None where whoever sits at this computer is the host.
        sharing: the passcode, the rights of guests and further names.
        names: host names it answers to, lower case, beside loopback names, `sharing.names` and the address at which a
            request arrived.
        proxies: whose word on the address of a visitor is taken.
    """

    host: str
    port: int
    token: HostToken | None
    sharing: Sharing
    names: frozenset[str] = frozenset()
    proxies: Proxies = field(default_factory=Proxies)

    @property
    def needs_session(self) -> bool:
        """Whether anybody has to sign in."""
        return self.token is not None or self.sharing.passcode is not None

    def answers_to(self, host_header: str, arrived_at: str) -> bool:
        """Whether a request with this Host header, arriving at this address of ours, is meant for us.

        A page of another site can point its own name at our address (DNS rebinding) and would then count as our
        origin. Only the name gives that away; the port may differ behind a forwarded port.
        """
        name = _host_name(host_header)
        if name is None:
            return False
        if is_loopback(name) or name in self.names or name in self.sharing.names:
            return True
        arrived = _address(arrived_at)
        return arrived is not None and not arrived.is_loopback and _address(name) == arrived

    def is_owner(self, connection: HTTPConnection) -> bool:
        """Whether a request without a session is the host's: it comes from this computer, and no token is asked for.

        What a proxy on this computer forwards comes from elsewhere.
        """
        if self.token is not None or connection.client is None or self.proxies.forwarded(connection.headers):
            return False
        came_from, arrived_at = connection.client.host, (connection.scope.get("server") or ("",))[0]
        return is_loopback(came_from) or came_from == arrived_at


def access_rules(
    host: str,
    sharing: Sharing,
    *,
    port: int = 8080,
    token: HostToken | None = None,
    extra_names: Iterable[str] = (),
    proxies: Iterable[str] = (),
) -> AccessRules:
    """Decide what listening on `host` requires.

    Args:
        host: address to bind; "" and "0.0.0.0" mean all of this computer's addresses.
        sharing: what a host has decided about sharing.
        port: port to bind.
        token: the host's.
        extra_names: further names or addresses people use for this server, such as that of a reverse proxy.
        proxies: addresses or networks of proxies whose word on a visitor's address is taken.

    Raises:
        SettingsError: other computers could reach the server and there is no passcode; or a proxy's address is none.
    """
    if sharing.passcode is None and not is_loopback(host):
        raise SettingsError(
            f"Listening on {host or 'all addresses'} needs a passcode.",
            "Other computers on the network can reach that address, and without a passcode nobody there could come in.",
            "Give --share instead, which makes a passcode up and prints it, or listen on 127.0.0.1.",
        )
    own_name = socket.gethostname().lower()
    names = {host.lower(), own_name, f"{own_name.removesuffix('.local')}.local"}  # the last by multicast DNS
    return AccessRules(
        host=host,
        port=port,
        token=token,
        sharing=sharing,
        names=frozenset({*names, *(name.strip().lower() for name in extra_names)} - set(EVERYWHERE)),
        proxies=Proxies.at(proxies),
    )


def is_loopback(host: str) -> bool:
    """Whether `host` can only mean this computer."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def is_host_name(text: str) -> bool:
    """Whether `text` is a name or an IPv4 address, without a port, as a browser may name this server."""
    return _host_name(text) == text.lower()


def _host_name(host_header: str) -> str | None:
    """Return the name of a Host header without its port, or None if it is malformed."""
    match = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?", host_header.lower(), re.ASCII)
    return None if match is None else match[1] or match[2]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None  # a name
    # A socket that serves both protocols reports IPv4 peers as ::ffff:192.0.2.1.
    return getattr(address, "ipv4_mapped", None) or address

"""Where the server listens: a port that is free, and the addresses at which people find it."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import webbrowser
from collections.abc import Iterable, Iterator
from contextlib import closing

import ifaddr
import uvicorn

from separation.errors import SettingsError
from webapp.access.rules import EVERYWHERE, is_loopback

USUAL_PORT = 8080
N_TRIED = 20  # ports from the usual one on
LOOK_S = 0.02
ANSWER_S = 0.2  # a program on this computer takes a connection at once


def choose_port(host: str, port: int | None) -> int:
    """The port to listen on: `port`, or from 8080 on the first that nobody has.

    Args:
        host: a name or an address of this computer; "", "0.0.0.0" and "::" mean all of its addresses.
        port: the one that was asked for; None if any will do.

    Raises:
        SettingsError: this computer cannot listen there; says why.
    """
    places = _places(host)
    if port is not None:
        if (refusal := _refusal(places, port)) is not None:
            raise refused(host, port, refusal)
        return port
    for candidate in range(USUAL_PORT, USUAL_PORT + N_TRIED):
        refusal = _refusal(places, candidate)
        if refusal is None:
            return candidate
        if refusal.errno != errno.EADDRINUSE:
            raise refused(host, candidate, refusal)
    raise SettingsError(
        f"Ports {USUAL_PORT} to {USUAL_PORT + N_TRIED - 1} are all in use on this computer.",
        "",
        "Choose another one with --port.",
    )


def refused(host: str, port: int, reason: OSError) -> SettingsError:
    """What to say when the system does not let us listen there."""
    where, advice = f"port {port} of {host or 'this computer'}", f"Choose another port, such as --port {port + 1}."
    if reason.errno == errno.EADDRINUSE:
        return SettingsError(f"Another program has {where}.", "", f"{advice[:-1]}, or end that program.")
    if reason.errno == errno.EACCES:
        return SettingsError(f"This account may not listen on {where}.", "Ports below 1024 are reserved.", advice)
    return SettingsError(
        f"This computer cannot listen on {where}.",
        f"The system says: {reason.strerror}.",
        "Leave --host out to serve this computer only, or give 0.0.0.0 for all of its addresses.",
    )


def addresses(host: str, port: int, *, tls: bool) -> tuple[str, ...]:
    """The addresses to type into a browser, the one for this computer first.

    Of all addresses (0.0.0.0, ::) those are told that other computers can reach; 0.0.0.0 itself is none.
    """
    return in_browsers(_names(host), port, tls=tls)


def shared_addresses(host: str, port: int, *, tls: bool) -> tuple[str, ...]:
    """Those of `addresses` at which other computers reach the server; none where it listens to this one alone."""
    found = addresses(host, port, tls=tls)
    return found[1:] if host in EVERYWHERE else () if is_loopback(host) else found


def in_browsers(names: Iterable[str], port: int, *, tls: bool) -> tuple[str, ...]:
    """Return names or addresses of this computer as they are typed into a browser."""
    scheme = "https" if tls else "http"
    return tuple(f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}" for name in names)


def network_addresses(versions: Iterable[int] = (4,)) -> list[str]:
    """Return the addresses of this computer at which others can reach it, of these versions of the protocol."""
    own = [ipaddress.ip_address(address) for address in _interface_addresses()]
    return [str(one) for one in own if one.version in versions and not one.is_loopback and not one.is_link_local]


def _names(host: str) -> list[str]:
    if host not in EVERYWHERE:
        return [host]
    return ["127.0.0.1", *network_addresses((4,) if host == "0.0.0.0" else (4, 6))]  # noqa: S104


def _interface_addresses() -> Iterator[str]:
    """All that the network interfaces of this computer have, IPv4 first."""
    found = [address for adapter in ifaddr.get_adapters() for address in adapter.ips]
    yield from (address.ip for address in found if isinstance(address.ip, str))
    yield from (address.ip[0] for address in found if not isinstance(address.ip, str))


def _places(host: str) -> list[tuple[socket.AddressFamily, str]]:
    """The families and addresses that `host` stands for.

    Raises:
        SettingsError: nobody knows that name.
    """
    try:
        found = socket.getaddrinfo(host or None, USUAL_PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingsError(
            f"Nothing is known of the host “{host}”.",
            f"The system says: {error.strerror}.",
            "Give an address of this computer, or 0.0.0.0 for all of them.",
        ) from None
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _refusal(places: list[tuple[socket.AddressFamily, str]], port: int) -> OSError | None:
    """Why one of these places is not to be had; None if all are free."""
    for family, address in places:
        try:
            with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
                # As the event loop will: a port whose last connections are still closing is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
                probe.listen(1)
        except OSError as error:
            return error
        if _answers(family, address, port):
            return OSError(errno.EADDRINUSE, "Address already in use")
    return None


def _answers(family: socket.AddressFamily, address: str, port: int) -> bool:
    """Whether somebody takes connections there: some systems let two programs have one port, and one stays unheard."""
    with closing(socket.socket(family, socket.SOCK_STREAM)) as caller:
        caller.settimeout(ANSWER_S)
        return caller.connect_ex((address, port)) == 0


async def announce(server: uvicorn.Server, found: tuple[str, ...], first_page: str) -> None:
    """Print the addresses once `server` takes connections there, and not before; then open the browser, if wanted.

    Args:
        server: takes connections soon.
        found: the addresses.
        first_page: what the browser opens; "" if it is not to be opened.
    """
    while not server.started:
        await asyncio.sleep(LOOK_S)
    print("Audio Playground is at", " and ".join(found), flush=True)
    if first_page:
        await asyncio.to_thread(webbrowser.open, first_page)

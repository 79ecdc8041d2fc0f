"""Sharing that is turned on and off while the studio runs: further sockets at its port, for the same application."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import sys
from contextlib import asynccontextmanager

import httpx
import pytest
from distributed import Security

from separation.errors import SettingsError
from webapp.access import listening
from webapp.access.lan_server import LanServer
from webapp.access.passcode import Passcode
from webapp.access.rules import access_rules
from webapp.access.sharing import Sharing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there 127.0.0.2 is an address like any other")
OTHER = "127.0.0.2"  # stands for the address of this computer on a network


async def app(scope, receive, send):
    assert scope["type"] == "http", "The application has started already."
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(scope["server"][0]).encode()})


@pytest.fixture
def network(monkeypatch):
    """The addresses of this computer on the network."""
    names = [OTHER]
    monkeypatch.setattr(listening, "network_addresses", lambda: list(names))
    return names


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


@pytest.fixture
def sharing():
    sharing = Sharing()
    sharing.set_passcode(Passcode.of("four calling birds"))
    return sharing


@asynccontextmanager
async def lan_server(sharing, port, host="127.0.0.1", certificate=None):
    server = LanServer(app, access_rules(host, sharing, port=port), certificate)
    try:
        yield server
    finally:
        await server.close()


async def got(url, verify=True):
    async with httpx.AsyncClient(verify=verify, timeout=20) as client:
        return (await client.get(url)).text


async def test_it_answers_at_the_other_address_only_while_it_is_on(network, sharing, port):
    changes = []
    async with lan_server(sharing, port) as lan:
        lan.changed.subscribe(lambda: changes.append(lan.is_open))
        url = f"http://{OTHER}:{port}"
        assert not lan.is_open and lan.addresses() == ()
        for _ in range(2):
            await lan.open()
            await lan.open()  # two hosts may turn it on at once
            assert lan.is_open and lan.addresses() == (url,)
            assert await got(url) == OTHER
            await lan.close()
            assert not lan.is_open and lan.addresses() == ()
            with pytest.raises(httpx.ConnectError):
                await got(url)
    assert changes == [True, False, True, False]


async def test_an_answer_under_way_holds_turning_it_off_up_for_two_seconds_at_most(network, sharing, port):
    async with lan_server(sharing, port) as lan:
        await lan.open()
        reader, writer = await asyncio.open_connection(OTHER, port)
        writer.write(b"GET / HTTP/1.1\r\n")  # the rest never comes
        await writer.drain()
        await asyncio.wait_for(lan.close(), 20)
        assert await reader.read() == b""
        writer.close()


async def test_the_signals_that_end_the_program_stay_the_main_servers(network, sharing, port):
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    async with lan_server(sharing, port) as lan:
        await lan.open()
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


async def test_with_a_certificate_it_is_served_over_https(network, sharing, port, tmp_path):
    made = Security.temporary()
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_text(made.tls_worker_cert)
    key.write_text(made.tls_worker_key)
    trusted = ssl.create_default_context(cafile=str(certificate))
    trusted.check_hostname = False  # it names no host
    async with lan_server(sharing, port, certificate=(certificate, key)) as lan:
        await lan.open()
        assert lan.addresses() == (f"https://{OTHER}:{port}",)
        assert await got(lan.addresses()[0], trusted) == OTHER
        await lan.close()
        key.unlink()
        with pytest.raises(SettingsError, match="certificate cannot be read any more"):
            await lan.open()
        assert not lan.is_open


async def test_what_keeps_it_from_being_turned_on_is_said_and_nothing_stays_open(network, sharing, port):
    async with lan_server(Sharing(), port) as lan:
        with pytest.raises(SettingsError, match="without a passcode"):
            await lan.open()
    async with lan_server(sharing, port) as lan:
        with socket.socket() as other:
            other.bind(("127.0.0.3", port))
            other.listen()
            network.append("127.0.0.3")
            with pytest.raises(SettingsError, match=f"Port {port} cannot be used there"):
                await lan.open()
            assert not lan.is_open
            with pytest.raises(httpx.ConnectError):
                await got(f"http://{OTHER}:{port}")
        network.clear()
        with pytest.raises(SettingsError, match="not on a network"):
            await lan.open()


async def test_a_studio_that_was_started_shared_stays_so(network, sharing, port):
    async with lan_server(sharing, port, host="192.168.7.5") as lan:
        assert lan.is_fixed and lan.is_open and lan.addresses() == (f"http://192.168.7.5:{port}",)
        await lan.open()
        await lan.close()
        assert lan.is_open

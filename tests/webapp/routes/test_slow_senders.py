"""Senders that fall silent: everybody else goes on, and nothing of them is left."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import numpy as np
import psutil
import pytest

from tests.support import odd_files
from tests.support.server import STOP_S, RunningServer, running_server

GUARD_S = 60.0  # far above every answer: what counts is that answers come while the slow senders are still there
NOISE = np.random.default_rng(3).uniform(-0.4, 0.4, (8 * odd_files.RATE, 2))


def with_chunk_at_end() -> bytes:
    """A WAV with a LIST chunk behind its samples, as recorders write it; libsndfile reads it when it opens the file."""
    return odd_files.stored("WAV", samples=NOISE) + b"LIST\x04\0\0\0INFO"


FILES: dict[str, Callable[[], bytes]] = {
    "wav": with_chunk_at_end,
    "flac": lambda: odd_files.stored("FLAC", samples=NOISE),
    "ogg": lambda: odd_files.stored("OGG", samples=NOISE),
    "mp3": lambda: odd_files.stored("MP3", samples=NOISE),
    "mp4": lambda: odd_files.muxed("mp4", "aac", samples=NOISE.astype(np.float32)),
}
FEW, MANY = 200, 60_000  # bytes: less than any decoder needs to begin, and enough for each of them


@pytest.fixture(autouse=True)
def nothing_is_left(server: RunningServer) -> Iterator[None]:
    yield
    wait_until(lambda: not decoders(server) and not received_bytes(server))


@contextmanager
def silent_sender(
    server: RunningServer, name: str, data: bytes, n_sent: int = MANY, *, announced: bool = True
) -> Iterator[socket.socket]:
    """A sender of the first bytes of a file that the server has received; it has more to send, and does not."""
    before = received_bytes(server)
    head = [
        f"PUT /api/uploads?name={name} HTTP/1.1",
        f"Host: {server.url.removeprefix('http://')}",
        f"Origin: {server.url}",
        "Connection: close",
        f"Content-Length: {len(data)}" if announced else f"Transfer-Encoding: chunked\r\n\r\n{n_sent:x}",
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=GUARD_S) as sender:
        sender.sendall("\r\n".join(head).encode() + (b"\r\n\r\n" if announced else b"\r\n") + data[:n_sent])
        wait_until(lambda: received_bytes(server) >= before + n_sent)
        yield sender


def client_of(server: RunningServer) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Origin": server.url}, timeout=GUARD_S)


def received_bytes(server: RunningServer) -> int:
    """The size of all that is arriving."""
    while True:
        with suppress(FileNotFoundError):  # a sender left while we looked
            return sum(path.stat().st_size for path in server.home.rglob("upload"))


def answer_to(sender: socket.socket) -> str:
    with sender.makefile("rb") as answer:
        return answer.read().decode()


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GUARD_S
    while not reached():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def still_waits(sender: socket.socket) -> bool:
    sender.setblocking(False)
    try:
        return sender.recv(1) is None  # an answer, or the end of the connection
    except BlockingIOError:
        return True
    finally:
        sender.settimeout(GUARD_S)


def decoders(server: RunningServer) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # also a zombie: it ended while we looked
            if any("decoder" in argument for argument in child.cmdline()):
                found.append(child)
    return found


def the_decoder(server: RunningServer) -> psutil.Process:
    """Wait until there is exactly one, and return it."""
    wait_until(lambda: len(decoders(server)) == 1)
    return decoders(server)[0]


def has_ended(process: psutil.Process) -> bool:
    # Where the first process of a container does not reap orphans, a zombie is all that remains.
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("kind", FILES)
def test_everybody_is_served_while_senders_are_silent(server, kind):
    data = FILES[kind]()
    assert len(data) > MANY
    with ExitStack() as opened, client_of(server) as client:
        senders = [
            opened.enter_context(silent_sender(server, f"slow.{kind}", data, n_sent, announced=announced))
            for n_sent in (FEW, MANY)
            for announced in (True, False)
        ]
        song = odd_files.stored("WAV", samples=odd_files.tone() * (1 + len(kind) / 9))
        sent = client.put("/api/uploads", params={"name": f"{kind}.wav"}, content=song)
        assert sent.status_code == 200
        audio = f"/media/{sent.json()['key']}/audio"
        for address in (f"{audio}/pcm?start=0&count=99", f"{audio}/file?format=flac", f"{audio}/spectrogram/0/0"):
            answer = client.get(address)
            assert answer.status_code == 200 and answer.content, address
        assert client.post("/api/demo").status_code == 200
        assert all(still_waits(sender) for sender in senders), "they were all there to the end"


def test_few_bytes_start_no_decoder_and_each_of_the_others_has_its_own(server):
    data = FILES["wav"]()
    with ExitStack() as opened:
        for n_sent in (FEW, MANY, FEW, MANY):
            opened.enter_context(silent_sender(server, "slow.wav", data, n_sent))
        wait_until(lambda: len(decoders(server)) == 2)


def test_a_sender_who_leaves_takes_a_decoder_that_hangs_and_the_file_along(server):
    with silent_sender(server, "slow.wav", FILES["wav"]()):
        the_decoder(server).suspend()
    wait_until(lambda: not decoders(server) and not received_bytes(server))


@pytest.mark.parametrize(
    ("crash", "why"), [(signal.SIGSEGV, "crashed on it (SIGSEGV)"), (signal.SIGXCPU, "without coming to a sound")]
)
def test_a_decoder_that_crashes_is_said_to_its_sender_alone(server, crash, why):
    data = FILES["wav"]()
    with silent_sender(server, "slow.wav", data) as sender, silent_sender(server, "few.wav", data, FEW) as other:
        the_decoder(server).send_signal(crash)
        sender.sendall(data[MANY:])
        answer = answer_to(sender)
        assert answer.startswith("HTTP/1.1 422")
        assert "“slow.wav” cannot be used as audio." in answer and why in answer
        assert still_waits(other)
    with client_of(server) as client:
        assert client.post("/api/demo").status_code == 200


@pytest.mark.skipif(not hasattr(psutil, "RLIMIT_AS"), reason="only Linux shows the limits of another process")
def test_a_decoder_has_limits_of_memory_and_of_computing(server):
    with silent_sender(server, "slow.wav", FILES["wav"]()):
        limits = the_decoder(server).rlimit
        wait_until(lambda: 0 < limits(psutil.RLIMIT_AS)[0] <= 2 * 2**30)
        wait_until(lambda: 0 < limits(psutil.RLIMIT_CPU)[0] <= 3600)


@pytest.mark.long
def test_a_killed_server_leaves_no_decoder():
    with running_server() as server, silent_sender(server, "slow.wav", FILES["wav"]()):
        left = the_decoder(server)
        server.process.kill()
        server.process.wait(STOP_S)
        wait_until(lambda: has_ended(left))

"""A slow network between a browser and a server: a TCP proxy that passes everything on late, WebSockets too.

with running_server() as server, slow_line(server.port) as line, chromium() as driver:
    driver.get(line.url)
    with line.slow():      # 300 ms each way from here on
        ...
    with line.held():      # nothing comes through until the end of the block
        ...
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

DELAY_S = 0.3
CHUNK_BYTES = 65_536


class SlowLine:
    """A line to 127.0.0.1:`target`; it is as quick as none until a test slows it down."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._delay_s = 0.0
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def slow(self, delay_s: float = DELAY_S) -> Iterator[None]:
        """Everything that is sent meanwhile arrives so much later, in either direction."""
        self._delay_s = delay_s
        try:
            yield
        finally:
            self._delay_s = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing arrives meanwhile, in either direction; all of it does at the end."""
        self._call(self._open.clear)
        try:
            yield
        finally:
            self._call(self._open.set)

    def cut(self) -> None:
        """Break every connection; what is on its way is lost. New ones can be made."""
        self._call(lambda: [writer.transport.abort() for writer in self._writers])

    def _call(self, act: Callable[[], object]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (act(), done.set()))
        done.wait()

    # on the loop of the proxy's own thread

    def run(self, listening: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the server is not there
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._writers |= ends
        with suppress(OSError):
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        self._writers -= ends
        for end in ends:
            end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read at once, and write each piece when it is due, in its order."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = asyncio.ensure_future(self._deliver(pieces, writer))
        try:
            while not delivering.done():
                piece = await reader.read(CHUNK_BYTES)
                pieces.put_nowait((self._loop.time() + self._delay_s, piece))
                if not piece:
                    break
            await delivering
        finally:
            delivering.cancel()

    async def _deliver(self, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            await self._open.wait()
            if not piece:
                with suppress(OSError):
                    writer.write_eof()
                return
            writer.write(piece)
            await writer.drain()


@contextmanager
def slow_line(target: int) -> Iterator[SlowLine]:
    """A line to the server on that port, on a free port of its own."""
    line, listening = SlowLine(target), threading.Event()
    thread = threading.Thread(target=line.run, args=(listening,), name="slow line", daemon=True)
    thread.start()
    listening.wait()
    try:
        yield line
    finally:
        line.stop()
        thread.join()

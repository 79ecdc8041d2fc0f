"""What a Dask scheduler is asked: whether it is there, and which of its workers fit a call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from separation.engine.tls import Tls
from separation.errors import PlaygroundError, SeparationError

if TYPE_CHECKING:
    from distributed import Client, LocalCluster, Security

MODEL = "model"
# What Dask raises when a scheduler is gone, misunderstands, or goes away while it is asked; it has no root for these.
FAMILIES = (OSError, ValueError, TypeError, RuntimeError, LookupError, AttributeError, AssertionError)

log = logging.getLogger(__name__)


def resources(devices: Iterable[str]) -> dict[str, float]:
    """Return the Dask resources of a worker that can use these devices, with one model at a time."""
    return {MODEL: 1, **dict.fromkeys(devices, 1.0)}


@contextmanager
def answering() -> Iterator[None]:
    """Turn what Dask raises into a sentence where its scheduler is asked for something."""
    try:
        yield
    except PlaygroundError:
        raise
    except FAMILIES as error:
        log.debug("traceback", exc_info=error)
        raise SeparationError(
            "The Dask scheduler does not answer any more.",
            f"({error})" if isinstance(error, OSError) else "",  # what Dask stumbled over itself tells nobody anything
            "See whether it runs, and start the work again; finished work was kept.",
        ) from error


def client_of(scheduler: str | LocalCluster | None, tls: Tls | None) -> Client:
    """Return a client of a scheduler, by its address or of this process's own cluster.

    Raises:
        SeparationError: no scheduler answers at that address.
    """
    from distributed import Client

    security = None if tls is None else tls.security()
    if isinstance(scheduler, str):
        _refuse_silence(scheduler, security)
        return Client(scheduler, set_as_default=False, security=security)
    # Results of workers that are surely within reach need not pass through the scheduler: 11 ms less for 5.6 MB.
    return Client(scheduler, set_as_default=False, security=security, direct_to_workers=True)


def _refuse_silence(address: str, security: Security | None) -> None:
    """Raise SeparationError where no scheduler answers.

    Dask closes a client that finds no scheduler only when it is garbage-collected, and whichever thread does that may
    wait for seconds.
    """
    from distributed.comm.core import connect

    async def knock() -> None:
        options = {} if security is None else security.get_connection_args("client")
        comm = await connect(address, **options)
        await comm.close()

    try:
        asyncio.run(knock())
    except FAMILIES as failure:  # nobody there, no address, TLS on one side only
        raise SeparationError(
            f"There is no Dask scheduler at {address}.",
            f"({failure})",
            "Start one with “dask scheduler” and give the address it prints, such as tcp://10.0.0.5:8786; one that "
            "asks for TLS needs the certificate files too.",
        ) from failure


def fitting(client: Client, device: str) -> list[str]:
    """Return the addresses of the workers that could run a call for this device."""
    needed = resources_for(device)
    workers: Mapping[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return [address for address, about in workers.items() if needed.keys() <= about["resources"].keys()]


def resources_for(device: str) -> dict[str, float]:
    """Return the Dask resources that a call for this device takes."""
    return resources(() if device == "auto" else (device,))

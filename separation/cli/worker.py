"""`audio-playground worker`: this computer does chunk work for a Dask scheduler."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

import click

from separation.cli.common import Common, common_options
from separation.cli.options import Connection, connection_options, model_folder_option
from separation.hardware.devices import choose_torch_device

if TYPE_CHECKING:
    from separation.engine.tls import Tls

PATIENCE_S = 30  # for a scheduler that is not there, at the start and later


@click.command()
@connection_options
@model_folder_option
@click.option(
    "--host", help="Address at which others reach this worker; the one on the way to the scheduler if absent."
)
@click.option("--name", help="What the scheduler calls it.")
@common_options
def worker(connection: Connection, host: str | None, name: str | None, common: Common) -> None:
    r"""Separate for others: do chunk work for a Dask scheduler until interrupted.

    One model at a time, on the --device given or the best one here. A process that is killed is started again. Whoever
    can reach a scheduler can have its workers run any code, so on a network you do not trust use the TLS options.

    \b
    On one computer:    dask scheduler
    On each of several: audio-playground worker --scheduler tcp://ADDRESS:8786
    In the studio:      audio-playground serve --scheduler tcp://ADDRESS:8786
    """
    if connection.scheduler is None:
        raise click.UsageError("Missing option “--scheduler”.")
    devices = ("cpu",) if common.device == "cpu" else _devices(common.device)
    asyncio.run(_work(connection.scheduler, connection.tls(), host, name, devices, common))


async def _work(
    scheduler: str, tls: Tls | None, host: str | None, name: str | None, devices: tuple[str, ...], common: Common
) -> None:
    from separation.engine import embedded
    from separation.engine.scheduler import FAMILIES, resources
    from separation.errors import SeparationError

    embedded.settle_workers()
    from distributed import Nanny

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        nanny = await Nanny(
            scheduler,
            nthreads=1,
            resources=resources(devices),
            name=name,
            host=host,
            security=None if tls is None else tls.security(),
            local_directory=None if common.temp_dir is None else str(common.temp_dir),
            dashboard_address="127.0.0.1:0",  # its HTTP status page is reachable only from this computer
            silence_logs=logging.CRITICAL,
            preload=[*embedded.QUIET],
            death_timeout=PATIENCE_S,
        )
    except FAMILIES as failure:
        raise SeparationError(
            f"There is no Dask scheduler at {scheduler}.",
            f"({failure})",
            "Start one with “dask scheduler” and give the address it prints; one that asks for TLS needs the "
            "certificate files too.",
        ) from failure
    common.say(f"Working for {scheduler} on {' and '.join(devices)}, as {nanny.worker_address}. Ctrl-C stops it.")
    gone = asyncio.create_task(nanny.finished())
    await asyncio.wait([gone, asyncio.create_task(stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not stopped.is_set():
        raise SeparationError(
            f"The scheduler at {scheduler} is gone.", "", "Start this worker again when the scheduler is there."
        )
    await nanny.close()
    common.say("Stopped.")


def _devices(wanted: str) -> tuple[str, ...]:
    """Return the CPU, and the GPU that was requested or is here."""
    return tuple(dict.fromkeys(("cpu", choose_torch_device(wanted))))

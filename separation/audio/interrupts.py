"""What stops a command: other ways than Ctrl-C do the same, and none does it while C code calls back into Python.

cffi cannot pass on an exception that is raised in a callback: it prints the traceback and drops it, so the program goes
on although it was interrupted. libsndfile reads its files through such callbacks. Python itself drops what is raised in
a destructor or a weak reference's callback; an interrupt that comes just then is made again.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# What “kill”, a shutdown, and a closed terminal or connection send; Windows has no second one.
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
STOPPING = (signal.SIGINT, *ENDING)
SOON_S = 0.01  # by then what had to drop it has returned


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Delay signals that ask to stop to the end of the context; only the main thread is ever interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    usual = {number: handler for number in STOPPING if callable(handler := signal.getsignal(number))}
    try:
        for number in usual:
            signal.signal(number, lambda number, frame: caught.append((number, frame)))
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for received, frame in caught[:1]:
            usual[signal.Signals(received)](received, frame)


@contextmanager
def stops_as_interrupts() -> Iterator[None]:
    """Have what ends a program interrupt it as Ctrl-C does, so that nothing half-written is left; “nohup” is heeded."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]
    usual = sys.unraisablehook

    def dropped(what: sys.UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            usual(what)
            return
        again = threading.Timer(SOON_S, _interrupt_main_thread)
        again.daemon = True
        again.start()

    try:
        sys.unraisablehook = dropped
        for number in ours:
            signal.signal(number, signal.default_int_handler)
        yield
    finally:
        sys.unraisablehook = usual
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _interrupt_main_thread() -> None:
    """Interrupt the main thread as Ctrl-C does, also while it waits for the system."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:  # on Windows; what waits for the system goes on waiting
        _thread.interrupt_main()


def stops_left_to_server() -> None:
    """Undo `stops_as_interrupts` for a program that has its own ways to stop."""
    for number in ENDING:
        if signal.getsignal(number) is signal.default_int_handler:
            signal.signal(number, signal.SIG_DFL)

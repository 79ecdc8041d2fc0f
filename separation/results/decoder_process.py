"""Decodes a file that is arriving in a process of its own.

libsndfile is opened under one lock of the whole process, and it reads while it is opened; so a sender who falls silent
would stop everybody who opens a file. A decoder may also crash on a damaged file, or ask for all the memory there is:
then this process is lost and no other.

The two talk in lines of JSON. The decoder is told what to decode, then how many bytes have arrived, and "end" once it
is all of them; it answers with what is ready, then with the outcome. It ends when its standard input does, however the
other process came to its end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

from separation.audio.convert import Conversion
from separation.audio.decode import name_of, unusable
from separation.audio.part import Part
from separation.audio.partial_file import GrowingFile
from separation.audio.video import Picture
from separation.errors import AudioError, FileError, SeparationError, SettingsError
from separation.results.decoding import AUDIO, PEAKS, PICTURE, decode_into
from separation.results.partial import PartialAudio

ENOUGH_BYTES: Final = 16_384  # before them no process is started: few files say more about themselves in less
MEMORY_BYTES: Final = 2 * 2**30  # of address space; decoding takes a fifth of it
# Of computing without a block of samples, which takes milliseconds; going once more over hours of a FLAC that is
# damaged near its end takes a minute.
STALLED_CPU_S: Final = 300
_READY: Final = ("n_ready", "n_expected", "sample_rate", "n_channels")  # what is told of a `PartialAudio`
_ERRORS: Final = {kind.__name__: kind for kind in (AudioError, FileError, SettingsError)}


def decode_apart(
    folder: Path,
    source: GrowingFile,
    part: Part,
    max_duration_s: float,
    on_decoded: Callable[[PartialAudio], object],
) -> tuple[Conversion, Picture | None]:
    """Do what `decode_into` does, in a process of its own, which ends with the call or when the source breaks off.

    Raises:
        AudioError: also if the decoder crashed.
        FileError: as `decode_into` does.
        SettingsError: as `decode_into` does.
        OSError: the source was broken off.
        SeparationError: the system starts no process.
    """
    source.wait_for(ENOUGH_BYTES)
    process = _start()
    assert process.stdin is not None and process.stdout is not None
    job = {
        "folder": str(folder),
        "path": str(source.path),
        "name": source.name,
        "size_bytes": source.announced_bytes,
        "part": asdict(part),
        "max_duration_s": max_duration_s,
    }
    threading.Thread(target=_feed, args=(process, job, source), name="feeds a decoder", daemon=True).start()
    try:
        with process.stdout as lines:
            for line in lines:
                told = json.loads(line)
                if "ready" not in told:
                    return _outcome(told, folder)
                on_decoded(PartialAudio(audio=folder / AUDIO, peaks=folder / PEAKS, **told["ready"]))
        source.wait_for(0)  # raises if it was broken off
        raise _crashed(source, process.wait())
    finally:
        process.kill()
        process.wait()


def _start() -> subprocess.Popen[bytes]:
    # One thread of linear algebra, which it does not need, instead of a stack and a buffer for each core.
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
    try:
        return subprocess.Popen(  # noqa: S603 - our own module
            # -P: a module that lies in the current folder is not taken for one of ours.
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            process_group=0 if os.name == "posix" else None,  # Ctrl-C is for the program, which then closes our input
        )
    except OSError as error:
        why = f"The system says: {error.strerror or error}."
        raise SeparationError("The decoder cannot be started.", why, "Close other programs and try again.") from error


def _feed(process: subprocess.Popen[bytes], job: dict[str, Any], source: GrowingFile) -> None:
    """Tell the decoder what arrives; kill it if the source is broken off."""
    assert process.stdin is not None
    n_told = 0
    with suppress(OSError), process.stdin as told:  # nobody reads any more what closing would still write
        try:
            _tell(told, job)
            while (n_received := source.wait_for(n_told + 1)) > n_told:
                _tell(told, n_received)
                n_told = n_received
            _tell(told, "end")
            process.wait()  # closing its input would end it
        except OSError:  # the source is broken off, or the decoder has ended
            process.kill()


def _tell(file: IO[bytes], value: object) -> None:
    file.write(json.dumps(value).encode() + b"\n")
    file.flush()


def _outcome(told: dict[str, Any], folder: Path) -> tuple[Conversion, Picture | None]:
    """Return what the decoder made, or raise the error that it met."""
    if "error" in told:
        kind, *sentences = told["error"]
        raise _ERRORS[kind](*sentences)
    if "system" in told:
        raise OSError(*told["system"])
    made, picture = told["conversion"], told["picture"]
    conversion = Conversion(**made | {name: tuple(made[name]) for name in ("warnings", "tracks")})
    return conversion, None if picture is None else Picture(folder / PICTURE, *picture)


def _crashed(source: GrowingFile, status: int) -> AudioError:
    try:
        how = signal.Signals(-status).name
    except ValueError:  # it ended by itself, with a traceback in the log
        how = f"status {status}"
    why = f"The decoder crashed on it ({how})"
    if how == "SIGXCPU":
        why = f"The decoder computed for {STALLED_CPU_S} s without coming to a sound"
    return unusable(name_of(source), why, "Check that it plays elsewhere, and export it as WAV, FLAC or MP3.")


def _main() -> None:
    # What libraries print is not for the other process: it goes to the log, with the errors.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    told = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    job = json.loads(told.readline())
    source = GrowingFile(Path(job["path"]), job["name"], job["size_bytes"])
    threading.Thread(target=_listen, args=(told, source), daemon=True).start()
    _limit()

    def ready(audio: PartialAudio) -> None:
        _allow_computing()
        _tell(answers, {"ready": {name: getattr(audio, name) for name in _READY}})

    try:
        part = Part(**job["part"])
        conversion, picture = decode_into(Path(job["folder"]), source, part, job["max_duration_s"], ready)
        shown = None if picture is None else (picture.codec, picture.start_s)
        _tell(answers, {"conversion": asdict(conversion), "picture": shown})
    except (AudioError, FileError, SettingsError) as error:
        _tell(answers, {"error": (type(error).__name__, error.what, error.why, error.todo)})
    except OSError as error:
        _tell(answers, {"system": (error.errno, error.strerror or str(error))})
    os._exit(0)  # without waiting for the thread that listens


def _listen(told: IO[bytes], source: GrowingFile) -> None:
    for line in told:
        n_received = json.loads(line)
        if n_received == "end":
            source.finish()
        else:
            source.grow(n_received)
    os._exit(1)  # nobody is there any more who wants it


def _limit() -> None:
    """Limit memory and computing, where the system can; a crash leaves no image of the memory."""
    with suppress(ImportError):  # Windows
        import resource

        for what, limit in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, MEMORY_BYTES)):
            with suppress(ValueError, OSError):  # macOS knows no limit of the address space; a smaller one stays
                resource.setrlimit(what, (limit, resource.getrlimit(what)[1]))
        _allow_computing()


def _allow_computing() -> None:
    """Allow `STALLED_CPU_S` from now on."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime) + STALLED_CPU_S
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    _main()

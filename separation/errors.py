"""The errors of this program; each message says what happened, why, and what to do.

Pages and the terminal show `str(error)` as it is; tracebacks go to the log only, under a name that is shown as well.
This module imports nothing of ours, and `storage` derives its own error from the root here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# As `storage.locks` and `separation.audio.files` name them.
MADE_FOR_A_WHILE = re.compile(r"audio-playground-scratch-\w{8}|\.\w{8}\.part")


class PlaygroundError(Exception):
    """The root of our errors. Three sentences, in the order a person needs them.

    Args:
        what: what happened, in the person's own terms.
        why: the reason, with the numbers that show it.
        todo: the next thing to try.
    """

    def __init__(self, what: str, why: str = "", todo: str = "") -> None:
        super().__init__(what, why, todo)  # all three, so that the error survives a trip between processes
        self.what, self.why, self.todo = what, why, todo

    def __str__(self) -> str:
        return " ".join(sentence for sentence in (self.what, self.why, self.todo) if sentence)


class AudioError(PlaygroundError):
    """A file or an array is not audio we can use."""


class FileError(PlaygroundError):
    """A file cannot be written where it was asked for; what lay there before is as it was."""


class SettingsError(PlaygroundError, ValueError):
    """A setting is invalid, by itself or together with the others.

    Args:
        what, why, todo: as in every error.
        place: where the value lies in nested settings, from the outside in, such as ("prompts", 0, "text"); empty where
            that is not known.
    """

    def __init__(self, what: str, why: str = "", todo: str = "", *, place: tuple[str | int, ...] = ()) -> None:
        super().__init__(what, why, todo)
        self.place = place


class PromptError(PlaygroundError):
    """A backend cannot answer this prompt; the text says what it can answer."""


class BackendUnavailable(PlaygroundError):
    """A backend cannot run on this computer as things are."""


class WeightsMissing(BackendUnavailable):
    """The backend could run here if its weights were on this computer."""


class SeparationError(PlaygroundError):
    """A run failed; what was finished before it is kept."""


class OutOfMemory(SeparationError):
    """The work did not fit into memory; the same with smaller settings may."""


class WorkerDied(SeparationError):
    """The worker process died, again after a retry; most often memory ran out."""


class DeviceFailed(SeparationError):
    """A graphics card could not do what was asked of it; the processor may."""


def foreseen(error: Exception) -> PlaygroundError | None:
    """Return the error to show for one of ours or of the system; None for what is a defect of this program."""
    if isinstance(error, PlaygroundError):
        return error
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # of `Path.expanduser` and `Path.home`
        return SettingsError(
            "A home folder is not known.",
            "A path or a variable of the environment begins with “~”, and there is no such account, or it has no home.",
            "Write the path out; AUDIO_PLAYGROUND_HOME names the data folder.",
        )
    if isinstance(error, OSError):
        place = f" ({error.filename})" if isinstance(error.filename, str) else ""
        why = f"The system says: {error.strerror or error}{place}."
        return FileError("Something could not be read or written.", why, "Check that place and the room on its disk.")
    return None


def unforeseen(task: str, error: Exception, advice: str = "") -> SeparationError:
    """Return the error to show for an `error` that is a defect of this program; the caller logs the traceback.

    Args:
        task: what stopped, such as “separation” or “download”.
        error: what was raised; the message names its class, its text, and the fault that the log tells more of.
        advice: what a person may try before they report it, as the beginning of a sentence.
    """
    cause = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    todo = f"{advice}, and please report it." if advice else "Please report it."
    return SeparationError(
        f"The {task} stopped because of an error in this program.",
        f"{cause}.",
        f"The log tells more of it as fault {fault_name(error)}. {todo}",
    )


def fault_name(error: BaseException) -> str:
    """Return six letters and digits that name what happened this time, in the log and to the person who may report it.

    The name stays with the error, also when it is sent to another process.
    """
    name: str = error.__dict__.setdefault("fault", os.urandom(3).hex())
    return name


def lasting(folder: Path) -> Path:
    """Return the folder that errors should name: the innermost one that is still there when the message is read."""
    gone = [each for each in (folder, *folder.parents) if MADE_FOR_A_WHILE.fullmatch(each.name)]
    return gone[-1].parent if gone else folder

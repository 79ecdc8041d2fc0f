"""The errors of this program; each says what happened, why, and what to do, and may carry an action.

No sentence names a command of the terminal: an `Action` does. The terminal shows `str(error)`, which ends with that
command; pages show `error.message` and draw the action as a button. Tracebacks go to the log only, under a name that is
shown as well.
This module imports nothing of ours, and `storage` derives its own error from the root here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

# As `storage.locks` and `separation.audio.files` name them.
MADE_FOR_A_WHILE = re.compile(r"audio-playground-scratch-\w{8}|\.\w{8}\.part")


class ActionKind(StrEnum):
    """What an action is about, by which a page knows where its button leads."""

    DOWNLOAD = "download"
    MODELS = "models"
    SOURCES = "sources"
    SIGN_IN = "sign in"
    INSTALL = "install"
    WORKER = "worker"
    FOLDER = "folder"


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """What a person can do next: the terminal writes its commands, a page draws a button or a plain sentence.

    Args:
        kind: what it is about.
        label: what it does, as a button has it, without a full stop.
        commands: what is typed in a terminal, one after the other.
        subject: name of the model in the catalogue, requirement of a package, or address of a scheduler; "" for none.
    """

    kind: ActionKind
    label: str
    commands: tuple[str, ...]
    subject: str = ""

    @classmethod
    def download(cls, model: str, *, again: bool = False) -> Action:
        """Return the download of a model of the catalogue, for the first time or anew."""
        label = f"Download {model} again" if again else f"Download {model}"
        return cls(kind=ActionKind.DOWNLOAD, label=label, commands=(_download(model),), subject=model)

    @classmethod
    def accept_licence(cls, model: str) -> Action:
        """Return the download of a model whose licence is accepted by it."""
        label, command = f"Accept the licence and download {model}", f"{_download(model)} --accept-licence"
        return cls(kind=ActionKind.DOWNLOAD, label=label, commands=(command,), subject=model)

    @classmethod
    def new_revision(cls, model: str) -> Action:
        """Return the download of a model whose publisher has changed it."""
        label, command = f"Take the new revision of {model}", f"{_download(model)} --new-revision"
        return cls(kind=ActionKind.DOWNLOAD, label=label, commands=(command,), subject=model)

    @classmethod
    def download_with_run(cls, backend: str, model: str) -> Action:
        """Return the download of a model that the catalogue does not list, which only a run in a terminal can begin."""
        command = f"audio-playground extract {backend} RECORDING --model {model} --download"
        return cls(kind=ActionKind.MODELS, label="Download it with the first run", commands=(command,))

    @classmethod
    def choose_sources(cls) -> Action:
        """Return the choice of the places that models are fetched from."""
        return cls(kind=ActionKind.SOURCES, label="Choose other sources", commands=("audio-playground models sources",))

    @classmethod
    def sign_in(cls, model: str = "") -> Action:
        """Return the keeping of the hub's token, and then the download of a model that needs it, if one is named."""
        commands = ("hf auth login", *([_download(model)] if model else []))
        return cls(kind=ActionKind.SIGN_IN, label="Keep your token here", commands=commands, subject=model)

    @classmethod
    def install(cls, requirement: str, *, again: bool = False) -> Action:
        """Return the installation of what `pip` knows by this requirement; an extra is a part of this program."""
        package, _, part = re.split(r"[<>=]", requirement)[0].partition("[")
        what = f"this program with “{part.rstrip(']')}”" if part else f"the package “{package}”"
        label = f"{'Reinstall' if again else 'Install'} {what} and start again"
        quoted = f'"{requirement}"' if requirement != package else requirement
        command = f"pip install {'--force-reinstall ' * again}{quoted}"
        return cls(kind=ActionKind.INSTALL, label=label, commands=(command,), subject=requirement)

    @classmethod
    def start_worker(cls, scheduler: str) -> Action:
        """Return the start of a worker that joins a scheduler at an address."""
        label, command = f"Start a worker that joins {scheduler}", f"audio-playground worker --scheduler {scheduler}"
        return cls(kind=ActionKind.WORKER, label=label, commands=(command,), subject=scheduler)

    @classmethod
    def take_folder(cls, folder: Path, pattern: str) -> Action:
        """Return a run over all files of a folder whose names match a pattern, which only a terminal can begin."""
        command = f"audio-playground batch {folder} --pattern '{pattern}'"
        return cls(kind=ActionKind.FOLDER, label="Or take a whole folder", commands=(command,), subject=str(folder))

    @classmethod
    def name_folder(cls) -> Action:
        """Return the naming of a folder of models, which requests may then use."""
        command = "audio-playground serve --model-folder NAME=FOLDER"
        return cls(kind=ActionKind.FOLDER, label="Name it when the program is started", commands=(command,))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> Action | None:
        """Return the action that `dataclasses.asdict` wrote; None for None.

        Raises:
            ValueError, KeyError, TypeError: it is none that this program knows.
        """
        if values is None:
            return None
        commands = tuple(str(command) for command in values["commands"])
        return cls(**{**values, "kind": ActionKind(values["kind"]), "commands": commands})

    @property
    def sentence(self) -> str:
        """The action as the terminal says it."""
        return f"{self.label}: {', then '.join(f'“{command}”' for command in self.commands)}."


def with_action(message: str, action: Action | None) -> str:
    """Return a message as the terminal says it, with the commands of its action."""
    return " ".join(filter(None, (message, action.sentence if action is not None else "")))


class PlaygroundError(Exception):
    """The root of our errors. Three sentences, in the order a person needs them.

    Args:
        what: what happened, in the person's own terms.
        why: the reason, with the numbers that show it.
        todo: the next thing to try.
        action: what can be done about it with a command or a button.
    """

    def __init__(self, what: str, why: str = "", todo: str = "", *, action: Action | None = None) -> None:
        super().__init__(what, why, todo)  # an error that is pickled takes these, and its attributes, along
        self.what, self.why, self.todo, self.action = what, why, todo, action

    @property
    def message(self) -> str:
        """What happened, why, and what to do, without a command."""
        return " ".join(sentence for sentence in (self.what, self.why, self.todo) if sentence)

    @property
    def typed(self) -> str:
        """What to do, as the terminal says it: with the commands of the action."""
        return with_action(self.todo, self.action)

    def __str__(self) -> str:
        return with_action(self.message, self.action)


class AudioError(PlaygroundError):
    """A file or an array is not audio we can use."""


class FileError(PlaygroundError):
    """A file cannot be written where it was asked for; what lay there before is as it was."""


class SettingsError(PlaygroundError, ValueError):
    """A setting is invalid, by itself or together with the others.

    Args:
        what, why, todo, action: as in every error.
        place: where the value lies in nested settings, from the outside in, such as ("prompts", 0, "text"); empty where
            that is not known.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        todo: str = "",
        *,
        place: tuple[str | int, ...] = (),
        action: Action | None = None,
    ) -> None:
        super().__init__(what, why, todo, action=action)
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


def _download(model: str) -> str:
    return f"audio-playground models download {model}"

"""The texts of the Models page about models, downloads and self-tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from separation.errors import ActionKind, PlaygroundError
from separation.formatted import clock, size
from separation.hub.compared import DAMAGED
from separation.model import PublishedModel, Readiness
from webapp.state.download import Download, DownloadState

PILLS = {
    Readiness.USABLE: ("Ready", "ok"),
    Readiness.NEEDS_WEIGHTS: ("Needs a model", "warn"),
    Readiness.NEEDS_HARDWARE: ("Not for this computer", ""),
    Readiness.NOT_INSTALLED: ("Not installed", ""),
}


def state_of(entry: PublishedModel, download: Download | None, *, removing: bool) -> tuple[str, str]:
    """Return the state of a model in a word or two, and the colour of its pill."""
    if removing:
        return "Removing", "warn"
    match download.state if download else None:
        case DownloadState.WAITING:
            return "Waiting", "warn"
        case DownloadState.RUNNING:
            return "Downloading", "ok"
        case DownloadState.FAILED:
            return "Failed", "bad"
        case _ if entry.on_disk_bytes is not None:
            return "On this computer", "ok"
        case _ if entry.damaged:
            return "Damaged", "bad"
        case DownloadState.PAUSED:
            return "Paused", "warn"
        case _:
            return ("Begun", "warn") if entry.partial_bytes else ("Not here", "")


def progress_of(entry: PublishedModel, download: Download | None) -> tuple[float, str] | None:
    """Return how much of a model is here, as a fraction and in words; None if no download of it has begun."""
    if download is not None and download.state in (DownloadState.WAITING, DownloadState.RUNNING):
        done, total = download.done_bytes, download.total_bytes
        return done / total, " · ".join([f"{size(done, fine=True)} of {size(total, fine=True)}", *_moving(download)])
    if entry.on_disk_bytes is not None or not entry.partial_bytes or entry.damaged:
        return None
    # What the server said it comes to is forgotten after a restart; the catalogue knows about how much.
    paused = download if download is not None and download.state is DownloadState.PAUSED else None
    done, total = (paused.done_bytes, paused.total_bytes) if paused else (entry.partial_bytes, entry.size_bytes)
    total = max(total, done)
    return done / total, f"{size(done, fine=True)} of {size(total, fine=True)} is kept; it goes on from there"


def _moving(download: Download) -> list[str]:
    if download.state is DownloadState.WAITING:
        return ["after the download before it"]
    if download.checking:
        return ["checking what has arrived"]
    rate, remaining_s = download.bytes_per_s, download.remaining_s
    if rate is None:
        return ["connecting" if not download.done_bytes else "continuing"]
    if remaining_s is None:
        return ["nothing arrives, still trying"]
    return [f"{size(rate, fine=True)}/s", f"{clock(remaining_s)} left"]


def action_of(entry: PublishedModel, download: Download | None, *, has_token: bool) -> tuple[str, str]:
    """Return the label of a model's main button and the tooltip that says what it does; "" for no button."""
    state = download.state if download else None
    if state in (DownloadState.WAITING, DownloadState.RUNNING):
        return "Pause", "Stops the download; what has arrived is kept, and it continues from there"
    if state is DownloadState.FAILED and entry.on_disk_bytes is None:
        return "Try again", "Continues from what has arrived"
    if entry.on_disk_bytes is not None:
        return "", ""
    if entry.damaged:
        return "Download again", "Downloads the damaged parts again; the rest is kept"
    if entry.partial_bytes or state is DownloadState.PAUSED:
        return "Resume", "Continues from what has arrived"
    if entry.gated and not has_token:
        return "Get access", "Shows the four steps to this model"
    return (
        "Download",
        f"Fetches {size(entry.size_bytes)} once; then it works without a network. Goes on when you leave.",
    )


def lacking(entries: Sequence[PublishedModel], *, has_token: bool, may_change: bool) -> str:
    """Return what backends need that is not on this computer, and which button of the page fetches it; "" if nothing.

    Args:
        entries: the models of the backends, and their parts.
        has_token: whether there is a token for gated ones.
        may_change: whether the page has such buttons.
    """
    if damaged := next((entry for entry in entries if entry.damaged), None):
        what = f"{damaged.label} is damaged: {DAMAGED[0].lower()}{DAMAGED[1:]} ({', '.join(damaged.damaged)})."
        label, _ = action_of(damaged, None, has_token=has_token)
        return f"{what} “{label}” beside it downloads it again." if may_change else what
    here = [entry for entry in entries if entry.on_disk_bytes is not None]
    models_here = [entry for entry in here if entry.model is not None]
    if models_here:
        absent = [entry for entry in entries if entry.name in models_here[0].needs and entry not in here]
        if not absent:
            return ""
        what, beside = f"{models_here[0].label} is on this computer, but not {absent[0].label}.", "it"
    else:
        absent = [entry for entry in entries if entry.model is not None]
        what, beside = "None of its models is on this computer.", "one of them"
    if not may_change or not absent:
        return what
    labels = dict.fromkeys(action_of(entry, None, has_token=has_token)[0] for entry in absent)
    does = {"Get access": "shows how to get it"}
    return " ".join([what, *(f"“{label}” beside {beside} {does.get(label, 'fetches it')}." for label in labels)])


def error_of(entry: PublishedModel, error: PlaygroundError) -> PlaygroundError:
    """Return an error as the row of a model says it, which has the buttons of what can be done about itself."""
    action, todo = error.action, error.todo
    if action is not None and action.kind is ActionKind.SIGN_IN:
        place = "“Steps”" if entry.gated else "“Steps” of a gated model"
        action, todo = None, f"{place} shows how to get access, and takes a token. Then try again."
    elif action is not None and (action.kind, action.subject) == (ActionKind.DOWNLOAD, entry.name):
        action = None
    return PlaygroundError(error.what, error.why, todo, action=action)


def check_of(checked: Mapping[str, bool | None]) -> str:
    """Return what comparing a model's files found, as text."""
    if damaged := [file for file, whole in checked.items() if whole is False]:
        return f"{DAMAGED} ({', '.join(damaged)}). It is not used; download it again."
    if None in checked.values():
        return "Another program has put it here without saying what was published: it cannot be compared."
    return "Compared: what is on the disk is what was published."

"""What a page says in place of an action's command: where its button leads, or a sentence where no page does it."""

from __future__ import annotations

from separation.errors import Action, ActionKind

SOURCES = "sources"  # what the card of sources is called in addresses
# No page installs packages, starts programs or takes a folder: a person does that at the computer.
ELSEWHERE = frozenset({ActionKind.INSTALL, ActionKind.WORKER, ActionKind.FOLDER})
LABELS = {ActionKind.MODELS: "See the models that can be downloaded", ActionKind.SIGN_IN: "Sign in to the hub"}
TIPS = {
    ActionKind.DOWNLOAD: "Opens its place on the Models page",
    ActionKind.MODELS: "Opens the Models page",
    ActionKind.SOURCES: "Opens the Models page, where sources are chosen",
    ActionKind.SIGN_IN: "Opens the Models page, which says how to get access, and takes a token",
}


def leads_to(action: Action) -> str:
    """Return the address of the place on the Models page where an action is done; "" if no page does it."""
    if action.kind in ELSEWHERE:
        return ""
    place = SOURCES if action.kind is ActionKind.SOURCES else action.subject
    return f"/models#{place}" if place else "/models"


def label_of(action: Action) -> str:
    """Return the words of an action's button."""
    return LABELS.get(action.kind, action.label)


def tip_of(action: Action) -> str:
    """Return what its button does; "" if it has none."""
    return TIPS.get(action.kind, "")


def said_with(message: str, action: Action | None) -> str:
    """Return a message, and as its last sentence what no page does."""
    return message if action is None or leads_to(action) else f"{message} {label_of(action)}.".strip()

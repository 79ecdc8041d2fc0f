"""One model on the Models page: its facts, its state, and the buttons to fetch and remove it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui

from separation.errors import PlaygroundError
from separation.formatted import size
from separation.hub import digests, licences
from separation.hub.licences import Terms
from separation.model import PublishedModel
from webapp.components.pieces.licence_terms import licence_terms
from webapp.components.pieces.progress_bar import ProgressBar
from webapp.pages.models.access_steps import AccessSteps
from webapp.pages.models.model_words import action_of, check_of, error_of, progress_of, state_of
from webapp.state.download import DownloadState
from webapp.state.downloads import Downloads
from webapp.state.hub_account import HubAccount
from webapp.theme import button, error_card, pill, text, tipped

ACTION_ICONS = {
    "Pause": "pause",
    "Resume": "play",
    "Download": "download",
    "Try again": "download",
    "Download again": "download",
}
_SAID_AT = (0.25, 0.5, 0.75)  # of a download: often enough to know that it goes on, seldom enough to bear


class ModelRow:
    """A model as one entry of a list; its details are drawn when they are opened.

    Args:
        entry: the model.
        memory: the memory it takes when it runs, in words; "" if that is unknown.
        note: why it cannot run here even when it is fetched; "" if it can.
        downloads, account: the downloads and the hub account of this server.
        say: called with a text that screen readers are to say.
        may_change: whether this page may fetch and remove it; otherwise it has no buttons.
    """

    def __init__(
        self,
        entry: PublishedModel,
        *,
        memory: str,
        note: str,
        downloads: Downloads,
        account: HubAccount,
        say: Callable[[str], object],
        may_change: bool,
    ) -> None:
        self._entry, self._downloads, self._account, self._say = entry, downloads, account, say
        self._error: PlaygroundError | None = None
        self._has_token = False
        self._announced = ""
        self._said_fraction = 0.0
        self._bar: ProgressBar | None = None
        self._steps: AccessSteps | None = None
        self._question: ui.element | None = None
        with ui.element("li").classes("model-row").props("tabindex=-1") as self.element:
            self.element.props["aria-label"] = entry.label
            with ui.element("div").classes("model-body"):
                with ui.element("div").classes("model-words"):
                    with ui.element("div").classes("model-head"):
                        text(entry.label, tag="h3").props(f"id={entry.name}")  # links lead to it
                        self._pill = pill("")
                    self._facts = text("", "mute small", tag="p")
                    if memory:
                        text(f"Memory {memory}", "mute small", tag="p")
                    self._checked = text("", "mute small", tag="p")
                    if note:
                        text(note, "warn small", tag="p")
                with ui.element("div").classes("model-buttons") as buttons:
                    self._access = button("Steps", self._toggle_steps if may_change else None, kind="plain").props(
                        "aria-expanded=false"
                    )
                    tipped(self._access, "How to get access to this model, and which token it needs")
                    self._access.props["aria-label"] = f"Steps to get {entry.label}"
                    self._check = button("Check", self._compare if may_change else None, kind="plain")
                    tipped(self._check, "Compares its files with what was published; a large model takes seconds")
                    self._check.props["aria-label"] = f"Check {entry.label}"
                    self._remove = button("Remove", self._ask if may_change else None, icon_name="trash", kind="plain")
                    tipped(self._remove, "Deletes it from this computer, for other programs that share it too")
                    self._remove.props["aria-label"] = f"Remove {entry.label}"
                    self._action = button("", self._act if may_change else None)
                buttons.set_visibility(may_change)
            self._progress = ui.element("div").classes("model-progress")
            self._trouble = ui.element("div").classes("model-trouble")
            self._place = ui.element("div").classes("model-place")
        self._progress.set_visibility(False)

    def show(self, entry: PublishedModel, *, facts: str, has_token: bool) -> None:
        """Redraw the row for what is on the disk now; `facts` are its size, its licence and whence it comes."""
        self._entry, self._has_token = entry, has_token
        self._facts.set_text(facts)
        if self._steps is not None and entry.on_disk_bytes is not None:
            self._toggle_steps()
        self.refresh()

    def refresh(self) -> None:
        """Redraw the state of the model's download."""
        entry, download = self._entry, self._downloads.of(self._entry.name)
        removing = self._downloads.removing(entry.name)
        words, kind = state_of(entry, download, removing=removing)
        self._pill.set_text(words)
        self._pill.classes(remove="ok warn bad", add=kind)
        self._show_action(removing)
        here = entry.on_disk_bytes or entry.partial_bytes
        if not here or removing:  # from another page perhaps
            self._answered()
        self._remove.set_visibility(bool(here) and not removing and self._question is None)
        self._check.set_visibility(entry.on_disk_bytes is not None and not removing)
        self._show_checked()
        failed = download is not None and download.state is DownloadState.FAILED
        self._access.set_visibility(entry.gated and entry.on_disk_bytes is None and (self._has_token or failed))
        if self._steps is not None:
            self._steps.show(has_token=self._has_token, on_its_way=download is not None and not download.over)
        fraction = self._show_progress()
        self._show_error(download.error if download is not None else None)
        self._announce(words, fraction if download is not None and download.state is DownloadState.RUNNING else None)

    # what people do

    def _act(self) -> None:
        words, _ = action_of(self._entry, self._downloads.of(self._entry.name), has_token=self._has_token)
        if words == "Pause":
            self._downloads.pause(self._entry.name)
        elif words == "Get access":
            self._toggle_steps()
        elif words:
            self._start()

    def _start(self) -> None:
        self._answered()
        terms = licences.to_accept(self._entry.terms)
        if terms is not None and self._entry.on_disk_bytes is None:
            self._ask_for_licence(terms)
            return
        try:
            self._downloads.start(self._entry.name)
        except PlaygroundError as error:
            self._show_error(error)

    def _ask_for_licence(self, terms: Terms) -> None:
        """Show what matters in the licence, once for all models under it."""
        with self._place, ui.element("div").classes("model-question").props("role=group") as self._question:
            self._question.props["aria-label"] = f"Licence of {self._entry.label}"
            with ui.element("div"):
                licence_terms(terms, self._entry.provenance)
            with ui.element("div").classes("model-buttons"):
                button("Not now", self._answered)
                accept = button("Accept and download", partial(self._accept, terms.name), kind="primary")
        _focus(accept)

    def _accept(self, licence: str) -> None:
        licences.accept(licence)
        self._start()

    def _take_changed(self, repository: str) -> None:
        digests.accept(repository)
        self._start()

    def _compare(self) -> None:
        try:
            self._downloads.check(self._entry.name)
        except PlaygroundError as error:
            self._show_error(error)

    def _ask(self) -> None:
        """Ask before deleting, which cannot be undone; to fetch a model again may take hours."""
        entry = self._entry
        n_bytes = entry.on_disk_bytes or entry.partial_bytes
        with self._place, ui.element("div").classes("model-question").props("role=group") as self._question:
            self._question.props["aria-label"] = f"Remove {entry.label}?"
            lost = "what has arrived so far would be lost"
            again = "you would have to download it again" if entry.on_disk_bytes else lost
            text(f"Delete {size(n_bytes)} from this computer? Other programs may use it, and {again}.", tag="p")
            with ui.element("div").classes("model-buttons"):
                keep = button("Keep", self._keep)
                button(f"Delete {size(n_bytes)}", self._delete, kind="danger", icon_name="trash")
        self._remove.set_visibility(False)
        _focus(keep)

    def _keep(self) -> None:
        self._answered()
        self.refresh()
        _focus(self._remove)

    def _delete(self) -> None:
        self._answered()
        _focus(self.element)
        self._downloads.remove(self._entry.name)

    def _answered(self) -> None:
        if self._question is not None:
            self._question.delete()
            self._question = None

    def _toggle_steps(self) -> None:
        opened = self._steps is None
        if opened:
            with self._place:
                self._steps = AccessSteps(self._entry, self._account, on_download=self._start)
            self.refresh()
        elif self._steps is not None:
            self._steps.element.delete()
            self._steps = None
        for opener in (self._access, self._action):
            opener.props(f"aria-expanded={'true' if opened else 'false'}")

    # what is shown

    def _show_action(self, removing: bool) -> None:
        words, tip = action_of(self._entry, self._downloads.of(self._entry.name), has_token=self._has_token)
        self._action.set_visibility(bool(words) and not removing)
        if not words or words == self._action.text:
            return
        self._action.classes(remove="i " + " ".join(f"i-{name}" for name in ACTION_ICONS.values()))
        if icon_name := ACTION_ICONS.get(words):
            self._action.classes(add=f"i i-{icon_name}")
        if words != "Get access":
            self._action.props(remove="aria-expanded")
        self._action.set_text(words)
        self._action.props["aria-label"] = f"{words}: {self._entry.label}"
        tipped(self._action, tip)

    def _show_checked(self) -> None:
        checking, checked = self._downloads.checking(self._entry.name), self._downloads.checked(self._entry.name)
        self._check.set_text("Checking…" if checking else "Check")
        self._check.props("aria-disabled=true") if checking else self._check.props(remove="aria-disabled")
        words = "" if checked is None else check_of(checked)
        if words and words != self._checked.text:
            self._say(f"{self._entry.label}: {words}")
        self._checked.set_text(words)
        self._checked.set_visibility(bool(words))

    def _show_progress(self) -> float:
        progress = progress_of(self._entry, self._downloads.of(self._entry.name))
        self._progress.set_visibility(progress is not None)
        if progress is None:
            return 0.0
        if self._bar is None:
            with self._progress:
                self._bar = ProgressBar(f"Download of {self._entry.label}")
                self._words = text("", "mute small num", tag="p")
        self._bar.show(*progress)
        self._words.set_text(progress[1])
        return progress[0]

    def _show_error(self, error: PlaygroundError | None) -> None:
        if error is self._error:
            return
        self._error = error
        self._trouble.clear()
        if error is not None:
            download = self._downloads.of(self._entry.name)
            with self._trouble:
                error_card(error_of(self._entry, error))
                if download is not None and download.changed:
                    take = partial(self._take_changed, download.changed)
                    button("Take the new revision", take, tip="Only if you trust whoever publishes it")

    def _announce(self, words: str, fraction: float | None) -> None:
        """Say each new state, and the progress a few times; the card of an error announces itself."""
        if words != self._announced:
            if self._announced and words != "Failed":
                self._say(f"{self._entry.label}: {words.lower()}")
            self._announced, self._said_fraction = words, fraction or 0.0
        elif fraction is not None:
            reached = max((step for step in _SAID_AT if step <= fraction), default=0.0)
            if reached > self._said_fraction:
                self._said_fraction = reached
                self._say(f"{self._entry.label}: {reached:.0%} is here")


def _focus(element: ui.element) -> None:
    # Not `ui.run_javascript`: the button that was pressed may be gone by now.
    element.client.run_javascript(f"setTimeout(() => getHtmlElement({element.id})?.focus(), 50)")

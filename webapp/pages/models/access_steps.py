"""The four steps to a gated model: ask for access, make a token, keep it here, download."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nicegui import ui
from starlette.datastructures import URL

from separation.errors import Action, PlaygroundError
from separation.hub import account as hub_account
from separation.hub import token as hub_token
from separation.hub.token import Origin
from separation.model import PublishedModel
from webapp.access.rules import is_loopback
from webapp.components.copying.copy_button import CopyButton
from webapp.state.hub_account import HubAccount
from webapp.theme import button, error_card, text, tipped

# The server does not hold the field's content as part of the page: what is typed is sent once, when it is to be kept.
_SEND = """(event) => {
    const field = event.currentTarget.closest(".token-form").querySelector("input");
    const token = field.value;
    field.value = "";
    emit(token);
}"""


class AccessSteps:
    """The steps that a person takes once to get a gated model.

    Args:
        entry: the model.
        account: the hub account of this server.
        on_download: called when a person takes the last step.
    """

    def __init__(self, entry: PublishedModel, account: HubAccount, *, on_download: Callable[[], object]) -> None:
        with ui.element("ol").classes("steps").props("role=list") as self.element:
            self.element.props["aria-label"] = f"Steps to get {entry.label}"
            with _step("Ask for access"):
                text("Sign in, open this page and accept the licence. The answer comes by mail, often within a day.")
                _address(hub_account.page(entry.repository))
            with _step("Make a token"):
                text("On this page create a new token of the type “Read”, and copy it.")
                _address(hub_account.page("settings/tokens"))
            with _step("Keep it here"):
                self._token = TokenBox(account)
            with _step("Download"):
                self._words = text("")
                self._download = button("Download", on_download, icon_name="download")
                self._download.props["aria-label"] = f"Download {entry.label} now"

    def show(self, *, has_token: bool, on_its_way: bool) -> None:
        """Redraw the steps."""
        self._token.show()
        ready = has_token and not on_its_way
        words = "If access was granted, it can be fetched now." if ready else "Once a token is here, it can be fetched."
        self._words.set_text("It is on its way." if on_its_way else words)
        self._download.props(remove="disabled") if ready else self._download.props("disabled")


class TokenBox:
    """Says whether this computer has a token, and lets a person keep, replace or delete it. It is never shown.

    Args:
        account: the hub account of this server.
    """

    def __init__(self, account: HubAccount) -> None:
        self._account = account
        request = ui.context.client.request
        self._is_private = request is not None and is_private(request.url)
        self._replacing = False
        self._words = text("")
        with ui.element("div").classes("token-form") as self._form:
            self._field = ui.element("input").props(
                'type=password autocomplete=off spellcheck=false placeholder="hf_…"'
            )
            self._field.props["aria-label"] = "Token of the Hugging Face hub"
            self._field.on("keydown.enter", self._keep, js_handler=_SEND)
            tip = "Writes it into a file that only this account of this computer can read; it is not shown again"
            tipped(button("Keep").on("click", self._keep, js_handler=_SEND), tip)
        with ui.element("div").classes("token-form") as self._kept:
            button("Replace", self._replace, tip="Keeps another token instead")
            button("Forget", self._forget, kind="danger", tip="Deletes the token from this computer")
        self._command = CopyButton(
            "Copy the command",
            Action.sign_in().commands[0],
            tip="In a terminal of that computer it asks for the token and keeps it",
        )
        self._trouble = ui.element("div")

    def show(self) -> None:
        """Redraw the box for the present state of the token."""
        origin = self._account.origin
        self._words.set_text(_origin_text(origin, self._is_private))
        editable = self._is_private and origin is not Origin.ENVIRONMENT
        self._form.set_visibility(editable and (origin is None or self._replacing))
        self._command.set_visibility(not self._is_private and origin is not Origin.ENVIRONMENT)
        self._kept.set_visibility(editable and origin is not None and not self._replacing)

    def _keep(self, event: object) -> None:
        token = getattr(event, "args", None)
        self._do(lambda: self._account.keep(token if isinstance(token, str) else ""))

    def _replace(self) -> None:
        self._replacing = True
        self.show()
        ui.run_javascript(f"setTimeout(() => getHtmlElement({self._field.id})?.focus(), 50)")

    def _forget(self) -> None:
        self._do(self._account.forget)

    def _do(self, action: Callable[[], None]) -> None:
        self._trouble.clear()
        try:
            action()
        except PlaygroundError as error:
            with self._trouble:
                error_card(error)
        else:
            self._replacing = False
        self.show()


def _origin_text(origin: Origin | None, is_private: bool) -> str:
    if origin is Origin.ENVIRONMENT:
        return "A token is stored: in HF_TOKEN of the environment this server was started in, where it can be changed."
    if not is_private:
        stored = "A token is stored. " if origin else ""
        return (
            f"{stored}This page came over a connection that others on the network can read, so no token is taken here. "
            "Open it on the computer that runs this server, or with https; or run a command in its terminal."
        )
    if origin is Origin.FILE:
        return f"A token is stored, in {hub_token.path()}."
    return f"Paste it. It goes into {hub_token.path()}, where other programs for the hub look too."


def is_private(url: URL) -> bool:
    """Return whether a page opened at `url` sends its data encrypted, or only within this computer."""
    return url.scheme == "https" or is_loopback(url.hostname or "")


@contextmanager
def _step(title: str) -> Iterator[None]:
    with ui.element("li"):
        text(title, "step-title", tag="b")
        yield


def _address(url: str) -> None:
    """Place a link whose text is its address, so that it can be copied to another computer."""
    text(url, "address", tag="a").props(f'href={url} target=_blank rel="noopener noreferrer"')

"""The draft of each recording's next request, one for the hosts and one for each guest, written to disk at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Self

from nicegui import Event as PageEvent

from separation.backends import registry
from separation.errors import PlaygroundError, SettingsError
from separation.request import Anchor, Prompt, Request
from storage.records import DraftTable
from webapp.access.roles import HOST
from webapp.access.sessions import Session

MAX_PROMPTS = 50
PLACEHOLDER = (Prompt(text="drums"),)  # a request needs a prompt; a draft need not have one yet
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that is being put together, immutable: prompts, and settings whose own `prompts` are ignored."""

    prompts: tuple[Prompt, ...] = ()
    settings: Request = field(default_factory=lambda: Request(prompts=PLACEHOLDER))

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return the draft of a whole request, such as a recipe."""
        return cls(request.prompts, replace(request, prompts=PLACEHOLDER))

    @property
    def texts(self) -> list[str]:
        """The texts of the prompts, in their order."""
        return [prompt.text for prompt in self.prompts]

    @property
    def request(self) -> Request:
        """Return the request: the settings with the draft's prompts.

        Raises:
            SettingsError: there is no prompt yet.
        """
        return replace(self.settings, prompts=self.prompts)

    @property
    def asked(self) -> Request:
        """Return the request with a stand-in if there is no prompt, to see the effect of the settings."""
        return replace(self.settings, prompts=self.prompts or PLACEHOLDER)

    def with_prompts(self, *texts: str) -> Draft:
        """Return the draft with these prompts, without duplicates; those it already had keep their spans.

        Raises:
            SettingsError: a prompt is too long.
        """
        known = {_name(prompt.text): prompt for prompt in self.prompts}
        wanted: dict[str, Prompt] = {}
        for text in texts:
            if (name := _name(text)) and name not in wanted:
                wanted[name] = known.get(name) or Prompt(text=text.strip())
        return replace(self, prompts=tuple(wanted.values()))

    def with_anchors(self, text: str, anchors: Sequence[Anchor]) -> Draft:
        """Return the draft with other spans for a prompt; unchanged if it no longer has that prompt."""
        return replace(
            self,
            prompts=tuple(
                replace(prompt, anchors=tuple(anchors)) if prompt.text == text else prompt for prompt in self.prompts
            ),
        )

    def with_changed_anchors(
        self, removed: Mapping[str, Sequence[Anchor]], added: Mapping[str, Sequence[Anchor]]
    ) -> Draft:
        """Return the draft without some spans and with others, sorted so that the one that starts last counts.

        Spans to remove that are not there any more are passed over, and so are prompts.

        Args:
            removed: spans to remove, by the prompt's text.
            added: spans to add, by the prompt's text.
        """
        draft = self
        for prompt in self.prompts:
            gone, new, left = removed.get(prompt.text, ()), added.get(prompt.text, ()), list(prompt.anchors)
            for anchor in gone:
                if anchor in left:
                    left.remove(anchor)
            if gone or new:
                anchors = sorted([*left, *new], key=lambda anchor: (anchor.start_s, -anchor.stop_s))
                draft = draft.with_anchors(prompt.text, anchors)
        return draft

    def to_dict(self) -> dict[str, Any]:
        """Return the draft as plain values; see `Request.to_dict`."""
        prompts = self.asked.to_dict()["prompts"] if self.prompts else []
        return {"prompts": prompts, "settings": self.settings.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the draft that `to_dict` described.

        Raises:
            SettingsError: the values are not a draft of this version.
        """
        settings = Request.from_dict(values["settings"])
        prompts = values["prompts"]
        return cls(Request.from_dict({"prompts": prompts}).prompts if prompts else (), settings)


def at_most(texts: Sequence[str]) -> Sequence[str]:
    """Return the prompts that a person asks for; raise `SettingsError` for more than `MAX_PROMPTS`."""
    if len(texts) > MAX_PROMPTS:
        what = f"{len(texts)} sounds are more than a request takes."
        raise SettingsError(what, "Each takes time and memory.", f"Ask for at most {MAX_PROMPTS}.")
    return texts


def _name(text: str) -> str:
    """Return the name of a prompt, which is unique within a request."""
    return text.strip().casefold()


class Drafts:
    """The drafts of all recordings on this server; use it on the event loop only.

    Args:
        book: keeps them.
        separator: returns who separates in a new draft, as requests name it.

    Attributes:
        changed: is emitted with the key of a recording when its draft has changed.
    """

    def __init__(self, book: DraftTable, separator: Callable[[], str] = lambda: registry.AUTO) -> None:
        self.changed: PageEvent[str] = PageEvent()
        self._book, self._separator, self._person = book, separator, HOST
        self._known: dict[tuple[str, str], Draft] = {}  # by recording and person
        self._unreadable: dict[tuple[str, str], str] = {}

    def seen_by(self, visitor: Session) -> Drafts:
        """Return the drafts of a visitor: hosts share theirs, and each guest has drafts of their own."""
        drafts = copy(self)
        (drafts._person,) = visitor.people
        return drafts

    def new(self) -> Draft:
        """Return an empty draft, with the separator that was chosen for such."""
        return Draft(settings=Request(prompts=PLACEHOLDER, backend=self._separator()))

    def of(self, recording: str) -> Draft | None:
        """Return the draft of a recording, or None."""
        own = (recording, self._person)
        if own not in self._known and (values := self._book.read(*own)) is not None:
            try:
                self._known[own] = Draft.from_dict(values)
            except (PlaygroundError, KeyError, TypeError) as error:
                log.warning("the draft of %s is passed over: %s", recording, error)
                self._unreadable[own] = error.message if isinstance(error, PlaygroundError) else "It is not whole."
        return self._known.get(own)

    def unreadable(self, recording: str) -> str:
        """Return why what is stored of a recording's draft cannot be read; "" if it can, or nothing is."""
        return "" if self.of(recording) is not None else self._unreadable.get((recording, self._person), "")

    def reset(self, recording: str) -> None:
        """Replace the draft of a recording by an empty one.

        Raises:
            StorageError: it cannot be written down.
        """
        self._keep(recording, self.new())

    def change(self, recording: str, edit: Callable[[Draft], Draft]) -> Draft:
        """Apply a change to the current draft of a recording, including other pages' edits; returns the new one.

        Raises:
            StorageError: the draft cannot be stored; pages have it all the same.
        """
        before = self.of(recording)
        draft = edit(before or self.new())
        if draft != before:
            self._keep(recording, draft)
        return draft

    def _keep(self, recording: str, draft: Draft) -> None:
        self._known[recording, self._person] = draft
        self.changed.emit(recording)
        self._book.write(recording, draft.to_dict(), self._person)

    def keep_only(self, recordings: Collection[str]) -> None:
        """Delete the drafts of all recordings but these, whose keys are given: those that are here or in the trash.

        Raises:
            StorageError: the drafts cannot be read or written.
        """
        self._book.keep_only(recordings)
        for own in [own for own in self._known if own[0] not in recordings]:
            del self._known[own]

"""The foot of a page: play, time, loop, level."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from nicegui import ui

from webapp.components.player import PLAYER_MODULE
from webapp.components.sent import arguments_to


class Loop(TypedDict):
    """The passage that is repeated; None stands for the start or the end of the recording."""

    on: bool
    start_s: float | None
    end_s: float | None


class Transport(ui.element, component="transport.js", esm=PLAYER_MODULE):
    """The transport, which plays the tracks that the page shows; everything time-critical happens in the browser.

    It reacts to keys wherever no text is being typed: Space, K or P plays and pauses, arrows go a second back and on, J
    and L five, Home goes to the start, < and > play slower and faster, and while O is held the recording is heard.
    [ and ] let the loop begin and end at the playhead, R turns it on and off, Escape removes its passage.

    Args:
        on_play: called once when playback starts, with the position in seconds.
        on_pause: called once when it stops, with the position in seconds.
        on_seek: called once per jump, by a person or by the program, with the new position in seconds.
        on_loop: called with the loop when a person changes it.
        on_position: called four times a second while playing, with the position in seconds.
    """

    def __init__(
        self,
        *,
        on_play: Callable[[float], object] | None = None,
        on_pause: Callable[[float], object] | None = None,
        on_seek: Callable[[float], object] | None = None,
        on_loop: Callable[[Loop], object] | None = None,
        on_position: Callable[[float], object] | None = None,
    ) -> None:
        super().__init__()
        for name, handler in (("play", on_play), ("pause", on_pause), ("seek", on_seek)):
            if handler is not None:
                self.on(name, arguments_to(handler, float))
        if on_loop is not None:
            self.on("loop", arguments_to(on_loop, Loop))
        if on_position is not None:
            self._props["report-position"] = True
            self.on("position", arguments_to(on_position, float))

    def play(self) -> None:
        """Start playback; browsers allow it only after the person has touched the page once."""
        self.run_method("play")

    def pause(self) -> None:
        """Pause at the current position."""
        self.run_method("pause")

    def seek(self, position_s: float) -> None:
        """Jump to a position in seconds, while playing or paused."""
        self.run_method("seek", position_s)

    def play_loop(self, start_s: float, stop_s: float) -> None:
        """Play a passage in seconds again and again."""
        self.set_loop(start_s, stop_s)
        self.seek(start_s)
        self.play()

    def set_loop(self, start_s: float | None = None, end_s: float | None = None, *, on: bool = True) -> None:
        """Turn the loop on or off, over a passage in seconds or, where None, from the start or to the end."""
        self.run_method("setLoop", on, start_s, end_s)

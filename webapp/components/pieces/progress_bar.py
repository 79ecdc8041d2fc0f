"""A progress bar for work that is not divided into chunks."""

from __future__ import annotations

from nicegui import ui


class ProgressBar(ui.element):
    """A bar of how much is done; it does not interrupt screen readers, which read it when they reach it.

    Args:
        label: names what is in progress, for screen readers.
    """

    def __init__(self, label: str) -> None:
        super().__init__()
        self.classes("bar").props("role=progressbar aria-valuemin=0 aria-valuemax=100")
        self.props["aria-label"] = label
        self._shown: tuple[str, str] | None = None
        with self:
            ui.element("i")

    def show(self, fraction: float, words: str) -> None:
        """Draw a fraction from 0 to 1; screen readers get `words`."""
        percent = f"{100 * min(1.0, max(0.0, fraction)):.1f}"
        if (percent, words) != self._shown:
            self._shown = (percent, words)
            self.style(f"--done: {percent}%").props(f"aria-valuenow={percent}")
            self.props["aria-valuetext"] = words

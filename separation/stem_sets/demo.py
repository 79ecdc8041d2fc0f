"""The demo song as a recording with its true stems."""

from __future__ import annotations

from separation.audio.files import private
from separation.errors import AudioError
from separation.results.kept import Recording
from separation.results.known_stems import with_known_stems
from separation.results.runs import import_recording
from separation.results.store import Store

NAME = "Demo song"


def import_demo(store: Store) -> Recording:
    """Keep the demo with its true stems; it is found again if it is kept already.

    Raises:
        AudioError: a file of it is damaged or gone.
    """
    from assets.demo_recording import DamagedDemo, write_demo_mixture

    with store.scratch() as folder:
        path = private(folder / "demo.flac")
        try:
            demo = write_demo_mixture(path)
        except DamagedDemo as damage:
            todo = "Install the program again, or bring a recording of your own."
            raise AudioError("The demo song cannot be read.", str(damage), todo) from damage
        recording = import_recording(path, store, name=NAME)
        item = None if len(recording.known_stems) == len(demo.stems) else store.get(recording.key)
        return recording if item is None else with_known_stems(item, demo.stems, store, sample_rate=demo.sample_rate)

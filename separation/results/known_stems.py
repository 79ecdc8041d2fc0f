"""Known stems: the true sounds that a recording was mixed from, kept with it, to be heard beside what was separated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from separation.audio.files import copied
from separation.errors import SettingsError
from separation.formatted import clock
from separation.results.kept import STEM, Recording, recording_of, stem_files
from separation.results.store import NewItem, Store, StoredItem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def with_known_stems(
    item: StoredItem, stems: Mapping[str, NDArray[np.float32]], store: Store, *, sample_rate: int
) -> Recording:
    """Keep the true stems of a recording with it; they go when it goes. Those that it had are replaced.

    Args:
        item: the kept recording.
        stems: samples by name, each of shape (channels, samples), as many as the recording has.
        store: keeps both.
        sample_rate: of the stems, Hz.

    Raises:
        SettingsError: the stems are not as long as the recording, or of another rate.
        DamagedItem: it is no recording.
        StorageError: there is no room.
    """
    import numpy as np

    from separation.audio.encode import FloatWavWriter
    from separation.audio.peaks import PeaksWriter

    recording = recording_of(item)
    n_samples = {samples.shape[1] for samples in stems.values()}
    if sample_rate != recording.sample_rate or n_samples != {recording.n_samples}:
        lengths = ", ".join(sorted(clock(n / sample_rate, 3) for n in n_samples))
        raise SettingsError(
            f"These are not the stems of “{recording.name}”.",
            f"They are {lengths} long at {sample_rate} Hz, it is {clock(recording.duration_s, 3)} long at "
            f"{recording.sample_rate} Hz.",
            "Choose the stems that it was mixed from.",
        )
    with store.scratch() as folder:
        files = {name: copied(path, folder / name) for name, path in item.files.items() if not name.startswith(STEM)}
        for index, samples in enumerate(stems.values()):
            audio, peaks = stem_files(index)
            writer = FloatWavWriter(folder / audio, recording.n_channels, sample_rate)
            heard = np.ascontiguousarray(np.broadcast_to(samples, (recording.n_channels, recording.n_samples)))
            writer.write(heard.astype(np.float32))
            writer.close()
            with PeaksWriter(folder / peaks) as drawn:
                drawn.write(heard)
            files |= {audio: folder / audio, peaks: folder / peaks}
        manifest = item.manifest
        new = NewItem(
            kind=manifest.kind,
            name=manifest.name,
            files=files,
            command=manifest.command,
            inputs=manifest.inputs,
            config=manifest.config,
            info={**manifest.info, "known_stems": list(stems)},
        )
        return recording_of(store.put(item.key, new))

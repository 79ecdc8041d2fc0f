"""Known stems: the true sounds that a recording was mixed from, kept with it, to be heard beside what was separated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from separation.audio.files import copied, private
from separation.errors import SettingsError
from separation.formatted import clock
from separation.results.kept import STEM, Recording, known_stems_info, recording_of, stem_files
from separation.results.store import NewItem, Store, StoredItem

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

MADE_FROM = "known stems"  # the name of that input of a recording


def with_known_stems(
    item: StoredItem,
    stems: Mapping[str, NDArray[np.float32] | Iterable[NDArray[np.float32]]],
    store: Store,
    *,
    sample_rate: int,
    warnings: Sequence[str] = (),
    made_from: str = "",
    command: str = "",
) -> Recording:
    """Keep the true stems of a recording with it; they go when it goes. Those that it had are replaced.

    Args:
        item: the kept recording.
        stems: samples by name, each of shape (channels, samples), as long as the recording; or blocks of such samples,
            which are read once, one stem after the other.
        store: keeps both.
        sample_rate: of the stems, Hz.
        warnings: for the user, one sentence each; read when all stems have been.
        made_from: SHA-256 of what the stems were made from, for `has_known_stems`; "" if that is not known.
        command: what makes the recording with its stems; that of the recording alone by default.

    Raises:
        SettingsError: the stems are not as long as the recording, or of another rate.
        DamagedItem: it is no recording.
        StorageError: there is no room.
    """
    import numpy as np

    recording = recording_of(item)
    with store.scratch() as folder:
        files = {name: copied(path, folder / name) for name, path in item.files.items() if not name.startswith(STEM)}
        for index, samples in enumerate(stems.values()):
            audio, peaks = (folder / name for name in stem_files(index))
            blocks = [samples] if isinstance(samples, np.ndarray) else samples
            n_samples = _write(blocks, audio, peaks, recording.n_channels, sample_rate)
            if sample_rate != recording.sample_rate or n_samples != recording.n_samples:
                raise _other_stems(recording, n_samples, sample_rate)
            files |= {audio.name: audio, peaks.name: peaks}
        manifest = item.manifest
        new = NewItem(
            kind=manifest.kind,
            name=manifest.name,
            files=files,
            command=command or manifest.command,
            inputs={**manifest.inputs, MADE_FROM: made_from},
            config=manifest.config,
            info={**manifest.info, **known_stems_info(list(stems), warnings)},
        )
        return recording_of(store.put(item.key, new))


def has_known_stems(item: StoredItem, names: Sequence[str], made_from: str) -> bool:
    """Whether the recording has all stems of these names, made from this."""
    kept = [stem.name for stem in recording_of(item).known_stems]
    return kept == list(names) and item.manifest.inputs.get(MADE_FROM) == made_from


def _write(blocks: Iterable[NDArray[np.float32]], audio: Path, peaks: Path, n_channels: int, sample_rate: int) -> int:
    """Write the samples of a stem and their peaks; return how many there were."""
    import numpy as np

    from separation.audio.encode import FloatWavWriter
    from separation.audio.peaks import PeaksWriter

    with FloatWavWriter(private(audio), n_channels, sample_rate) as writer, PeaksWriter(private(peaks)) as drawn:
        for block in blocks:
            heard = np.ascontiguousarray(np.broadcast_to(block, (n_channels, block.shape[1])), np.float32)
            writer.write(heard)
            drawn.write(heard)
        return writer.n_samples


def _other_stems(recording: Recording, n_samples: int, sample_rate: int) -> SettingsError:
    return SettingsError(
        f"These are not the stems of “{recording.name}”.",
        f"They are {clock(n_samples / sample_rate, 3)} long at {sample_rate} Hz, it is "
        f"{clock(recording.duration_s, 3)} long at {recording.sample_rate} Hz.",
        "Choose the stems that it was mixed from.",
    )

"""Reading files: every odd file gives its stated result; blocks, slices and the whole agree; memory stays small."""

import io
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from separation.audio.convert import convert
from separation.audio.decode import AudioFile, decode, decode_blocks, probe
from separation.audio.decoding.reader import BoundedFile, system_message
from separation.audio.encode import FloatWavWriter
from separation.errors import AudioError, FileError
from tests.support.odd_files import ODD_FILES, RATE, muxed, stored, table, tone

DOC = Path(__file__).parents[3] / "docs" / "odd-files.md"
# What only `convert` says: it changes the rate and the channels, `decode` does not.
ONLY_CONVERTED = ("48000 Hz", "mixed down")


def by_name(odd):
    return odd.name[:30].strip()


@pytest.mark.parametrize("odd", ODD_FILES, ids=by_name)
@pytest.mark.parametrize("reading", ["decode", "convert"])
def test_an_odd_file_gives_its_stated_result(odd, reading, tmp_path):
    path, out_path = odd.make(tmp_path), tmp_path / "converted"
    if odd.outcome == "error":
        with pytest.raises(AudioError, match=odd.words) as caught:
            decode(path) if reading == "decode" else convert(path, out_path)
        assert all((caught.value.what, caught.value.why, caught.value.todo))
        assert not out_path.exists()
        return
    if reading == "decode":
        decoded = decode(path)
        samples, warnings = decoded.waveform.samples, " ".join(decoded.warnings)
    else:
        warnings = " ".join(convert(path, out_path).warnings)
        samples = AudioFile(out_path).read(0, AudioFile(out_path).n_samples)
    assert samples.shape[1] > 0
    assert samples.any() or "silent" in warnings
    if odd.outcome == "warning" and not (reading == "decode" and odd.words in ONLY_CONVERTED):
        assert odd.words in warnings
    else:
        assert warnings == ""


# Probing reads the beginning only, so it cannot know of samples that are not numbers.
NOT_AUDIO = [odd for odd in ODD_FILES if odd.outcome == "error" and odd.words not in ("not a number", "infinite")]


@pytest.mark.parametrize("odd", NOT_AUDIO, ids=by_name)
def test_probing_agrees_that_a_file_is_not_audio(odd, tmp_path):
    with pytest.raises(AudioError, match=odd.words):
        probe(odd.make(tmp_path))


def test_there_are_enough_odd_files_and_their_names_differ():
    assert len({odd.name for odd in ODD_FILES}) == len(ODD_FILES) >= 60


def test_the_table_of_odd_files_is_current():
    assert table() in DOC.read_text()


@pytest.mark.parametrize(
    "name, delay, likeness",
    [("24 bit.wav", 0, 0.999999), ("8 bit.wav", 0, 0.999), ("a-law.wav", 0, 0.999), ("adpcm.wav", 0, 0.999),
     ("really flac.mp3", 0, 0.999999), ("cover.mp3", 0, 0.999), ("plain.opus", 0, 0.99), ("plain.m4a", 0, 0.99),
     ("film.mp4", 0, 0.99), ("lossless.mov", 0, 0.999999), ("plain.webm", 0, 0.99), ("two tracks.mkv", 0, 0.99),
     # these store the encoder's delay, or lose its first block, and do not say how long it is
     ("junk first.mp3", None, 0.99), ("plain.wma", None, 0.97), ("film.mkv", None, 0.99), ("plain.aac", None, 0.99)],
)  # fmt: skip
def test_every_decoder_gives_the_sound_that_was_stored(name, delay, likeness, tmp_path):
    odd = next(odd for odd in ODD_FILES if odd.name == name)
    waveform = decode(odd.make(tmp_path)).waveform
    n = 2**17  # beyond the sum of both lengths, so that the correlation does not wrap around
    spectra = [np.fft.rfft(samples, n) for samples in (waveform.samples, tone().T)]
    lag = int(np.fft.irfft((spectra[0] * spectra[1].conj()).sum(axis=0), n).argmax())
    lag -= n if lag > n // 2 else 0
    if delay is None:
        assert abs(lag) <= 2_300
    else:
        assert lag == delay
    inner = slice(3_000, 40_000)
    correlation = np.corrcoef(waveform.read(lag, lag + RATE)[:, inner].ravel(), tone().T[:, inner].ravel())[0, 1]
    assert correlation > likeness


def test_damage_in_the_middle_of_a_flac_costs_only_the_damaged_part(tmp_path):
    odd = next(odd for odd in ODD_FILES if odd.name == "damaged.flac")
    samples = decode(odd.make(tmp_path)).waveform.samples
    np.testing.assert_allclose(samples[:, :12_000], tone()[:12_000].T, atol=1e-4)
    np.testing.assert_allclose(samples[:, -12_000:], tone()[-12_000:].T, atol=1e-4)


@pytest.mark.parametrize("container, subtype", [("OGG", "VORBIS"), ("FLAC", "PCM_16"), ("WAV", "PCM_16")])
def test_surround_channels_arrive_in_the_order_of_wav(container, subtype, tmp_path):
    # Channel n carries a tone of 30 * (n + 1) Hz, low enough for the LFE.
    # Vorbis stores L C R Ls Rs LFE (Vorbis I specification, 4.3.9).
    stored_order = [0, 2, 1, 4, 5, 3] if container == "OGG" else range(6)
    t = np.arange(RATE) / RATE
    tones = np.array([0.1 * np.sin(2 * np.pi * 30 * (n + 1) * t) for n in range(6)])
    path = tmp_path / "surround"
    path.write_bytes(stored(container, subtype, tones[list(stored_order)].T))
    spectra = np.abs(np.fft.rfft(decode(path).waveform.samples[:, :RATE]))
    np.testing.assert_array_equal(spectra.argmax(axis=1), 30 * np.arange(1, 7))


@pytest.mark.parametrize("data", [stored("FLAC", samples=tone(50_021)), muxed("ipod", "aac")], ids=["flac", "m4a"])
@pytest.mark.parametrize("block_samples", [1, 1_000, 65_536])
def test_blocks_joined_are_the_whole_file(data, block_samples, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(data)
    with decode_blocks(path, block_samples) as blocks:
        joined = np.concatenate([*blocks], axis=1)
    np.testing.assert_array_equal(joined, decode(path).waveform.samples)


def test_slices_of_a_converted_file_are_slices_of_the_whole(tmp_path):
    (tmp_path / "file.flac").write_bytes(stored("FLAC", samples=tone(30_011)))
    conversion = convert(tmp_path / "file.flac", tmp_path / "out.wav")
    whole = decode(tmp_path / "file.flac").waveform
    assert (conversion.n_samples, conversion.sample_rate, conversion.n_channels) == (30_011, RATE, 2)
    with AudioFile(tmp_path / "out.wav") as source:
        assert (source.n_samples, source.sample_rate, source.n_channels) == (30_011, RATE, 2)
        for start, stop in ((0, 30_011), (-10, 10), (29_000, 31_000), (12_345, 12_346), (-9, -3), (40_000, 40_004)):
            np.testing.assert_array_equal(source.read(start, stop), whole.read(start, stop))


def test_an_audio_file_that_is_not_there_is_one_error(tmp_path):
    with pytest.raises(AudioError, match="cannot be opened"):
        AudioFile(tmp_path / "missing.wav")


def test_probe_says_what_the_header_says(tmp_path):
    (tmp_path / "a").write_bytes(stored("WAV", "PCM_24", tone(1_000, 3)))
    info = probe(tmp_path / "a")
    assert (info.format, info.codec, info.decoder) == ("WAV", "PCM_24", "soundfile")
    assert (info.sample_rate, info.n_channels, info.n_samples) == (RATE, 3, 1_000)
    (tmp_path / "b").write_bytes(muxed("mp4", "video", "aac"))
    info = probe(tmp_path / "b")
    assert (info.codec, info.decoder, info.n_channels) == ("aac", "pyav", 2)
    assert info.duration_s == pytest.approx(1, abs=0.05)
    (tmp_path / "c").write_bytes(muxed("adts", "aac"))
    assert (probe(tmp_path / "c").n_samples, probe(tmp_path / "c").duration_s) == (None, None)


@pytest.mark.parametrize("data", [stored("WAV"), muxed("adts", "aac")], ids=["stated", "found out"])
def test_a_recording_over_the_limit_is_refused_and_leaves_nothing(data, tmp_path):
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(AudioError, match="too long"):
        convert(tmp_path / "file", tmp_path / "out.wav", max_duration_s=0.5)
    assert not (tmp_path / "out.wav").exists()
    assert convert(tmp_path / "file", tmp_path / "out.wav", max_duration_s=1.2).n_samples >= RATE


@pytest.mark.parametrize(
    ("rate", "kept"), [(384_000, 48_000), (192_001, 48_000), (1_000, 8_000), (7_999, 8_000), (8_000, 8_000)]
)
def test_a_rate_at_which_no_browser_plays_is_brought_to_one_that_is_played(tmp_path, rate, kept):
    t = np.arange(2 * rate) / rate
    (tmp_path / "file").write_bytes(stored("WAV", "FLOAT", np.sin(2 * np.pi * 200 * t)[:, None], rate))
    conversion = convert(tmp_path / "file", tmp_path / "out.wav")
    assert conversion.sample_rate == kept
    assert list(conversion.warnings) == [f"The recording was brought from {rate} Hz to {kept} Hz."] * (rate != kept)
    middle = slice(kept // 4, 2 * kept - kept // 4)
    expected = np.sin(2 * np.pi * 200 * np.arange(2 * kept) / kept)[middle]
    read = AudioFile(tmp_path / "out.wav").read(middle.start, middle.stop)[0]
    np.testing.assert_allclose(read, expected, atol=1e-3)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_conversion_leaves_nothing(failure, tmp_path, monkeypatch):
    source, folder = tmp_path / "file.wav", tmp_path / "out"
    source.write_bytes(stored("WAV", samples=tone(200_000)))
    folder.mkdir()

    def fail(writer, block):
        raise failure

    monkeypatch.setattr(FloatWavWriter, "write", fail)
    with pytest.raises((KeyboardInterrupt, FileError)):
        convert(source, folder / "out.wav")
    assert not any(folder.iterdir())


def test_a_file_without_permission_is_one_error(tmp_path, monkeypatch):
    (tmp_path / "file.wav").write_bytes(stored("WAV"))

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # an administrator could read it whatever its mode
    with pytest.raises(AudioError, match="may not read it"):
        decode(tmp_path / "file.wav")


@pytest.mark.parametrize("name", ["a\0b.wav", "n" * 5_000])
def test_a_name_no_file_can_have_is_one_error(name, tmp_path):
    with pytest.raises(AudioError, match="cannot be opened"):
        decode(tmp_path / name)


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioError, match="pipe"):
        decode(tmp_path / "pipe.wav")


def test_a_disk_that_fails_while_reading_is_an_error_not_a_short_recording(tmp_path, monkeypatch):
    class FailingFile(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 100_000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    path, data = tmp_path / "file.wav", stored("WAV")
    path.write_bytes(data)
    monkeypatch.setattr(Path, "open", lambda *args: FailingFile(data))
    with pytest.raises(AudioError, match="Input/output error"):
        decode(path)


def test_a_decoder_that_reads_for_ever_comes_to_an_end():
    file = BoundedFile(io.BytesIO(bytes(1_000_000)))
    n_reads = 0
    while file.read(1_000_000):
        file.seek(0)
        n_reads += 1
    assert 64 <= n_reads < 200
    assert "over and over" in file.trouble


def test_a_playlist_cannot_make_us_read_another_file(tmp_path):
    (tmp_path / "plain.wav").write_bytes(stored("WAV"))
    script = next(odd for odd in ODD_FILES if odd.name == "concat.ffconcat").make(tmp_path)
    with av.open(str(script)) as followed:  # FFmpeg by itself follows it
        assert followed.streams.audio
    with pytest.raises(AudioError, match="text"):
        decode(script)


@pytest.mark.parametrize("container, subtype", [("MP3", None), ("OGG", "VORBIS"), ("FLAC", "PCM_16")])
def test_reading_by_blocks_is_as_exact_as_reading_at_once(container, subtype, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(stored(container, subtype, tone(5 * RATE)))
    at_once, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(decode(path).waveform.samples, at_once.T, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_random_damage_gives_audio_or_one_audio_error(seed, tmp_path):
    rng = np.random.default_rng(seed)
    short = tone(4_000)
    originals = [stored(kind, samples=short) for kind in ("WAV", "FLAC", "MP3", "OGG", "AIFF", "CAF", "W64", "AU")]
    originals += [muxed("mp4", "video", "aac", samples=short), muxed("matroska", "ac3", samples=short)]
    for data in originals:
        for where in (200, len(data)):  # the header is where damage is worst
            broken = np.frombuffer(data, np.uint8).copy()
            places = rng.integers(0, min(where, len(data)), 12)
            broken[places] = rng.integers(0, 256, 12)
            path = tmp_path / "broken"
            path.write_bytes(broken[: rng.integers(len(data) // 2, len(data))].tobytes())
            try:
                waveform = decode(path).waveform
            except AudioError:
                continue
            assert np.isfinite(waveform.samples).all()


def test_conversion_takes_no_more_memory_for_a_longer_recording(tmp_path):
    def peak_bytes(duration_s):
        path = tmp_path / "long.flac"
        with soundfile.SoundFile(path, "w", RATE, 2, format="FLAC") as file:
            for _ in range(duration_s):
                file.write(tone(RATE))
        tracemalloc.start()
        try:
            convert(path, tmp_path / "out.wav")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak_bytes(1)  # what is loaded on first use does not count
    assert peak_bytes(100) < 1.2 * peak_bytes(10)


def test_importing_the_decoder_loads_no_heavy_library():
    code = "import sys, separation.audio.decode; print({'av', 'torch', 'scipy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "error",
    [
        av.error.ArgumentError(22, "Invalid argument", "/home/somebody's/scratch/video"),
        OSError(22, "Invalid argument", r"C:\Users\me\scratch\video"),
        soundfile.LibsndfileError(2, prefix="Error opening '/home/me/audio.wav': "),
    ],
)
def test_what_a_library_says_names_no_path_of_this_computer(error):
    assert system_message(error) in ("Invalid argument", "System error")

"""Writing files: what each format keeps, clipping, and nothing half-made."""

import math
import struct

import numpy as np
import pytest
import soundfile

from separation.audio.decode import decode
from separation.audio.encode import BLOCK_SAMPLES, FORMATS, FloatWavWriter, encode, loudest
from separation.audio.waveform import Waveform
from separation.errors import AudioError, FileError, SettingsError
from separation.export import libsndfile
from separation.export.tags import Tags, write_tags

RATE = 44_100


def music(n_channels=2, n_samples=RATE, peak=0.7, sample_rate=RATE):
    """Three sines per channel, not a tone a codec could be tuned to."""
    t = np.arange(n_samples) / sample_rate
    channels = [
        sum(np.sin(2 * np.pi * f * t + n) for n, f in enumerate((220 + 40 * c, 701, 1_900 + 90 * c))) / 3
        for c in range(n_channels)
    ]
    samples = np.array(channels)
    return Waveform((peak * samples / np.abs(samples).max()).astype(np.float32), sample_rate)


def written(waveform, path, name, **options):
    """The samples of `waveform` after a trip through a file, and what `encode` said."""
    encoded = encode(waveform, path, name, **options)
    return decode(path).waveform, encoded


@pytest.mark.parametrize("name, error", [("wav32f", 0), ("wav24", 2**-22), ("flac", 2**-22), ("wav16", 2 * 2**-15)])
@pytest.mark.parametrize("n_samples", [1, 16_383, 16_384, 40_009])
def test_a_round_trip_keeps_what_the_format_promises(name, error, n_samples, tmp_path):
    waveform = music(n_samples=n_samples)
    read, encoded = written(waveform, tmp_path / "file", name)
    assert (read.sample_rate, read.n_channels, read.n_samples) == (RATE, 2, n_samples)
    assert np.abs(read.samples - waveform.samples).max() <= error
    assert (encoded.n_samples, encoded.n_clipped, encoded.notes) == (n_samples, 0, ())


def test_24_bit_codes_survive_flac_exactly(tmp_path):
    codes = np.random.default_rng(0).integers(-(2**23), 2**23, (2, 20_000))
    waveform = Waveform((codes / 2**23).astype(np.float32), RATE)
    read, _ = written(waveform, tmp_path / "file", "flac")
    np.testing.assert_array_equal(read.samples, waveform.samples)


@pytest.mark.parametrize("name", ["mp3", "ogg"])
def test_a_lossy_round_trip_keeps_length_level_and_shape(name, tmp_path):
    waveform = music(n_samples=2 * RATE)
    read, _ = written(waveform, tmp_path / "file", name)
    assert read.n_samples == waveform.n_samples
    inner = slice(RATE // 2, -RATE // 2)
    given, got = waveform.samples[:, inner].ravel(), read.samples[:, inner].ravel()
    assert np.corrcoef(given, got)[0, 1] > 0.999
    assert abs(20 * math.log10(np.std(got) / np.std(given))) < 0.1


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "wav32f"])
def test_samples_over_full_scale_are_clipped_and_counted_never_wrapped(name, tmp_path):
    waveform = music(peak=2.0)
    read, encoded = written(waveform, tmp_path / "file", name)
    assert encoded.n_clipped == np.count_nonzero(np.abs(waveform.samples) > 1)
    assert encoded.peak_dbfs == pytest.approx(20 * math.log10(2), abs=1e-3)
    assert any("clipped" in note for note in encoded.notes)
    loud = np.abs(waveform.samples) > 1.2
    assert (np.sign(read.samples) == np.sign(waveform.samples))[loud].all()


def test_float_wav_keeps_samples_over_full_scale(tmp_path):
    waveform = music(peak=5.0)
    read, encoded = written(waveform, tmp_path / "file", "wav32f")
    np.testing.assert_array_equal(read.samples, waveform.samples)
    assert encoded.n_clipped == 0


@pytest.mark.parametrize("name", FORMATS)
def test_a_gain_is_that_of_every_sample(name, tmp_path):
    waveform = music(peak=2.0)
    read, encoded = written(waveform, tmp_path / "file", name, gain=0.25)
    assert (encoded.n_clipped, encoded.notes) == (0, ())
    assert encoded.peak_dbfs == pytest.approx(20 * math.log10(2), abs=1e-3), "that of the source"
    assert 20 * math.log10(np.std(read.samples) / np.std(waveform.samples)) == pytest.approx(-12.04, abs=0.1)


@pytest.mark.parametrize("rate", [RATE, 48_000])
def test_the_loudest_of_several_is_measured_by_blocks_at_the_rate_they_are_written_at(rate, tmp_path):
    class ByBlocks:
        def __init__(self, waveform):
            self._waveform, self.sample_rate = waveform, waveform.sample_rate
            self.n_channels, self.n_samples = waveform.n_channels, waveform.n_samples

        def read(self, start, stop):
            assert stop - start <= BLOCK_SAMPLES
            return self._waveform.read(start, stop)

    several = [music(peak=peak, n_samples=100_003) for peak in (0.3, 1.5, 0.9)]
    files = [written(one, tmp_path / "file", "wav32f", sample_rate=rate)[0] for one in several]
    peaks = [np.abs(file.samples).max() for file in files]
    assert loudest(map(ByBlocks, several), lambda own_rate: rate) == pytest.approx(max(peaks), rel=1e-6)
    assert loudest([], FORMATS["mp3"].rate_for) == 0


def test_dither_keeps_a_tone_that_rounding_would_erase(tmp_path):
    # 0.4 LSB: every sample rounds to zero without dither.
    t = np.arange(4 * RATE) / RATE
    reference = np.sin(2 * np.pi * 500 * t)
    read, _ = written(Waveform((0.4 * 2**-15 * reference)[None].astype(np.float32), RATE), tmp_path / "file", "wav16")
    amplitude = 2 * np.mean(read.samples[0] * reference) * 2**15
    assert amplitude == pytest.approx(0.4, abs=0.02)


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    def data(seed):
        encode(music(), tmp_path / "file.wav", "wav16", dither_seed=seed)
        return (tmp_path / "file.wav").read_bytes()

    assert data(1) == data(1) != data(2)


@pytest.mark.parametrize("rate, written_rate", [(96_000, 48_000), (20_000, 22_050), (44_100, 44_100), (4_000, 8_000)])
def test_mp3_is_resampled_to_a_rate_it_knows_and_says_so(rate, written_rate, tmp_path):
    encoded = encode(music(sample_rate=rate, n_samples=rate), tmp_path / "file.mp3", "mp3")
    assert encoded.sample_rate == soundfile.info(tmp_path / "file.mp3").samplerate == written_rate
    assert any(str(written_rate) in note for note in encoded.notes) == (rate != written_rate)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("sample_rate", [1_000, 11_025, 192_000, 768_000])
def test_every_format_takes_every_rate(name, sample_rate, tmp_path):
    encoded = encode(music(sample_rate=sample_rate, n_samples=3_000), tmp_path / "file", name)
    info = soundfile.info(tmp_path / "file")
    assert (info.samplerate, info.frames) == (encoded.sample_rate, encoded.n_samples)


@pytest.mark.parametrize("name", ["wav16", "wav24", "wav32f", "flac"])
def test_lossless_formats_take_eight_channels(name, tmp_path):
    read, _ = written(music(n_channels=8, n_samples=5_000), tmp_path / "file", name)
    np.testing.assert_allclose(read.samples, music(n_channels=8, n_samples=5_000).samples, atol=1e-4)


def test_silence_is_minus_infinity(tmp_path):
    assert encode(Waveform(np.zeros((1, 9), np.float32), RATE), tmp_path / "file").peak_dbfs == -math.inf


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="wav16, wav24, wav32f, flac, mp3, ogg"):
        encode(music(), tmp_path / "file", "wma")
    with pytest.raises(SettingsError, match="does not take 3 channels"):
        encode(music(n_channels=3), tmp_path / "file", "mp3")
    with pytest.raises(AudioError, match="nothing to write"):
        encode(Waveform(np.zeros((2, 0), np.float32), RATE), tmp_path / "file")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_that_is_not_there_is_one_error(name, tmp_path):
    with pytest.raises(FileError, match="exists"):
        encode(music(), tmp_path / "missing" / "file", name)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, AudioError, OSError])
@pytest.mark.parametrize("name", FORMATS)
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(name, failure, tmp_path):
    class Breaking:
        sample_rate, n_channels, n_samples = RATE, 2, 10 * RATE

        def read(self, start, stop):
            if start > RATE:
                raise failure("stop")
            return np.zeros((2, stop - start), np.float32)

    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises((failure, FileError)):
        encode(Breaking(), path, name)
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_bytes() == b"old"


def test_a_float_wav_past_its_size_limit_becomes_rf64(tmp_path):
    samples = music(n_samples=5_000).samples
    for limit, expected in ((2 * 4 * 5_000 + 1, "WAV"), (2 * 4 * 5_000, "RF64")):
        with FloatWavWriter(tmp_path / "file", 2, RATE, rf64_from_bytes=limit) as writer:
            writer.write(samples[:, :777])
            writer.write(samples[:, 777:])
        read = decode(tmp_path / "file")
        assert soundfile.info(tmp_path / "file").format == expected
        assert read.warnings == ()
        np.testing.assert_array_equal(read.waveform.samples, samples)


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("format_", ["wav16", "wav24"])
def test_integer_wavs_past_the_size_limit_become_rf64_too(tmp_path, monkeypatch, format_, n_channels):
    source = music(n_channels, n_samples=5_001)
    n_bytes = libsndfile.WIDTHS[format_] * n_channels * 5_001
    for limit, expected in ((n_bytes + 1, "WAV"), (n_bytes, "RF64")):
        monkeypatch.setattr(libsndfile, "RF64_FROM_BYTES", limit)
        encode(source, tmp_path / "file.wav", format_)
        write_tags(tmp_path / "file.wav", ".wav", Tags(title="a song"))
        assert soundfile.info(tmp_path / "file.wav").format == expected
        read = decode(tmp_path / "file.wav")
        assert read.warnings == ()
        np.testing.assert_allclose(read.waveform.samples, source.samples, atol=2**-14)
        header = (tmp_path / "file.wav").read_bytes()[:36]
        if expected == "RF64":
            size = (tmp_path / "file.wav").stat().st_size
            stated = struct.unpack("<4sI4s4sIQQ", header)
            assert stated == (b"RF64", 2**32 - 1, b"WAVE", b"ds64", 28, size - 8, n_bytes)


def test_a_wav_without_a_size_gets_no_tags_which_would_be_heard(tmp_path):
    path = tmp_path / "file.wav"
    encode(music(n_samples=500), path, "wav24")
    with path.open("r+b") as file:
        file.truncate(2**32 + 10)  # sparse
    before = path.stat().st_size
    with pytest.raises(FileError, match="no room for tags"):
        write_tags(path, ".wav", Tags(title="a song"))
    assert path.stat().st_size == before


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("sizes", [(2**32 - 1, 2**32 - 1), (2**32 - 1, 0), (0, 0), (0, 2**32 - 1), (2**31 - 1,) * 2])
def test_a_wav_that_states_no_size_is_read_to_its_end(tmp_path, subtype, sizes):
    samples = music(n_samples=5_000).samples
    path = tmp_path / "file.wav"
    soundfile.write(path, samples.T, RATE, subtype=subtype)
    content = bytearray(path.read_bytes())
    for at, size in zip((4, content.index(b"data") + 4), sizes, strict=True):
        content[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)
    read = decode(path)
    assert read.warnings == () and read.waveform.samples.shape == samples.shape
    np.testing.assert_allclose(read.waveform.samples, samples, atol=2**-14)

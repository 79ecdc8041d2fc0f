"""Times, sizes and counts as the pages and the terminal write them, at the edges of their units."""

from __future__ import annotations

import pytest

from separation.formatted import clock, counted, duration, signed, size, size_range, speed, time_range

GB = 1e9


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3.0, "0:00"),
        (0, "0:00"),
        (0.4, "0:00"),
        (20.6, "0:21"),
        (59.4, "0:59"),
        (59.6, "1:00"),
        (600, "10:00"),
        (3599.4, "59:59"),
        (3599.6, "1:00:00"),
        (3600, "1:00:00"),
        (3723, "1:02:03"),
        (100 * 3600, "100:00:00"),
    ],
)
def test_a_clock_shows_whole_seconds_and_never_sixty_of_them(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [
        (0, 1, "0:00.0"),
        (9.94, 1, "0:09.9"),
        (59.96, 1, "1:00.0"),
        (-1, 1, "0:00.0"),
        (3723.5, 2, "1:02:03.50"),
        (0, None, "0:00"),
        (60.0, None, "1:00"),
        (90.0, None, "1:30"),
        (9.5, None, "0:09.5"),
        (3600.0, None, "1:00:00"),
        (3723.5, None, "1:02:03.5"),
        (0.1 + 0.2, None, "0:00.30000000000000004"),
        (5e-7, None, "0:00.0000005"),
    ],
)
def test_a_clock_shows_as_many_decimals_as_it_is_asked_for(seconds, decimals, text):
    assert clock(seconds, decimals) == text


@pytest.mark.parametrize(
    ("n_bytes", "text", "fine"),
    [
        (0, "0 kB", "0 kB"),
        (499, "0 kB", "0 kB"),
        (999, "1 kB", "1 kB"),
        (1000, "1 kB", "1 kB"),
        (1024, "1 kB", "1 kB"),
        (999_400, "999 kB", "999 kB"),
        (999_600, "1.0 MB", "1.0 MB"),
        (1e6, "1.0 MB", "1.0 MB"),
        (2**20, "1.0 MB", "1.0 MB"),
        (9.94e6, "9.9 MB", "9.9 MB"),
        (9.96e6, "10 MB", "10.0 MB"),
        (84.26e6, "84 MB", "84.3 MB"),
        (999.4e6, "999 MB", "999.4 MB"),
        (999.6e6, "1.0 GB", "999.6 MB"),
        (999.96e6, "1.0 GB", "1.00 GB"),
        (1e9, "1.0 GB", "1.00 GB"),
        (5.123e9, "5.1 GB", "5.12 GB"),
        (2**34, "17.2 GB", "17.18 GB"),
    ],
)
def test_a_size_is_decimal(n_bytes, text, fine):
    assert (size(n_bytes), size(n_bytes, fine=True)) == (text, fine)


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 results"), (1, "1 result"), (2, "2 results"), (999, "999 results"), (1000, "1,000 results")]
)
def test_a_count_has_its_noun(n, text):
    assert counted(n, "result") == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (12.34, "12.3 s"), (59.94, "59.9 s"), (59.96, "1:00"), (3723.0, "1:02:03")]
)
def test_a_run_takes_seconds_and_from_a_minute_on_what_a_clock_shows(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        ((0.0, 0.0), "0.0 s"),
        ((0.42, 1.04), "0.4 to 1.0 s"),
        ((12.3, 47.9), "12 to 48 s"),
        ((90.0, 240.0), "1.5 to 4.0 min"),
        ((3000.0, 9000.0), "0.8 to 2.5 h"),
        ((10.2, 10.4), "10 s"),
        ((119.0, 119.4), "120 s"),
    ],
)
def test_a_range_of_time_has_two_digits_and_one_unit(seconds, text):
    assert time_range(seconds) == text


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (None, ""),
        ((2.96 * GB, 14.2 * GB), "3.0 to 14 GB"),
        ((0.0324 * GB, 0.318 * GB), "32 to 320 MB"),
        ((0.5 * GB, 0.994 * GB), "500 to 990 MB"),
        ((0.5 * GB, 0.9996 * GB), "0.5 to 1.0 GB"),
    ],
)
def test_a_range_of_memory_has_two_digits_and_one_unit(n_bytes, text):
    assert size_range(n_bytes) == text


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (10.06, "10.1x faster than playback"),
        (0.4, "2.5x slower than playback"),
        (1.04, "as fast as playback"),
        (0.96, "as fast as playback"),
    ],
)
def test_a_speed_reads_the_right_way_round(factor, said):
    assert speed(factor) == said


@pytest.mark.parametrize(
    ("value", "format", "text"), [(-1.84, "+.1f", "−1.8"), (2, "+.2f", "+2.00"), (-60, ".0f", "−60")]
)
def test_a_negative_number_has_a_minus_sign(value, format, text):
    assert signed(value, format) == text

"""The energy of processors, from counters in files as Linux shows them."""

from __future__ import annotations

import pytest

from separation.hardware.energy import EnergyMeter


class Counters:
    """A folder of counters."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, zone, name="package-0", count=0, most=1000_000_000):
        place = self.folder / zone
        place.mkdir(parents=True, exist_ok=True)
        for file, text in (("name", name), ("energy_uj", count), ("max_energy_range_uj", most)):
            (place / file).write_text(f"{text}\n")


@pytest.fixture
def counters(tmp_path):
    return Counters(tmp_path / "powercap")


@pytest.fixture
def meter(counters):
    return lambda: EnergyMeter(counters.folder)


def test_it_is_the_sum_over_all_packages_in_joules(counters, meter):
    counters.write("intel-rapl:0", "package-0", 5_000_000)
    counters.write("intel-rapl:1", "package-1", 7_000_000)
    watched = meter()
    assert watched.joules() == 0
    counters.write("intel-rapl:0", "package-0", 6_500_000)
    counters.write("intel-rapl:1", "package-1", 7_250_000)
    assert watched.joules() == pytest.approx(1.75)


def test_parts_of_a_package_and_the_whole_computer_are_not_counted_again(counters, meter):
    zones = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:1": "psys",
        "intel-rapl-mmio:0": "package-0",
    }
    for zone, name in zones.items():
        counters.write(zone, name, 0)
    watched = meter()
    for zone, name in zones.items():
        counters.write(zone, name, 2_000_000)
    assert watched.joules() == pytest.approx(2.0)


def test_a_counter_that_began_again_goes_on(counters, meter):
    counters.write("intel-rapl:0", count=90_000_000, most=100_000_000)
    watched = meter()
    counters.write("intel-rapl:0", count=5_000_000, most=100_000_000)
    assert watched.joules() == pytest.approx(15.0)


def test_nothing_is_known_without_counters(tmp_path):
    assert EnergyMeter(tmp_path / "nothing").joules() is None
    (tmp_path / "empty").mkdir()
    assert EnergyMeter(tmp_path / "empty").joules() is None


@pytest.mark.parametrize("file", ["energy_uj", "max_energy_range_uj", "name"])
@pytest.mark.parametrize("how", ["missing", "folder", "words", "nothing", "bytes"])
def test_a_package_that_cannot_be_read_is_passed_over(counters, meter, file, how):
    counters.write("intel-rapl:0")
    counters.write("intel-rapl:1", "package-1")
    broken = counters.folder / "intel-rapl:0" / file
    broken.unlink()
    if how == "folder":
        broken.mkdir()
    elif how != "missing":
        broken.write_bytes({"words": b"denied", "nothing": b"", "bytes": b"\xff\xfe"}[how])
    watched = meter()
    counters.write("intel-rapl:1", "package-1", 3_000_000)
    assert watched.joules() == pytest.approx(3.0)


def test_a_package_that_goes_or_comes_meanwhile_is_passed_over(counters, meter):
    counters.write("intel-rapl:0")
    watched = meter()
    (counters.folder / "intel-rapl:0" / "energy_uj").unlink()
    counters.write("intel-rapl:1", "package-1", 9)
    assert watched.joules() is None

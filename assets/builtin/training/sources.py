"""Where training's sounds come from: packages by name, each with a licence that must be on our list.

Training takes permissive and attribution licences, and share-alike ones, which the model card names plainly. Copyleft
audio is for the test set alone. What a package says of its licence is looked up in the package itself, so that a
package that changes its mind is refused.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from assets.builtin.training.cache import cache_folder
from separation.errors import PlaygroundError, SettingsError

PERMISSIVE = frozenset({"MIT", "CC0-1.0", "public domain", "BSD-style"})
ATTRIBUTION = frozenset({"CC-BY-3.0"})
SHARE_ALIKE = frozenset({"CC-BY-SA-3.0", "CC-BY-SA-4.0"})
TEST_ONLY = frozenset({"GPL-2.0", "LGPL-2.1"})
# Speech made by a program is not the program: what espeak-ng (GPL-3.0) says is not covered by its licence.
OUTPUT_IS_FREE = frozenset({"output of a GPL-3.0 program"})
TRAINABLE = PERMISSIVE | ATTRIBUTION | SHARE_ALIKE | OUTPUT_IS_FREE


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Sounds of one licence inside one package.

    Args:
        name: ours, unique.
        package: the package's name; Debian's unless `registry` says "npm".
        licence: one of the lists above.
        attribution: who made it, as the card names them.
        evidence: file (a glob inside the package) that states the licence, and words that must be in it.
        split: "train" or "test".
        path: where the sounds are inside the package.
        registry: "apt", "npm", or "program" for an installed speech synthesiser.
        instrument: the class, of an instrument recorded note by note.
    """

    name: str
    package: str
    licence: str
    attribution: str
    split: str
    path: str = ""
    evidence: tuple[str, str] | None = None
    registry: str = "apt"
    instrument: str = ""

    def __post_init__(self) -> None:
        check_licence(self)

    @property
    def folder(self) -> Path:
        """Where the package is unpacked."""
        return cache_folder() / "unpacked" / self.package.replace("/", "+")

    @property
    def audio(self) -> Path:
        """The soundfont, kit or folder itself."""
        return self.folder / self.path


def check_licence(source: Source) -> None:
    """Refuse what may not be used as it is meant to be.

    Raises:
        SettingsError: an unknown licence, or one that is for the test set only.
    """
    known = TRAINABLE if source.split == "train" else TRAINABLE | TEST_ONLY
    if source.licence not in known:
        raise SettingsError(
            f"The sounds of “{source.name}” may not be used for the {source.split} set.",
            f"Their licence, {source.licence}, is not among {', '.join(sorted(known))}.",
            "Use another source; copyleft audio may serve in the test set.",
        )


_SF2, _SF3, _KITS = "usr/share/sounds/sf2", "usr/share/sounds/sf3", "usr/share/hydrogen/data/drumkits"
_DOC = "usr/share/doc/*/copyright*"
_VOICES = "usr/share/asterisk/sounds"


def _voice(language: str, folder: str, licence: str, speaker: str, split: str = "train") -> Source:
    package = f"asterisk-core-sounds-{language}-g722"
    return Source(
        name=f"voice-{language}", package=package, licence=licence, attribution=speaker, split=split,
        path=f"{_VOICES}/{folder}", evidence=(_DOC, speaker.split(",")[0]),
    )  # fmt: skip


def _kit(name: str, licence: str, author: str, said: str, split: str, package: str = "hydrogen-drumkits") -> Source:
    evidence = (f"{_KITS}/{name}/drumkit.xml", said) if said else (_DOC, "GPL-2")
    return Source(
        name=f"kit-{name}", package=package, licence=licence, attribution=author, split=split,
        path=f"{_KITS}/{name}", evidence=evidence,
    )  # fmt: skip


def _piano(velocity: int) -> Source:
    return Source(
        name=f"salamander-{velocity}", package=f"@audio-samples/piano-velocity{velocity}", registry="npm",
        licence="CC-BY-3.0", attribution="Salamander Grand Piano V3 by Alexander Holm", split="train",
        path="package", evidence=("package/package.json", "Salamander"), instrument="piano",
    )  # fmt: skip


def _sampled(name: str, instrument: str) -> Source:
    return Source(
        name=f"sampled-{name}", package=f"tonejs-instrument-{name}-mp3", registry="npm", licence="CC-BY-3.0",
        attribution="tonejs-instruments by Nicholaus P. Brosowsky and Makefully Studios", split="train",
        path="package", evidence=("package/README.md", "CC-by 3.0"), instrument=instrument,
    )  # fmt: skip


def _font(name: str, package: str, path: str, licence: str, author: str, said: str, split: str) -> Source:
    return Source(
        name=name, package=package, licence=licence, attribution=author, split=split, path=path, evidence=(_DOC, said)
    )


SOURCES: tuple[Source, ...] = (
    _font("fluid-r3", "fluid-soundfont-gm", f"{_SF2}/FluidR3_GM.sf2", "MIT", "Frank Wen and others", "Wen", "train"),
    _font("musescore", "musescore-general-soundfont", f"{_SF3}/MuseScore_General_Full.sf3", "MIT",
          "S. Christian Collins, Michael Cowgill, Frank Wen; VSCO 2 CE by Versilian Studios", "MIT", "train"),
    _font("opl3", "opl3-soundfont", f"{_SF2}/OPL-3_FM_128M.sf2", "CC-BY-SA-4.0", "Zandro Reveille",
          "CC-BY-SA-4.0", "train"),
    _font("sonic-pi", "sonic-pi-samples", "usr/share/sonic-pi/samples", "CC0-1.0",
          "contributors of freesound.org, named in the package", "CC0", "train"),
    _kit("Audiophob", "CC0-1.0", "audiophobdubstep", "Creative Commons 0", "train"),
    _kit("rumpf_kit_z01_h2", "CC-BY-3.0", "Emanuel Rumpf", "cc-by", "train"),
    _kit("BJA_Pacific", "CC-BY-SA-3.0", "Luc Tunguay", "Share Alike", "train"),
    _kit("circAfrique v4", "CC-BY-SA-3.0", "Jim Harney", "ShareAlike", "train"),
    _piano(4), _piano(10), _piano(14), _sampled("piano", "piano"),
    _sampled("guitar-acoustic", "guitar"), _sampled("guitar-electric", "guitar"), _sampled("guitar-nylon", "guitar"),
    _sampled("bass-electric", "bass"), _sampled("violin", "strings"), _sampled("cello", "strings"),
    _sampled("contrabass", "strings"),
    *(_sampled(name, "other") for name in (
        "flute", "clarinet", "bassoon", "saxophone", "trumpet", "trombone", "french-horn", "tuba", "organ", "harmonium",
        "harp", "xylophone",
    )),
    _voice("en", "en_US_f_Allison", "CC-BY-SA-3.0", "Allison Smith, recorded for Digium"),
    _voice("es", "es_MX_f_Allison", "CC-BY-SA-3.0", "Allison Smith, recorded for Digium"),
    _voice("fr", "fr_CA_f_June", "CC-BY-SA-3.0", "June Wallack, recorded for Digium"),
    _voice("ru", "ru_RU_f_IvrvoiceRU", "CC-BY-3.0", "Maxim Topal, ivrvoice.ru"),
    Source(name="espeak-ng", package="espeak-ng", registry="program", licence="output of a GPL-3.0 program",
           attribution="speech made with espeak-ng", split="train"),
    Source(name="flite", package="flite", registry="program", licence="BSD-style",
           attribution="Carnegie Mellon University: voices slt, rms, awb", split="train"),
    Source(name="flite-kal", package="flite", registry="program", licence="BSD-style",
           attribution="Carnegie Mellon University: voice kal16", split="test"),
    _font("timgm6mb", "timgm6mb-soundfont", f"{_SF2}/TimGM6mb.sf2", "GPL-2.0", "Tim Brechbill", "GPL", "test"),
    _font("gmbank", "csound-soundfont", f"{_SF2}/sf_GMbank.sf2", "public domain", "unknown", "public-domain", "test"),
    _font("black-pearl", "avldrums.lv2-soundfont", f"{_SF2}/Black_Pearl_4_LV2.sf2", "GPL-2.0",
          "Glen MacArthur", "GPL", "test"),
    _font("red-zeppelin", "avldrums.lv2-soundfont", f"{_SF2}/Red_Zeppelin_4_LV2.sf2", "GPL-2.0",
          "Glen MacArthur", "GPL", "test"),
    _kit("ColomboAcousticDrumkit", "GPL-2.0", "Marcos Guglielmetti", "", "test"),
    _kit("ForzeeStereo", "GPL-2.0", "Vladimir Sadovnikov, Alexander Belokurov", "", "test"),
    _kit("HardElectro1", "GPL-2.0", "Artemiy Pavlov", "", "test"),
    _kit("Millo-Drums_v.1", "GPL-2.0", "Emiliano Grilli", "", "test"),
    _kit("TR808EmulationKit", "GPL-2.0", "the Hydrogen team", "", "test", package="hydrogen-data"),
    _voice("it", "it_IT_m_Carlo", "CC-BY-SA-3.0", "Carlo Flora, segreterietelefoniche.it", "test"),
    _font("klettres", "klettres-data", "usr/share/klettres", "GPL-2.0", "the KLettres speakers", "GPL-2", "test"),
)  # fmt: skip


def of_split(split: str) -> dict[str, Source]:
    """The sources of "train" or "test" by name."""
    return {source.name: source for source in SOURCES if source.split == split}


def fetch_all(sources: Iterable[Source] = SOURCES) -> None:
    """Download and unpack what is not here yet, and look the licences up in the packages."""
    for source in sources:
        if source.registry != "program" and not source.folder.exists():
            _fetch(source)
        confirm_licence(source)


def confirm_licence(source: Source) -> None:
    """Raise unless the unpacked package (or installed program) is there and states its licence as we do."""
    if source.registry == "program":
        if shutil.which(source.package) is None:
            raise PlaygroundError(
                f"{source.package} is not on this computer.", "It speaks and sings for the training set.",
                f"Install it (apt-get install {source.package}).",
            )  # fmt: skip
        return
    assert source.evidence is not None
    pattern, said = source.evidence
    if not any(said in _text(path) for path in source.folder.glob(pattern)):
        raise PlaygroundError(
            f"{source.package} does not state the licence of “{source.name}” as it did.",
            f"“{said}” is not in {pattern}.", "Read the package's licence again and correct the list of sources.",
        )  # fmt: skip


def _text(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8", "replace")


def _fetch(source: Source) -> None:
    packages = cache_folder() / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    unpacked = source.folder.with_name(f".{source.folder.name}.partial")
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    if source.registry == "apt":
        _run(["apt-get", "download", "--quiet", source.package], packages)
        archive = next(path for path in packages.glob(f"{source.package}_*.deb"))
        _run(["dpkg-deb", "--extract", str(archive), str(unpacked)], packages)
    else:
        archive = packages / _run(["npm", "pack", "--silent", source.package], packages).split()[-1]
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
    unpacked.replace(source.folder)


def _run(command: list[str], folder: Path) -> str:
    try:
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout  # noqa: S603  # fixed commands
    except (subprocess.CalledProcessError, FileNotFoundError) as failure:
        raise PlaygroundError(
            f"“{' '.join(command)}” failed.", str(getattr(failure, "stderr", failure)).strip()[-400:],
            "Training fetches its sources through apt and npm; run it where both work.",
        ) from failure  # fmt: skip

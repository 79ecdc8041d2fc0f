"""The files by which programs on a network authenticate each other, checked before anything relies on them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from separation.errors import SettingsError

if TYPE_CHECKING:
    from distributed import Security


@dataclass(frozen=True, kw_only=True, slots=True)
class Tls:
    """The TLS files by which programs on a network authenticate each other, in PEM, as Dask takes them.

    Args:
        ca: the authority's certificate.
        certificate: this program's own.
        key: its private key.
    """

    ca: Path
    certificate: Path
    key: Path

    def __post_init__(self) -> None:
        for path in (self.ca, self.certificate, self.key):
            if not path.is_file():
                raise SettingsError(f"There is no TLS file {str(path)!r}.", "", "Check the names of all three.")
        check_certificate(self.certificate, self.key)
        try:
            ssl.create_default_context(cafile=str(self.ca))
        except (OSError, ValueError) as error:  # an error of TLS is one of the system
            raise _no_tls_file(self.ca, "the certificate of an authority", error) from error

    def security(self) -> Security:
        """Return Dask's security settings, which require encryption."""
        from distributed import Security

        own = {
            f"tls_{role}_{part}": str(path)
            for role in ("scheduler", "worker", "client")
            for part, path in (("cert", self.certificate), ("key", self.key))
        }
        return Security(require_encryption=True, tls_ca_file=str(self.ca), **own)


def check_certificate(certificate: Path, key: Path) -> None:
    """Check that the files are a certificate and its private key, in PEM.

    Raises:
        SettingsError: they are not.
    """
    try:
        if b"ENCRYPTED" in key.read_bytes():
            return  # for its password OpenSSL asks the person at the terminal, once it is used
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise _no_tls_file(certificate, f"a certificate with the key {str(key)!r}", error) from error


def _no_tls_file(path: Path, kind: str, error: Exception) -> SettingsError:
    return SettingsError(
        f"{str(path)!r} is not {kind}.",
        f"OpenSSL says: {getattr(error, 'reason', None) or error}.",
        "Give files in PEM, whose text begins with “-----BEGIN”.",
    )

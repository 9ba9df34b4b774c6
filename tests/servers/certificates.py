"""An authority of our own and a certificate for loopback, as `openssl` makes them."""

import subprocess
from pathlib import Path
from typing import NamedTuple

__all__ = ["Certificates", "certify"]


class Certificates(NamedTuple):
    """The files."""

    authority: Path
    """What clients have to trust."""
    certificate: Path
    key: Path


def certify(folder: Path) -> Certificates:
    """Make a certificate for 127.0.0.1 and localhost in this folder."""
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-sha256"]
    authority = [*openssl, "-subj", "/CN=callboard tests", "-keyout", str(folder / "ca.key")]
    subprocess.run([*authority, "-out", str(made.authority)], check=True, capture_output=True)
    signed = [*openssl, "-subj", "/CN=localhost", "-keyout", str(made.key)]
    signed += ["-CA", str(made.authority), "-CAkey", str(folder / "ca.key")]
    signed += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    signed += ["-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run([*signed, "-out", str(made.certificate)], check=True, capture_output=True)
    return made

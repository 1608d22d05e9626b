"""Certificates with their keys, made by openssl as an administrator would: an authority, and who it signs for."""

import subprocess
from pathlib import Path

from engine.sandbox.farend_files import Pair


class Authority:
    """Signs for the next two days. `certificate` is what others must have to believe it."""

    def __init__(self, openssl: Path, folder: Path, name: str) -> None:
        self._openssl, self._folder, self._name = openssl, folder, name
        self._own = self._made(name, "-addext", "keyUsage=critical,keyCertSign")

    @property
    def certificate(self) -> Path:
        return self._own.certificate

    def signs(self, address: str) -> Pair:
        """For whoever is at this IP address."""
        issuer = ("-CA", str(self._own.certificate), "-CAkey", str(self._own.key))
        leaf = ("-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"subjectAltName=IP:{address}")
        return self._made(f"{self._name}-{address}", *issuer, *leaf)

    def _made(self, name: str, *more: str) -> Pair:
        made = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        files = ("-subj", f"/CN={name}", "-out", str(made.certificate), "-keyout", str(made.key))
        subprocess.run([self._openssl, *new, *files, *more], check=True, capture_output=True)
        return made

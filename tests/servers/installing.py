"""Programs that neither PATH nor a wheel has come from the system's packages, where that may be."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from callboard.examples.servers.programs import Program, ServerMissing

__all__ = ["provided"]

T = TypeVar("T")

PROVIDED = Path(tempfile.gettempdir()) / f"callboard-programs-{os.geteuid()}"
"""What a plain user has unpacked; kept, because it takes a while."""


def provided(program: Program, make: Callable[[], T]) -> T:
    """Make something that needs a program; install that first where it is missing.

    Root installs Debian's package. Another user, who may not, unpacks it. Where neither works, the
    error names the one command to run: nothing is skipped.
    """
    unpacked = PROVIDED / program.name
    if program.variable not in os.environ and unpacked.exists():
        os.environ[program.variable] = str(unpacked)
    try:
        return make()
    except ServerMissing as missing:
        if shutil.which("apt-get") is None or not _install(program):
            raise missing from None
    return make()


def _install(program: Program) -> bool:
    if os.geteuid() != 0:
        return _unpack(program)
    # The run level of a machine that is being repaired: the package starts no server of its own.
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
    command = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", program.package]
    done = subprocess.run(command, check=False, capture_output=True, env=os.environ | quiet)
    return done.returncode == 0


def _unpack(program: Program) -> bool:
    """Unpack the package and those that it needs, and lead to them by a script."""
    depends = ["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests"]
    depends += ["--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", "-i"]
    listed = subprocess.run([*depends, program.package], check=False, capture_output=True)
    names = {line for line in listed.stdout.decode().split("\n") if line[:1].isalnum()}
    wanted = [program.package, *(n for n in names - {program.package} if not _is_installed(n))]
    folder = PROVIDED / f"{program.name}.d"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    download = subprocess.run(
        ["apt-get", "download", "-qq", *wanted], check=False, capture_output=True, cwd=folder
    )
    if download.returncode:
        return False
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package.name, "."], check=True, cwd=folder)
    pattern = program.unpacked or f"usr/*bin/{program.name}"
    found = [path for path in folder.glob(pattern) if path.is_file()]
    if not found:
        return False
    libraries = ":".join(str(path) for path in folder.glob("usr/lib/*-linux-*"))
    script = PROVIDED / program.name
    script.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{found[0]}" "$@"\n')
    script.chmod(0o755)
    os.environ[program.variable] = str(script)
    return True


def _is_installed(package: str) -> bool:
    seen = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Status}", package], check=False, capture_output=True
    )
    return seen.stdout.endswith(b" installed")

"""An engine for a machine that has none: the distribution's, installed and not started."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.sam_local import NoEngine

APT_SECONDS = 300
"""For one call of apt-get, downloads included; they take 2 s and 10 s on a good line."""

LOCK_SECONDS = 60
"""How long apt-get waits for another one to end."""

PACKAGES = {"dockerd": "docker.io", "docker": "docker-cli"}
"""What brings a program; docker.io brings both until Debian 12."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""Asked by Debian's packages whether a service may be started (policy-rc.d in invoke-rc.d(8)); 101 says no."""


def install_engine() -> None:
    """dockerd and docker on this machine; raises NoEngine with apt's words."""
    if not shutil.which("apt-get"):
        raise NoEngine("There is no container engine here, and no apt-get to install one with.")
    _apt("update", "-qq")
    with _nothing_started():
        for program, package in PACKAGES.items():
            if not shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"):
                _apt("install", "-qq", "-y", "--no-install-recommends", package)


@contextmanager
def _nothing_started() -> Iterator[None]:
    """A service that its package starts would change the firewall. A policy that is there already stays."""
    made = not POLICY.exists()
    if made:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if made:
            POLICY.unlink()


def _apt(*words: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            ["apt-get", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", *words],  # noqa: S607 - found on PATH
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=APT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoEngine(f"`apt-get {words[0]}` took longer than {APT_SECONDS} s.") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NoEngine(f"No container engine can be installed: {said}")

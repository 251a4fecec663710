"""The engine's bridge, docker0, as this machine's kernel knows it: without `ip`, which a small machine may lack."""

from __future__ import annotations

import fcntl
import socket
import struct
from contextlib import suppress
from pathlib import Path

NAME = "docker0"
SIOCSIFFLAGS, SIOCBRDELBR = 0x8914, 0x89A1
"""Linux's requests to set an interface's flags and to delete a bridge (linux/sockios.h)."""


def is_here(address: str) -> bool:
    """Whether this machine has the address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as asking:
            asking.bind((address, 0))
    except OSError:
        return False
    return True


def exists() -> bool:
    """Whether there is a bridge."""
    return Path("/sys/class/net", NAME).exists()


def remove() -> None:
    """Take it down and away; one that is not there, or still in use, is left."""
    down = struct.pack("16sH14x", NAME.encode(), 0)  # struct ifreq (netdevice(7)) without IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, suppress(OSError):
        fcntl.ioctl(asking, SIOCSIFFLAGS, down)
        fcntl.ioctl(asking, SIOCBRDELBR, struct.pack("16s", NAME.encode()))

"""The container engine: one that runs already is used, else root gets one of this run's own that is gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from dev.sam_local import NoEngine, NotSo, bridge
from dev.sam_local.install import install_engine

COMMAND_SECONDS = 120
"""For one command of the engine's; the longest, a commit of an image, takes seconds."""

START_SECONDS = 30
"""It takes 1 s on an idle machine."""

STOP_SECONDS = 20
"""After that it is killed; it stops in 1 s."""

POLL_SECONDS = 0.1
LABEL = "reelay.run"
"""On the image of a run, and so on all that is made of it."""

NETWORK = "bridge"
SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")
"""Where engine and firewall programs are, which not every PATH names."""

UNTOUCHED = ("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
"""The machine's firewall and routing stay as they are; containers reach this machine and nothing beyond it."""


@dataclass(frozen=True)
class Engine:
    """`environment` leads a client to it; it is empty where the client knows the way by itself."""

    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, seconds: float = COMMAND_SECONDS) -> str:
        """What `docker` prints. Raises NotSo with its last line when it fails or takes too long."""
        done = self.attempt(*words, seconds=seconds)
        if done.returncode:
            raise NotSo(f"`docker {words[0]}` failed: {last_line(done.stderr)}")
        return done.stdout.strip()

    def attempt(self, *words: str, seconds: float = COMMAND_SECONDS) -> subprocess.CompletedProcess[str]:
        """`docker` with these words, whatever comes of it. Raises NotSo when it takes too long or is not there."""
        try:
            return subprocess.run(  # noqa: S603 - our own words
                ["docker", *words],  # noqa: S607 - docker is wherever the machine has it
                env=os.environ | dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError:
            raise NotSo("There is no `docker` here.") from None
        except subprocess.TimeoutExpired:
            raise NotSo(f"`docker {words[0]}` took longer than {seconds:.0f} s.") from None

    def answers(self) -> bool:
        """Whether an engine is there."""
        try:
            return self.attempt("version", "--format", "{{.Server.Version}}").returncode == 0
        except NotSo:
            return False

    def address(self) -> str:
        """The address of this machine that containers reach. Raises NoEngine where the engine's network is not here."""
        form = "{{range .IPAM.Config}}{{.Gateway}} {{.Subnet}} {{end}}"
        for named in self.run("network", "inspect", NETWORK, "--format", form).split():
            # An engine that has just begun names the subnet alone, and its own address there is the first.
            address = str(ip_network(named)[1]) if "/" in named else named
            if bridge.is_here(address):
                return address
        raise NoEngine("The engine's containers run behind a network that ends elsewhere (as with Docker Desktop).")

    def remove(self, run: str) -> None:
        """Every container and image with the run's label goes; nothing else is touched."""
        label = f"label={LABEL}={run}"
        if containers := self.run("ps", "--all", "--quiet", "--filter", label).split():
            self.run("rm", "--force", "--volumes", *containers)
        if images := self.run("images", "--quiet", "--filter", label).split():
            self.run("rmi", "--force", *dict.fromkeys(images))


@contextmanager
def running(folder: Path, *, install: bool) -> Iterator[Engine]:
    """An engine; one of its own has all that it keeps in `folder`. `install` says that one may be installed.

    Raises NoEngine.
    """
    engine = Engine()
    if engine.answers():
        print("Uses the container engine that runs here; what is made in it goes again.", flush=True)
        yield engine
        return
    _fetch_programs(install=install)
    with _own(folder) as engine:
        yield engine


def _fetch_programs(*, install: bool) -> None:
    """Engine and client, there; raises NoEngine."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NoEngine("No container engine answers, and only root on Linux can start one.")
    if _dockerd() and shutil.which("docker"):
        return
    if not install:
        raise NoEngine("No container engine answers. Start one, or install it (Debian: apt-get install docker.io).")
    install_engine()
    if not _dockerd():
        raise NoEngine("docker.io is installed and brought no dockerd.")


def _dockerd() -> str | None:
    return shutil.which("dockerd", path=_path())


def _path() -> str:
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))


@contextmanager
def _own(folder: Path) -> Iterator[Engine]:
    """dockerd with all that it has in `folder`; its bridge goes too, unless it was there before."""
    engine, was_there, came_up = Engine({"DOCKER_HOST": f"unix://{folder}/docker.sock"}), bridge.exists(), False
    process, log = _started(folder, engine)
    try:
        _await(engine, process, log)
        came_up = True
        yield engine
    finally:
        _stop(process)
        if came_up and not was_there:
            bridge.remove()


def _started(folder: Path, engine: Engine) -> tuple[subprocess.Popen[bytes], Path]:
    """The process, in a group of its own, and its log."""
    log, settings = folder / "dockerd.log", folder / "dockerd.json"
    settings.write_text("{}")  # whatever the machine has for an engine of its own
    places = {"host": engine.environment["DOCKER_HOST"], "config-file": settings, "pidfile": folder / "dockerd.pid"}
    places |= {"data-root": folder / "images", "exec-root": folder / "containers"}
    with log.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603 - found on PATH, with our own words
            [_dockerd() or "dockerd", *(f"--{name}={value}" for name, value in places.items()), *UNTOUCHED],
            env=os.environ | {"PATH": _path()},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return process, log


def _await(engine: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if engine.answers():
            return
        time.sleep(POLL_SECONDS)
    raise NoEngine(f"dockerd does not start here: {last_line(log.read_text(errors='replace'))}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def last_line(words: str) -> str:
    """The last line with words in it."""
    return next((line.strip() for line in reversed(words.splitlines()) if line.strip()), "it said nothing")

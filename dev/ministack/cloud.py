"""MiniStack as a process of its own: AWS on one free loopback port, over TLS, all of it forgotten at the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import urllib3

from dev.ministack import ROOT, NotSo
from dev.ministack.authority import Authority

HOST = "127.0.0.1"
REGION = "us-east-1"
ROOT_KEY = "test"
"""The access key that MiniStack takes for the account's owner, who may do everything."""

START_SECONDS = 60
"""It takes 2 s on an idle machine; a CI machine is not idle."""

POLL_SECONDS = 0.1
LOG = "ministack.log"
"""In the folder: what MiniStack and the functions print."""

PYTHON = ROOT / ".venv-ministack" / "bin" / "python"
"""What MiniStack runs on, and with it the functions: it starts them with its own interpreter."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where it is, and the authority in `bundle` to verify it with."""

    endpoint: str
    bundle: Path

    @property
    def environment(self) -> dict[str, str]:
        """What leads any AWS client here and, whatever the machine's own account is, nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_CA_BUNDLE": str(self.bundle),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": HOST,
            "no_proxy": HOST,
        }

    def client(self, service: str) -> Any:
        """A boto3 client of the account's owner."""
        make: Callable[..., Any] = boto3.client  # whose types name each service by a literal
        return make(
            service,
            endpoint_url=self.endpoint,
            verify=str(self.bundle),
            region_name=REGION,
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_KEY,
        )


@contextmanager
def running(folder: Path, authority: Authority, variables: Mapping[str, str]) -> Iterator[Cloud]:
    """MiniStack, with `variables` in the environment that every function inherits; raises NotSo if it does not start.

    What it unpacks and its LOG lie in `folder`, its state in memory. At the end it is killed together with the
    functions' processes: nothing that it holds is worth an orderly end.
    """
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        port = listening.getsockname()[1]
        cloud = Cloud(f"https://{HOST}:{port}", authority.bundle)
        environment = _environment(folder, authority, port) | cloud.environment | dict(variables)
        process = _started(listening, authority, environment, folder)
    try:
        _await(process, cloud)
        yield cloud
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(folder: Path, authority: Authority, port: int) -> dict[str, str]:
    """All that MiniStack is told; of this process's own environment only where programs are."""
    scratch = folder / "scratch"
    scratch.mkdir()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(scratch),
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "local",
        "AUTH": "true",  # a function may do what its role allows, and no more
        "USE_SSL": "1",  # for the addresses that it hands out
        "MINISTACK_SSL_CERT": str(authority.certificate),
        "MINISTACK_SSL_KEY": str(authority.key),
        "SSL_CERT_FILE": str(authority.bundle),  # what Python's TLS trusts, in the functions too
        "DOCKER_HOST": f"unix://{folder}/none",  # else it asks an engine for old containers of its own
    }


def _started(
    listening: socket.socket, authority: Authority, environment: Mapping[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    """The process, in a group of its own. It inherits the socket, so that nobody can take the port meanwhile."""
    # Not `-m ministack`: with TLS that takes port 443 too.
    words = ["-m", "hypercorn", "ministack.app:app", "--workers", "0", "--bind", f"fd://{listening.fileno()}"]
    proof = ["--certfile", str(authority.certificate), "--keyfile", str(authority.key)]
    with (folder / LOG).open("wb") as sink:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
            [PYTHON, *words, *proof],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )


def _await(process: subprocess.Popen[bytes], cloud: Cloud) -> None:
    until = time.monotonic() + START_SECONDS
    with urllib3.PoolManager(ca_certs=str(cloud.bundle), retries=False, timeout=START_SECONDS) as pool:
        while time.monotonic() < until and process.poll() is None:
            with suppress(urllib3.exceptions.HTTPError):
                if pool.request("GET", f"{cloud.endpoint}/_ministack/health").status == 200:
                    return
            time.sleep(POLL_SECONDS)
    raise NotSo("MiniStack did not start.")

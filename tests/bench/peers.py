"""LiteLLM's proxy in a process of its own, one worker, in front of the simulator."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from tests.bench.asked import KEY
from tests.bench.processes import ENVIRONMENT, PEERS, ROOT, end, free_port

START_SECONDS = 120
"""It imports for 10 to 30 s."""

NAMES = {"sora-2": "sora-2", "sim-text": "sim-text"}
MISSING = "make bench installs the peers"


def installed() -> bool:
    """Whether the environment of the peers is there."""
    return PEERS.exists()


@contextmanager
def litellm(upstream: str) -> Iterator[str]:
    """Its origin, once it answers. No database and no callbacks: as little as it can do."""
    with tempfile.TemporaryDirectory() as place:
        config = Path(place, "config.yaml")
        config.write_text(json.dumps(_config(upstream)))
        port = free_port()
        command = [PEERS.with_name("litellm"), "--config", config, "--port", port, "--host", "127.0.0.1"]
        server = subprocess.Popen(  # noqa: S603 - the peer, from its pinned requirements
            [str(word) for word in (*command, "--num_workers", 1)],
            cwd=place,
            env=ENVIRONMENT | _quiet(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with server:
            try:
                yield _ready(f"http://127.0.0.1:{port}", server)
            finally:
                end(server)


def _config(upstream: str) -> dict[str, object]:
    return {
        "model_list": [
            {
                "model_name": name,
                "litellm_params": {"model": f"openai/{model}", "api_base": upstream, "api_key": KEY},
            }
            for name, model in NAMES.items()
        ],
        "litellm_settings": {"telemetry": False, "num_retries": 0},
    }


def _quiet() -> dict[str, str]:
    """The one key that it lets in; it would fetch a table of prices first, and say every request on its log."""
    home = os.environ.get("HOME", str(ROOT))
    return {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "HOME": home}


def _ready(origin: str, server: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            if urllib3.request("GET", f"{origin}/health/liveliness", retries=False, timeout=2).status == 200:
                return origin
        except urllib3.exceptions.HTTPError:
            time.sleep(0.2)
    raise RuntimeError("LiteLLM's proxy did not start")

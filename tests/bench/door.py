"""The relay's function as it is deployed, in this process, its stream written nowhere."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.bench.asked import Context
from tests.bench.s3_watch import S3Watch

APP = Path(__file__).resolve().parents[2] / "functions" / "relay" / "app.py"


class Sink:
    """A response that says when its first and its last byte were there."""

    def __init__(self, at_end: Callable[[], object] = bool) -> None:
        self.status = 0
        self.first = self.ended = 0.0
        self._at_end = at_end

    def begin(self, status: int, _headers: Mapping[str, str]) -> None:
        self.status = status

    def write(self, _piece: bytes) -> bool:
        self.first = self.first or time.monotonic()
        return True

    def end(self) -> None:
        self.ended = time.monotonic()
        self._at_end()


class RelayDoor:
    """functions/relay/app.py: its decorators, its log, its metrics. The environment says where upstream and S3 are.
    `at_end` is called when an answer's last byte is there."""

    def __init__(self) -> None:
        self.app = load()
        self.watch = S3Watch(self.app.house.bucket)
        self.at_end: Callable[[], object] = bool
        self._sink = Sink()
        vars(self.app)["door"] = replace(self.app.door, open_stream=lambda: self._sink)

    def serve(self, event: dict[str, Any]) -> Sink:
        """Answer one event to its end, and what comes after it. Raises RuntimeError for any status but 200."""
        self._sink = Sink(self.at_end)
        self.app.handler(event, Context())
        if self._sink.status != 200:
            raise RuntimeError(f"the door answered {self._sink.status}")
        return self._sink


def load() -> ModuleType:
    """The module, its house built from the environment."""
    spec = importlib.util.spec_from_file_location("relay_app", APP)
    assert spec is not None
    assert spec.loader is not None
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    return app

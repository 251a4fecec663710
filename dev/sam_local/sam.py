"""The real SAM: builds the application for the image's Python, invokes functions in containers, serves the API."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from dev.deployment import DUMMY_AWS
from dev.intrinsics import REGION, load
from dev.ministack.sam import ARCHITECTURE, SAM
from dev.sam_local import ROOT, NotSo
from dev.sam_local.engine import POLL_SECONDS, Engine
from dev.sam_local.image import Image
from dev.sam_local.stack import Stack
from dev.template import Template

RUNTIME = "3.13"
"""The Python whose bytecode the build carries (dev/compile.sh)."""

BUILD_SECONDS = 180
INVOKE_SECONDS = 120
"""For one `sam local invoke`: 3 to 5 s on an idle machine."""

START_SECONDS = 90
"""For start-api and its first answer; some 10 s on an idle machine."""

STOP_SECONDS = 15
LOG = "start-api.log"
"""In the folder: what start-api and the functions print."""

WARM = ("--warm-containers", "LAZY")
"""One container for each function that is asked. SAM 1.170 starts one more for each with EAGER, and asks the other."""

LAYER, LEAN = "CoreLayer", "lean.yaml"
"""The built layer, and the built template without it, for single invocations: SAM would send the layer to the engine
again for each, so the run's image has it already. start-api is given the template as it is."""

QUIET = {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_CHECK_UPGRADES": "0"}


@dataclass(frozen=True)
class Sam:
    """SAM for a stack: what it builds, and the functions' variables, lie in `folder`."""

    engine: Engine
    image: Image
    stack: Stack
    folder: Path

    @property
    def options(self) -> list[str]:
        """What `sam local` has to be told, whatever it is to do."""
        return self._options("template.yaml")

    def _options(self, template: str) -> list[str]:
        return [
            *("--template", str(self.folder / "build" / template)),
            *("--env-vars", str(self.folder / "variables.json")),
            *("--invoke-image", self.image.name, "--skip-pull-image"),
            *("--layer-cache-basedir", str(self.folder / "layers")),
            *("--parameter-overrides", f"Architecture={ARCHITECTURE}"),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """The engine, and the stack's AWS: SAM asks who it is, and where nobody answers it asks again for 10 s."""
        aws = {"AWS_ENDPOINT_URL": self.stack.endpoint, "AWS_DEFAULT_REGION": REGION}
        return QUIET | DUMMY_AWS | aws | dict(self.engine.environment)

    @property
    def _whole_environment(self) -> dict[str, str]:
        """That and the shell's, but no account of the machine's own, and no variable that a function has: the shell's
        would go before it."""
        taken = {name for function in self.stack.template.functions.values() for name in function.environment}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name not in taken}
        return kept | self.environment

    def build(self) -> Path:
        """The application, with the values that its functions' variables have here; its layer. Raises NotSo."""
        build = self.folder / "build"
        words = ["build", "--build-dir", str(build), "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
        more = {"ARCHITECTURE": ARCHITECTURE, "LAYER_PYTHON": self.image.python, "MAKEFLAGS": ""}
        self._run(words, BUILD_SECONDS, more)
        if self.image.python != RUNTIME:  # bytecode that nobody can use is sent to the engine with each invocation
            for cache in list(build.rglob("__pycache__")):
                shutil.rmtree(cache)
        (build / LEAN).write_text(yaml.safe_dump(without_layer(load(build / "template.yaml"))))
        (self.folder / "variables.json").write_text(json.dumps(variables(self.stack.template)))
        return build / LAYER

    def invoke(self, function: str, event: Path) -> Any:
        """What a function answers to the event in a file, from a container of its own. Raises NotSo unless it does."""
        words = ["local", "invoke", function, "--event", str(event), *self._options(LEAN)]
        said = self._run(words, INVOKE_SECONDS)
        try:
            return json.loads(said.strip().split("\n")[-1])  # not splitlines: an answer may hold what it splits at
        except (ValueError, IndexError):
            raise NotSo(f"{function} answered no JSON.") from None

    @contextmanager
    def serving(self, port: int, ready: Callable[[], bool]) -> Iterator[str]:
        """start-api's address, once it is `ready`; it and its containers are gone afterwards. Raises NotSo."""
        words = ["local", "start-api", "--host", "127.0.0.1", "--port", str(port), *WARM]
        with (self.folder / LOG).open("wb") as sink:
            process = subprocess.Popen(  # noqa: S603 - our own environment's program and our own words
                [SAM, *words, *self.options],
                env=self._whole_environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _await(process, ready)
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)

    def _run(self, words: list[str], seconds: float, more: Mapping[str, str] | None = None) -> str:
        """What it prints; raises NotSo with its last lines, the functions' own among them."""
        # A temporary folder each: through locks in a common one they wait seconds for each other's images.
        scratch = {"TMPDIR": mkdtemp(dir=self.folder)}
        try:
            done = subprocess.run(  # noqa: S603 - our own environment's program and our own words
                [SAM, *words],
                env=self._whole_environment | scratch | dict(more or {}),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotSo(f"`sam {' '.join(words[:3])}` took longer than {seconds:.0f} s.") from None
        if done.returncode:
            told = "\n".join(done.stderr.splitlines()[-30:])
            raise NotSo(f"`sam {' '.join(words[:3])}` failed:\n{told}")
        return done.stdout


def variables(template: Template) -> dict[str, dict[str, str]]:
    """What `sam local --env-vars` reads: each function's variables, with the names that the resources have here.

    `sam local` by itself puts the logical name for a bucket's, and knows no address of a queue.
    """
    return {name: dict(function.environment) for name, function in template.functions.items()}


def without_layer(built: dict[str, Any]) -> dict[str, Any]:
    """A built template whose functions name no layer, and which has none."""
    shared = {**built["Globals"], "Function": _bare(built["Globals"]["Function"])}
    resources = {
        name: {**each, "Properties": _bare(each["Properties"])} if each["Type"] == "AWS::Serverless::Function" else each
        for name, each in built["Resources"].items()
        if each["Type"] != "AWS::Serverless::LayerVersion"
    }
    return {**built, "Globals": shared, "Resources": resources}


def _bare(function: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in function.items() if name != "Layers"}


def _await(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if ready():
            return
        time.sleep(POLL_SECONDS)
    raise NotSo("`sam local start-api` did not start.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """It removes its containers then."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

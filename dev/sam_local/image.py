"""The image that the functions run in: AWS's own where it can be had, else the stand-in of dev/lambda-image."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.sam_local import ROOT, NoEngine, NotSo
from dev.sam_local.engine import LABEL, Engine, last_line

AWS = "public.ecr.aws/lambda/python:3.13"
STAND_IN = "reelay/lambda-python:stand-in"
LAYERS = "/opt"
"""Where Lambda has a function's layers (lambda/latest/dg/packaging-layers.html)."""

PULL_SECONDS = 180
"""For AWS's image, some 200 MB; without a network the answer is no at once."""

BUILD_SECONDS = 180
"""For the stand-in, which takes 5 s once apt has its lists."""

ENGINE_FAILED = 125
"""`docker run` ends so when the engine itself cannot run a container (docker run, exit status)."""


@dataclass(frozen=True)
class Image:
    """`python` is the version of its interpreter, such as 3.13."""

    name: str
    python: str


def base(engine: Engine) -> Image:
    """The image to begin with. Raises NoEngine when there is none, or when it cannot be run."""
    name = AWS if _pulled(engine) else _built(engine)
    version = "import sys; print('{}.{}'.format(*sys.version_info))"
    words = ("--rm", "--network", "none", "--entrypoint", "python3", name, "-c", version)
    done = engine.attempt("run", *words)
    if done.returncode == ENGINE_FAILED:
        raise NoEngine(f"The container engine cannot run a container here: {last_line(done.stderr)}")
    if done.returncode:
        raise NotSo(f"There is no Python to run in {name}: {last_line(done.stderr)}")
    return Image(name, done.stdout.strip())


def of_run(engine: Engine, begun: Image, run: str, variables: Mapping[str, str], layer: Path) -> Image:
    """The same with the layer, with `variables` in the environment of every function, and with the run's label.

    `sam local --env-vars` sets none that the template does not name, and the template names no address of AWS's.
    """
    label = f"{LABEL}={run}"
    changes = [f"ENV {name}={value}" for name, value in variables.items()] + [f"LABEL {label}"]
    options = [word for change in changes for word in ("--change", change)]
    made = engine.run("create", "--label", label, begun.name, "true")
    engine.run("cp", f"{layer}/.", f"{made}:{LAYERS}")
    name = f"reelay/sam-local-{run}:functions"  # a repository each, for SAM adds a tag of its own and believes in it
    engine.run("commit", *options, made, name)
    engine.run("rm", made)
    return Image(name, begun.python)


def _pulled(engine: Engine) -> bool:
    try:
        return engine.attempt("pull", "--quiet", AWS, seconds=PULL_SECONDS).returncode == 0
    except NotSo:  # in all that time
        return False


def _built(engine: Engine) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            ["bash", "dev/lambda-image/build.sh", STAND_IN],  # noqa: S607 - bash is on PATH
            cwd=ROOT,
            env=os.environ | dict(engine.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoEngine(f"The stand-in for AWS's image was not built in {BUILD_SECONDS} s.") from None
    if done.returncode:
        raise NoEngine(f"AWS's image cannot be pulled, nor its stand-in built: {last_line(done.stderr)}")
    return STAND_IN

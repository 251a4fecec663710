"""Whether everything that `sam build` made can be imported: each module of the house, and each door as Lambda does it.

Importing builds the door's house from its settings and compiles the contract's validators, so a library that is
missing, or is compiled for another Python or processor, shows here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LIMIT_SECONDS = 60
"""For one import; a slow machine takes two or three."""

OF_THE_RUNTIME = {"reelay.lambda_stream"}
"""What hooks Lambda's own runtime client, which no layer brings; tests/integration/test_lambda_stream.py imports it."""

SETTINGS = {
    "JOBS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/jobs",
    "EVENT_BUS_NAME": "build-check",
    "SERVICE_KEY_SECRET": "build-check",
    "CALLERS_KEY": "callers-build-check",
}
"""What the doors need besides to be built; nothing is asked of any of them."""


def failing(build: Path, layer: Path, environment: Mapping[str, str]) -> list[str]:
    """What cannot be imported from the functions in `build` over `layer`, with the last words of each."""
    modules = {f"reelay.{module.stem}" for module in (layer / "python/reelay").glob("*.py")}
    house = sorted(modules - OF_THE_RUNTIME)
    doors = sorted(path.parent for path in build.glob("*/app.py"))
    faults = [_fault("the layer", house, [layer / "python"], environment)]
    faults += [_fault(door.name, ["app"], [door, layer / "python"], environment) for door in doors]
    found = [fault for fault in faults if fault]
    return found if house and doors else [*found, f"{build.name}: no house or no doors to import"]


def _fault(what: str, modules: list[str], search: list[Path], environment: Mapping[str, str]) -> str:
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own words
        # -S and -s: no site-packages, so that what is missing from the layer is missing here too; -P: nor this folder.
        [sys.executable, "-S", "-s", "-P", "-c", program, *modules],
        env={**environment, **SETTINGS, "PYTHONPATH": os.pathsep.join(map(str, search))},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return f"{what}: {(done.stderr.strip().splitlines() or ['ended'])[-1]}" if done.returncode else ""

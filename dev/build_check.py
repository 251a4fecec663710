"""Check what `sam build` made: compiled for the right processor, bytecode there, all of it imports, doors answer.

`python -m dev.build_check [--build DIRECTORY] [--architecture arm64|x86_64]`; exit 1 names all faults. The doors run
in a fresh interpreter that sees nothing but the layer and the function. Where the build is for another processor, the
layer is built a second time for this one to run the doors on; its libraries are then read, not loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev import build_imports

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = (3, 13)
LAYER = "CoreLayer"

MACHINES = {"arm64": 183, "x86_64": 62}
"""e_machine of an ELF header: EM_AARCH64 and EM_X86_64 (ELF-64 object file format, e_machine)."""

UNCHECKED_HASH = 0b01
"""The flags word of a .pyc that is taken without a look at its source (PEP 552)."""

ENVIRONMENT = {
    "BUCKET_NAME": "build-check",
    "POWERTOOLS_SERVICE_NAME": "reelay",
    "POWERTOOLS_METRICS_NAMESPACE": "Reelay",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "PYTHONDONTWRITEBYTECODE": "1",
    # As in Lambda: without the first Powertools leaves tracing off whatever it is told.
    "LAMBDA_TASK_ROOT": "/var/task",
    "_X_AMZN_TRACE_ID": "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
}


@dataclass(frozen=True)
class Probe:
    """An event that a door answers without any network, and the status it has to answer with."""

    function: str
    method: str
    path: str
    status: int


PROBES = (
    Probe("RelayFunction", "POST", "/v1/chat/completions", 401),
    Probe("ResultsFunction", "GET", "/openapi.json", 200),
)

DRIVER = """
import json, sys
import app

class Context:
    function_name = aws_request_id = invoked_function_arn = "build-check"
    memory_limit_in_mb = 512
    def get_remaining_time_in_millis(self):
        return 10_000

reply = app.handler(json.loads(sys.argv[1]), Context())
print(json.dumps(reply["statusCode"]))
"""


def libraries_for_another_machine(build: Path, architecture: str) -> list[str]:
    """Every shared library in the build that Lambda could not load on `architecture`."""
    expected = MACHINES[architecture]
    faults = []
    for library in sorted(build.rglob("*.so")):
        header = library.read_bytes()[:20]
        machine = int.from_bytes(header[18:20], "little")
        if header[:4] != b"\x7fELF" or machine != expected:
            faults.append(f"{library.relative_to(build)}: machine {machine}, {architecture} is {expected}")
    return faults


def sources_without_bytecode(build: Path) -> list[str]:
    """Every module that Lambda would compile again at each cold start."""
    tag = f"cpython-{RUNTIME[0]}{RUNTIME[1]}"
    faults = []
    for source in sorted(build.rglob("*.py")):
        bytecode = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        if not bytecode.is_file():
            faults.append(f"{source.relative_to(build)}: no bytecode for {tag}")
        elif int.from_bytes(bytecode.read_bytes()[4:8], "little") != UNCHECKED_HASH:
            faults.append(f"{source.relative_to(build)}: its bytecode is checked against the source's time or hash")
    return faults


def wrong_answers(build: Path, layer: Path) -> list[str]:
    """Every door of the build that does not answer its probe, with tracing off and on."""
    return [
        f"{probe.function}, TRACING={tracing}: {fault}"
        for probe in PROBES
        for tracing in ("false", "true")
        if (fault := _fault(probe, tracing, build / probe.function, layer))
    ]


def _fault(probe: Probe, tracing: str, function: Path, layer: Path) -> str | None:
    search = os.pathsep.join((str(function), str(layer / "python")))
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own words
        # -S and -s: no site-packages, so that a library missing from the layer is missing here too.
        [sys.executable, "-S", "-s", "-c", DRIVER, json.dumps(_event(probe))],
        env=ENVIRONMENT | {"PYTHONPATH": search, "TRACING": tracing},
        cwd=function,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["ended without a word"])[-1]
    status = done.stdout.strip().splitlines()[-1]
    return None if status == str(probe.status) else f"expected status {probe.status}, got {status}"


def _event(probe: Probe) -> dict[str, Any]:
    return {
        "resource": probe.path,
        "path": probe.path,
        "httpMethod": probe.method,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "requestContext": {"requestId": "build-check", "stage": "live", "path": f"/live{probe.path}"},
        "body": "{}",
        "isBase64Encoded": False,
    }


def _layer_for(machine: str, directory: str) -> Path:
    layer = Path(directory) / LAYER
    subprocess.run(  # noqa: S603 - our own makefile
        ["make", "--silent", "--makefile", "layers/core/Makefile", f"build-{LAYER}"],  # noqa: S607 - make is on PATH
        env=os.environ | {"ARTIFACTS_DIR": str(layer), "ARCHITECTURE": machine},
        cwd=ROOT,
        check=True,
    )
    return layer


def _run(build: Path, architecture: str) -> list[str]:
    here = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    if here == architecture:
        return _working(build, build / LAYER)
    print(f"The build is for {architecture} and this machine is {here}: a second layer to run the doors on.")
    with tempfile.TemporaryDirectory() as directory:
        return _working(build, _layer_for(here, directory))


def _working(build: Path, layer: Path) -> list[str]:
    return build_imports.failing(build, layer, ENVIRONMENT) + wrong_answers(build, layer)


def main(build: Path, architecture: str) -> int:
    """Print what was checked; the exit status."""
    if not (build / LAYER).is_dir():
        print(f"Nothing is built in {build}: run `make build` first.", file=sys.stderr)
        return 1
    faults = libraries_for_another_machine(build, architecture)
    if sys.version_info[:2] == RUNTIME:
        faults += sources_without_bytecode(build) + _run(build, architecture)
    else:
        print("Skipped: bytecode and doors. They need the runtime's Python 3.13, and this one is another.")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"The build for {architecture} has {len(faults) or 'no'} faults.")
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / ".aws-sam" / "build")
    parser.add_argument("--architecture", choices=sorted(MACHINES), default="arm64")
    chosen = parser.parse_args()
    sys.exit(main(chosen.build.resolve(), chosen.architecture))

"""`python -m dev.aws_models LAYER SERVICE...`: takes from botocore's descriptions what the functions never read.

Every client that is made parses them, 60 to 70 ms of CPU time at a cold start: the services that are not spoken to, in
endpoints.json and as directories, and the words of the documentation in those that are. What they say of operations,
shapes and endpoints stays as it is.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any


def strip(layer: Path, services: Collection[str]) -> None:
    """Leave in `layer` what clients of `services` need. Raises OSError, and KeyError where their form is new."""
    data = layer / "botocore" / "data"
    for place in data.iterdir():
        if place.is_dir() and place.name not in services:
            shutil.rmtree(place)
    endpoints = data / "endpoints.json"
    endpoints.write_text(_compact(only(json.loads(endpoints.read_bytes()), services)))
    for model in data.glob("*/*/service-2.json.gz"):
        stripped = undocumented(json.loads(gzip.decompress(model.read_bytes())))
        # No time in the header: the same wheels make the same layer.
        model.write_bytes(gzip.compress(_compact(stripped).encode(), mtime=0))
    for examples in data.glob("*/*/examples-1.json*"):
        examples.unlink()


def only(endpoints: dict[str, Any], services: Collection[str]) -> dict[str, Any]:
    """The same endpoints of `services` alone, in every partition."""
    partitions = [
        {**each, "services": {name: where for name, where in each["services"].items() if name in services}}
        for each in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def undocumented(model: Any) -> Any:
    """The same description with empty words: botocore wants some of them to be there. A shape's member that is called
    `documentation` stays."""
    if isinstance(model, dict):
        return {
            name: "" if name == "documentation" and isinstance(value, str) else undocumented(value)
            for name, value in model.items()
        }
    return [undocumented(each) for each in model] if isinstance(model, list) else model


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    strip(Path(sys.argv[1]), sys.argv[2:])

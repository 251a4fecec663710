"""Put the contract beside the code that reads it: `python -m dev.contract_files`.

openapi.yaml is copied as it is, and written as JSON too, for a cold start has no time for YAML. Both copies are made,
never edited, and git does not know them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml

SOURCE = Path(__file__).parents[1] / "openapi.yaml"
PACKAGE = SOURCE.parent / "layers/core/reelay"


def write_contract_files(source: Path = SOURCE, package: Path = PACKAGE) -> list[Path]:
    """Write the copies that differ from `source`; returns those that were written."""
    text = source.read_bytes()
    document = json.dumps(yaml.safe_load(text), ensure_ascii=False, separators=(",", ":"))
    wanted = {package / "openapi.yaml": text, package / "openapi.json": document.encode() + b"\n"}
    return [path for path, data in wanted.items() if _written(path, data)]


def _written(path: Path, data: bytes) -> bool:
    """Whether it had to be written. Others may read or write it at the same time, so it changes all at once."""
    if path.exists() and path.read_bytes() == data:
        return False
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(path)
    return True


if __name__ == "__main__":
    for written in write_contract_files():
        print(f"wrote {written.relative_to(SOURCE.parent)}")

"""The relay's door: one whole answer, and the S3 calls on its way."""

from __future__ import annotations

import time
from typing import Any

from tests.bench.asked import event
from tests.bench.door import RelayDoor
from tests.bench.lanes.protocol import serve

WATCHED = "/open/"
"""In the path of the one call that is made while the upstream is being connected to."""


def main() -> None:
    """Serve."""
    door = RelayDoor()

    def once() -> dict[str, Any]:
        door.watch.take()
        asked = event()
        began = time.monotonic()
        sink = door.serve(asked)
        calls = [call for call in door.watch.take() if call.ended <= sink.ended]
        beside = sum(call.seconds for call in calls if WATCHED in call.path)
        spent, library = sum(call.seconds for call in calls), sum(call.library for call in calls)
        return {"seconds": sink.ended - began, "s3": spent, "library": library, "beside": beside}

    serve(once)


if __name__ == "__main__":
    main()

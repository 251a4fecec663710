"""Where a test hears its doors: each invocation is a connection, held until the test says how it ends."""

from __future__ import annotations

import json
import queue
import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.integration.doors.meeting import PATIENCE_SECONDS


@dataclass
class Heard:
    """An invocation under way: which function got what, with which variables."""

    connection: socket.socket
    function: str
    event: dict[str, Any]
    environment: dict[str, str]

    @property
    def bodies(self) -> list[str]:
        return [record["body"] for record in self.event["Records"]]

    @property
    def receives(self) -> list[str]:
        """How often each message has been received."""
        return [record["attributes"]["ApproximateReceiveCount"] for record in self.event["Records"]]

    def id_of(self, body: str) -> str:
        (id,) = [record["messageId"] for record in self.event["Records"] if record["body"] == body]  # noqa: A001 - as AWS says
        return str(id)

    def returns(self, answer: Any = None) -> None:
        self.connection.sendall(json.dumps(answer).encode() + b"\n")
        self.connection.close()

    def raises(self) -> None:
        self.connection.close()


class Ear:
    """Listens from `with` on; `port` goes to the doors."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._heard: queue.Queue[Heard] = queue.Queue()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in self._open:
            connection.close()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def silent(self) -> bool:
        """Whether nobody has said anything that was not heard."""
        return self._heard.empty()

    def hear(self) -> Heard:
        """The next invocation."""
        return self._heard.get(timeout=PATIENCE_SECONDS)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # the test is over
            self._open.append(connection)
            with connection.makefile("rb") as stream:
                self._heard.put(Heard(connection, **json.loads(stream.readline())))

"""The stack's AWS on one machine: moto's server, made atomic. S3, SQS, EventBridge and Secrets Manager on one URL.

What there is lives in the memory of the process and is shared by every `AwsServer` in it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import threading
from types import TracebackType
from typing import Self

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from dev.one_at_a_time import LongPolls, OneAtATime

HOST = "127.0.0.1"

_CLOSE_SECONDS = 0.05
"""How often the server looks whether it is to end."""


class _Quiet(MotoRequestHandler):
    """Says nothing of the requests it answers; a crash of moto itself is still told."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


class AwsServer:
    """moto in a thread of this process, from `__enter__` to `__exit__`; port 0 takes a free one."""

    def __init__(self, port: int = 0) -> None:
        self._application = LongPolls(OneAtATime(DomainDispatcherApplication(create_backend_app)))
        self._server = make_server(HOST, port, self._application, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=[_CLOSE_SECONDS], name="aws", daemon=True
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def url(self) -> str:
        """What `AWS_ENDPOINT_URL` has to be."""
        return f"http://{HOST}:{self.port}"

    def create_bucket(self, name: str) -> None:
        """Make an empty bucket in us-east-1. Raises OSError when moto will not."""
        connection = http.client.HTTPConnection(HOST, self.port)
        try:
            connection.request("PUT", f"/{name}")
            status = connection.getresponse().status
        finally:
            connection.close()
        if status != http.client.OK:
            raise OSError(f"no bucket {name}: the local S3 answered {status}")

    def end_polls(self) -> None:
        """From now on nobody waits for messages: each long poll is answered at once."""
        self._application.end()

    def wait(self) -> None:
        """Block until the server ends."""
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_polls()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; the endpoint is the one line printed."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.aws", description="A local AWS: S3 with exact conditional writes, SQS, EventBridge."
    )
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    with AwsServer(parser.parse_args(arguments).port) as aws, contextlib.suppress(KeyboardInterrupt):
        print(aws.url, flush=True)
        aws.wait()


if __name__ == "__main__":
    main()

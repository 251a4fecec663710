"""The stack's S3 on one machine: moto's server, made atomic.

moto checks a condition and writes in two steps, so racing writers can both win (24 % of races did with a short switch
interval). One lock around its request processing gives what S3 promises: exactly one winner. Buckets live in the
memory of the process and are shared by every `S3Server` in it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"


class OneAtATime:
    """A WSGI application that takes the next request when the one before has been answered whole."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer, whole."""
        # A slow sender must not hold the lock, so the body is read before.
        body = _body(environ)
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        with self._lock:
            return list(self._application(environ, start_response))


def _body(environ: WSGIEnvironment) -> bytes:
    source: Any = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(source.read())
    return bytes(source.read(int(environ.get("CONTENT_LENGTH") or 0)))


class _Quiet(MotoRequestHandler):
    """Says nothing of the requests it answers; a crash of moto itself is still told."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


class S3Server:
    """moto's S3 in a thread of this process, from `__enter__` to `__exit__`; port 0 takes a free one."""

    def __init__(self, port: int = 0) -> None:
        application = OneAtATime(DomainDispatcherApplication(create_backend_app))
        self._server = make_server(HOST, port, application, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, name="s3", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def url(self) -> str:
        """What `AWS_ENDPOINT_URL_S3` has to be."""
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

    def wait(self) -> None:
        """Block until the server ends."""
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; the endpoint is the one line printed."""
    parser = argparse.ArgumentParser(prog="python -m dev.s3", description="A local S3 with exact conditional writes.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    with S3Server(parser.parse_args(arguments).port) as s3, contextlib.suppress(KeyboardInterrupt):
        print(s3.url, flush=True)
        s3.wait()


if __name__ == "__main__":
    main()

"""What the stack lays around moto: one request at a time, and waiting for messages outside of it.

moto checks a condition and writes in two steps, so racing writers can both win (24 % of races did with a short switch
interval). One lock around its request processing gives what S3 promises: exactly one winner.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOK_AGAIN_SECONDS = 0.2
"""How late a message may be seen that appears with time alone: one that was delayed, or whose visibility ran out."""

_RECEIVE = "AmazonSQS.ReceiveMessage"
_LOOKS = ("GET", "HEAD")
_NOTHING = b"{}"


class OneAtATime:
    """A WSGI application that takes the next request when the one before has been answered whole."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer, whole."""
        # A slow sender must not hold the lock, so the body is read before.
        body = _body(environ)
        with self._lock:
            return list(self._application(_with_body(environ, body), start_response))


class LongPolls:
    """A WSGI application around SQS in which whoever waits for messages holds nobody up.

    The one inside is never asked to wait; it is asked again when something may have changed. `WaitTimeSeconds` counts
    as the request gives it; a queue's own waiting time does not.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._changes = 0
        self._ended = False
        self._changed = threading.Condition()

    def end(self) -> None:
        """From now on nobody waits: each long poll is answered at once."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer; to a long poll, the first one with messages or the last one in time."""
        if environ.get("HTTP_X_AMZ_TARGET") == _RECEIVE:
            return self._receive(environ, start_response)
        answer = self._application(environ, start_response)
        if environ["REQUEST_METHOD"] not in _LOOKS:
            self._note_change()
        return answer

    def _receive(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = json.loads(_body(environ))
        until = time.monotonic() + request.get("WaitTimeSeconds", 0)
        body = json.dumps(request | {"WaitTimeSeconds": 0}).encode()
        while True:
            seen, said = self._changes, _Said()
            answer = b"".join(self._application(_with_body(environ, body), said))
            if answer != _NOTHING or not self._wait(seen, until):
                start_response(*said.head)
                return [answer]

    def _wait(self, seen: int, until: float) -> bool:
        """Until it is worth asking again; False when there is no time left."""
        with self._changed:
            left = until - time.monotonic()
            if left > 0 and not self._ended:
                self._changed.wait_for(lambda: self._changes != seen or self._ended, min(left, LOOK_AGAIN_SECONDS))
            return left > 0 and not self._ended

    def _note_change(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()


class _Said:
    """Keeps status and headers until it is known whether they are the answer."""

    def __init__(self) -> None:
        self.head: tuple[Any, ...] = ()

    def __call__(self, *head: Any) -> Any:
        self.head = head


def _body(environ: WSGIEnvironment) -> bytes:
    source: Any = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(source.read())
    return bytes(source.read(int(environ.get("CONTENT_LENGTH") or 0)))


def _with_body(environ: WSGIEnvironment, body: bytes) -> WSGIEnvironment:
    return environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}

"""Between Reelay and S3: every attempt of a call is seen, and may be answered here, lost or let through.

Both ways to S3 can be tapped, the house's own (`reelay.s3_rest`) and boto3's, by which media are copied.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from urllib3.exceptions import HTTPError, ProtocolError

from reelay.bucket import Bucket
from reelay.s3_failures import ATTEMPTS
from reelay.s3_rest import Attempt, Body, Carry, Received
from reelay.wiring import House

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Around = Callable[[Attempt, Carry], Received]
"""What becomes of an attempt; calling the second with the first lets it through."""

Fault = Callable[[Attempt], Received | None]
"""What becomes of an attempt; None lets it through."""


def passes(_: Attempt) -> None:
    """The attempt reaches S3 and its answer comes back."""


def answers(status: int, body: str) -> Fault:
    """The attempt does not reach S3; something before it answers."""
    return lambda _: Received(status, urllib3.HTTPHeaderDict(), body.encode(), len(body))


def refuses(status: int, code: str) -> Fault:
    return answers(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>")


def unheard(_: Attempt) -> Received:
    """Nothing is heard, whatever was done."""
    raise ProtocolError("Connection aborted")


def loses(attempt: Attempt) -> Received:
    """The attempt reaches S3 and is done there; its answer is lost."""
    body = attempt.body if isinstance(attempt.body, bytes | None) else attempt.body.read()
    urllib3.request(attempt.method, attempt.url, body=body, headers=attempt.headers, retries=False)
    return unheard(attempt)


def at_once(bucket: Bucket) -> Bucket:
    """The bucket, whose repeated attempts do not wait."""
    bucket.rest.pause = lambda _: None
    return bucket


def tap(bucket: Bucket, around: Around) -> None:
    """Put `around` before whatever carries the house's own calls now."""
    carry = bucket.rest.carry
    bucket.rest.carry = lambda attempt: around(attempt, carry)


def tap_house(house: House, around: Around) -> None:
    """All calls of S3 that a house makes, boto3's too; repeats do not wait."""
    tap(at_once(house.bucket), around)
    tap_client(house.upload.client, around)
    events: Any = house.upload.client.meta.events  # the stubs overlook that it takes the handler's answer
    events.register_first("needs-retry.s3", repeated)


def tap_client(client: S3Client, around: Around) -> None:
    """Put `around` before whatever carries boto3's own calls now."""
    events: Any = client.meta.events  # the stubs overlook that these events take the handler's answer
    if events not in _ARMED:
        _ARMED[events] = _BotoWire()
        events.register("before-call.s3", _ARMED[events].called)
        events.register("before-send.s3", _ARMED[events].sent)
    _ARMED[events].arounds.append(around)


class _BotoWire:
    """Botocore's first handler that answers is its last, so that one has to stand for all of a client's."""

    def __init__(self) -> None:
        self.arounds: list[Around] = []
        self._here = threading.local()

    def called(self, **_: Any) -> None:
        self._here.number = 0

    def sent(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        self._here.number += 1
        operation, headers = event_name.rpartition(".")[2], dict(request.headers.items())
        body = cast("Body", request.body)
        attempt = Attempt(operation, self._here.number, request.method, request.url, headers, body)

        def carry(_: Attempt) -> Received:
            return from_boto(URLLib3Session().send(request))

        for around in self.arounds:
            carry = partial(_through, around, carry)
        try:
            return _to_boto(request.url, carry(attempt))
        except HTTPError:
            raise ReadTimeoutError(endpoint_url=request.url) from None


_ARMED: WeakKeyDictionary[object, _BotoWire] = WeakKeyDictionary()


def _through(around: Around, carry: Carry, attempt: Attempt) -> Received:
    return around(attempt, carry)


def repeated(attempts: int, response: Any, **_: Any) -> int | None:
    """botocore's own pauses take no time: try again at once what it would, as often as it would."""
    passing = response is None or response[0].status_code >= 500
    return 0 if passing and attempts < ATTEMPTS else None


def inject(bucket: Bucket, operation: str, *faults: Fault) -> list[str]:
    """Let the coming attempts of an operation meet these faults, one each; the list grows with each attempt's URL."""
    script = iter(faults)
    attempts: list[str] = []

    def around(attempt: Attempt, carry: Carry) -> Received:
        if attempt.operation != operation:
            return carry(attempt)
        attempts.append(attempt.url)
        return next(script, passes)(attempt) or carry(attempt)

    tap(bucket, around)
    return attempts


def count_calls(bucket: Bucket) -> list[str]:
    """The operations that the bucket is asked for, as they come."""
    calls: list[str] = []

    def around(attempt: Attempt, carry: Carry) -> Received:
        if attempt.number == 1:
            calls.append(attempt.operation)
        return carry(attempt)

    tap(bucket, around)
    return calls


def to_boto_request(attempt: Attempt, url: str) -> AWSPreparedRequest:
    """The attempt as botocore would send it, to `url`."""
    headers = HTTPHeaders()
    for name, value in attempt.headers.items():
        headers[name] = value
    return AWSPreparedRequest(attempt.method, url, headers, attempt.body, stream_output=False)


def from_boto(answer: AWSResponse) -> Received:
    return Received(answer.status_code, answer.headers, answer.content, len(answer.content))


def _to_boto(url: str, answer: Received) -> AWSResponse:
    headers = HTTPHeaders()
    for name, value in answer.headers.items():
        headers[name] = value
    raw = urllib3.HTTPResponse(io.BytesIO(answer.body), status=answer.status, preload_content=False)
    return AWSResponse(url, answer.status, headers, raw)

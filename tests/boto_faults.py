"""What may become of an attempt of a call that boto3 makes: answered here, lost, or let through."""

from __future__ import annotations

import io
from collections.abc import Callable

import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

Fault = Callable[[AWSPreparedRequest], AWSResponse | None]


def passes(_: AWSPreparedRequest) -> None:
    """The attempt reaches AWS and its answer comes back."""


def answers(status: int, body: str) -> Fault:
    """The attempt does not reach AWS; something before it answers."""

    def fault(request: AWSPreparedRequest) -> AWSResponse:
        raw = urllib3.HTTPResponse(io.BytesIO(body.encode()), status=status, preload_content=False)
        return AWSResponse(request.url, status, HTTPHeaders(), raw)

    return fault


def loses(request: AWSPreparedRequest) -> None:
    """The attempt reaches AWS and is done there; its answer is lost."""
    URLLib3Session().send(request)
    raise ReadTimeoutError(endpoint_url=request.url)

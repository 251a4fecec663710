"""Lambda's own API beside the REST API, as far as `aws lambda invoke` needs it; functions go by their logical ids.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. Only invocations that wait for their answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from dev.gateway.invocation import FunctionFailed
from dev.gateway.replies import Head

_PATH = re.compile(r"/2015-03-31/functions/([A-Za-z0-9]+)/invocations")


def invoked_function(method: str, path: str) -> str | None:
    """The function that a request invokes directly; None for every other request."""
    found = _PATH.fullmatch(path) if method == "POST" else None
    return found[1] if found else None


def invoke_reply(invoke: Callable[[str, Any], Any], function: str, payload: bytes) -> tuple[Head, bytes]:
    """What Lambda answers: the function's answer, or its error as the payload of a 200."""
    try:
        answer = invoke(function, json.loads(payload or b"{}"))
    except FunctionFailed as failure:
        return _head(200, "X-Amz-Function-Error", "Unhandled"), json.dumps(failure.payload).encode()
    except KeyError:
        return _refusal(404, "ResourceNotFoundException", f"Function not found: {function}")
    except ValueError:
        return _refusal(400, "InvalidRequestContentException", "The event, or the answer to it, is not JSON")
    except (TimeoutError, OSError):
        return _refusal(500, "ServiceException", f"{function} cannot be started")
    return _head(200, "X-Amz-Executed-Version", "$LATEST"), json.dumps(answer).encode()


def _head(status: int, name: str, value: str) -> Head:
    return Head(status, [("Content-Type", "application/json"), (name, value)])


def _refusal(status: int, kind: str, message: str) -> tuple[Head, bytes]:
    return _head(status, "X-Amzn-ErrorType", kind), json.dumps({"Type": "User", "Message": message}).encode()

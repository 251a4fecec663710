"""An authorizer that does what the token says: a word of its own, or an answer as JSON in base64url."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any


def handler(event: dict[str, Any], _context: Any) -> Any:
    """Answer. `{arn}` in the JSON becomes the method that is asked for, `{nonce}` a word that never comes again, and
    `{event}` the names and the type of what the authorizer was given."""
    play = event["authorizationToken"].removeprefix("Bearer ")
    if play == "unauthorized":
        raise PermissionError("Unauthorized")
    if play == "fails":
        raise PermissionError("Unauthorized, more or less")
    words = {
        "arn": event["methodArn"],
        "nonce": uuid.uuid4().hex,
        "event": f"{event['type']} {' '.join(sorted(event))}",
    }
    answer = base64.urlsafe_b64decode(play).decode()
    for name, word in words.items():
        answer = answer.replace(f"{{{name}}}", word)
    return json.loads(answer)

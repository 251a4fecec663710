"""Who pays for a call: what the authorizer says of its token, believed only where the token agrees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reelay.errors import Unauthorized
from reelay.identity import is_own
from reelay.payer import Payer


def payer_of(token: str | None, event: Mapping[str, Any]) -> Payer:
    """Who pays for a call, as the authorizer said in the event and the token confirms.

    A key of Reelay's own counts only where API Gateway's authorizer vouched for it: the service never pays for a token
    alone, and one of its keys never goes on to v98store. Raises Unauthorized.
    """
    told = _authorizer(event).get("payer")
    ours = token is not None and is_own(token)
    if ours != (told == Payer.SERVICE):
        raise Unauthorized("Nobody vouches for this key here. Use another one, or ask who runs this API.")
    return Payer.SERVICE if ours else Payer.CALLER


def _authorizer(event: Mapping[str, Any]) -> Mapping[str, Any]:
    context = event.get("requestContext")
    told = context.get("authorizer") if isinstance(context, Mapping) else None
    return told if isinstance(told, Mapping) else {}

"""Use case: whether a request begins a record or asks again for one that there is.

An Idempotency-Key names a request for 24 hours: the same key and body are the same record, whoever comes first. An
OpenAI SDK repeats a call by itself without a key and says so (`X-Stainless-Retry-Count`): then the body is the name,
for 17 minutes and as long as clocks may differ. A name is claimed before the record exists, and the record's id comes
from the claim, so that of two who carry the same name only one can create the record, and whoever creates it pays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reelay.errors import Conflict, NotFound, UnprocessableKey
from reelay.ids import new_core
from reelay.model import Call, Claim, Json, Phase, Record

if TYPE_CHECKING:
    from reelay.ports import Claims, Clock, Store

KEY_SECONDS = 24 * 3600
"""How long an Idempotency-Key is remembered (as Stripe's and most others')."""

RETRY_SECONDS = 15 * 60 + 2 * 60
"""How long after an attempt an SDK may still repeat it: the longest that a function, and so an attempt, can live, the
longest Retry-After that openai-python obeys (60 s), and its own back-off."""

CLOCK_SECONDS = 3600
"""And this much more, for the clocks of two functions that differ: a repetition that is told an answer of an hour ago
costs nothing, one that is taken for a new request is paid twice."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """`record` is the one that there is, or None: then a new one begins, with the id `core`."""

    core: str
    fingerprint: str
    record: Record | None = None


class Admission:
    """Tells first requests from repeated ones."""

    def __init__(self, claims: Claims, store: Store, clock: Clock, new_id: Callable[[float], str] = new_core) -> None:
        self._claims = claims
        self._store = store
        self._clock = clock
        self._new_id = new_id

    def admit(self, call: Call, request: Json, core: str | None = None) -> Admitted:
        """`request` is the chat completion that the call asks for, in whatever words, and `core` the id of the record
        if one begins; None makes a new one.

        Raises UnprocessableKey for a key that was used with another request, Conflict, and StoreFailed.
        """
        now = self._clock.now()
        ours = Claim("", core or self._new_id(now), fingerprint(request), int(now))
        key, repeats = call.headers.get("idempotency-key"), call.headers.get("x-stainless-retry-count")
        if key is not None:
            return self._by_key(call.tenant, replace(ours, name=f"key {key}"))
        if repeats is not None:
            return self._by_body(call.tenant, replace(ours, name=f"body {ours.fingerprint}", retry=int(repeats) > 0))
        return Admitted(ours.core, ours.fingerprint)

    def _by_key(self, tenant: str, ours: Claim) -> Admitted:
        held = self._claims.take(tenant, ours)
        if held.core != ours.core and ours.at - held.at > KEY_SECONDS:
            held = self._claims.replace(tenant, held, ours)
        if held.fingerprint != ours.fingerprint:
            raise UnprocessableKey(
                "This Idempotency-Key was used with another body within the last 24 hours. "
                "Send the same body again, or a new key for a new request."
            )
        return self._admitted(tenant, ours, held)

    def _by_body(self, tenant: str, ours: Claim) -> Admitted:
        """A first attempt is a new request, unless its own repetition has overtaken it."""
        held = self._claims.take(tenant, ours)
        fresh = ours.at - held.at <= RETRY_SECONDS + CLOCK_SECONDS
        if held.core != ours.core and not (fresh and (ours.retry or held.retry)):
            held = self._claims.replace(tenant, held, ours)
            if not (ours.retry or held.retry):  # another first attempt may have been faster; each is its own request
                return Admitted(ours.core, ours.fingerprint)
        if held.retry and not ours.retry:  # met by its first attempt; the next first attempt is another request
            held = self._claims.replace(tenant, held, replace(held, retry=False))
        return self._admitted(tenant, ours, held)

    def _admitted(self, tenant: str, ours: Claim, held: Claim) -> Admitted:
        if held.core == ours.core:
            return Admitted(ours.core, ours.fingerprint)
        try:
            record = self._store.load(tenant, held.core)
        except NotFound:
            if self._store.was_deleted(tenant, held.core):
                raise Conflict(
                    "This request was made before and its completion was deleted. It is not sent again; send a new "
                    "key for a new request.",
                    code="deleted",
                    headers={"x-should-retry": "false"},  # else OpenAI's SDKs ask twice more
                ) from None
            return Admitted(held.core, held.fingerprint)
        if record.phase is Phase.FAILED and record.problem and not record.problem.charged:
            # Nothing was paid, so asking again is what is wanted; of several who do, one begins anew.
            anew = replace(ours, retry=ours.retry and held.retry)
            return self._admitted(tenant, ours, self._claims.replace(tenant, held, anew))
        return Admitted(held.core, held.fingerprint, record)


def fingerprint(body: Json) -> str:
    """The digest of a request's meaning: the same JSON in another order of keys is the same."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

"""Adapter: the service's own key for the upstream, as a secret in Secrets Manager: the bare key and nothing else.

The role needs secretsmanager:GetSecretValue on the secret, and kms:Decrypt where a key of the account's own seals it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reelay.aws import failures
from reelay.bearer import bearer_token
from reelay.errors import KeyUnavailable, Unauthorized

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from reelay.ports import Clock

FRESH_SECONDS = 300
"""How long a key that was read is believed: what `ports.Keys` promises."""

REFUSED_SECONDS = 10
"""How long one is believed that the upstream refused: ours. Each job that waits would else read it once more."""

GRACE_SECONDS = 3600
"""How long a key is used while Secrets Manager does not answer: ours. One that was rotated meanwhile is refused by the
upstream, which costs nothing; without the grace every job would stand still for as long as the outage lasts."""

AGAIN_SECONDS = 30
"""After a reading that was not answered, before the next while a key is in hand: ours. One reading may take 20 s, in
which the caller hears nothing."""

OPERATORS_TO_MEND = frozenset(
    {"AccessDeniedException", "DecryptionFailure", "InvalidRequestException", "ResourceNotFoundException"}
)
"""Answers that time does not change (AWS Secrets Manager API reference, GetSecretValue; InvalidRequestException is a
secret marked for deletion). Whoever took the key away meant it, so there is no grace."""

_REMEDY = (
    "Nothing was sent. If this lasts, the operator of the service has to let its functions read the secret, and to put "
    "the bare key into it: aws secretsmanager put-secret-value --secret-id SECRET --secret-string file://KEYFILE"
)


class _Passing(KeyUnavailable):
    """Secrets Manager did not answer; it will again."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A key, and when it was asked for."""

    key: str = field(repr=False)
    at: float


class SecretsManagerKeys:
    """Keeps the promises of `ports.Keys` with the current version of one secret. For one thread at a time.

    While Secrets Manager is down the key that was read last serves until it is GRACE_SECONDS old, unless the upstream
    refused it.
    """

    def __init__(self, client: SecretsManagerClient, secret_id: str, clock: Clock) -> None:
        self._client = client
        self._secret_id = secret_id
        self._clock = clock
        self._held: _Read | None = None
        self._refused = False
        self._not_before = 0.0

    def key(self) -> str:
        """The key, read anew when it is FRESH_SECONDS old. Raises KeyUnavailable: it tells the operator what to do."""
        held, now = self._held, self._clock.monotonic()
        if held and now - held.at < (REFUSED_SECONDS if self._refused else FRESH_SECONDS):
            return held.key
        graced = held is not None and not self._refused and now - held.at < GRACE_SECONDS
        if held and graced and now < self._not_before:
            return held.key
        try:
            return self._read(now)
        except _Passing:
            if held is None or not graced:
                raise
            self._not_before = self._clock.monotonic() + AGAIN_SECONDS
            return held.key
        except KeyUnavailable:
            self._held = None
            raise

    def refused(self) -> None:
        """The upstream did not take the key: it is read anew as soon as it is REFUSED_SECONDS old."""
        self._refused = True

    def _read(self, now: float) -> str:
        with failures(_unreadable):
            answer = self._client.get_secret_value(SecretId=self._secret_id)
        self._held = _Read(_checked(answer.get("SecretString", "")), now)
        self._refused = False
        return self._held.key


def _checked(secret: str) -> str:
    key = secret.strip()
    try:
        bearer_token(f"Bearer {key}", optional=False)
    except Unauthorized:
        raise KeyUnavailable(f"The secret with the service's own key for v98store holds no key. {_REMEDY}") from None
    return key


def _unreadable(code: str) -> KeyUnavailable:
    kind = KeyUnavailable if code in OPERATORS_TO_MEND else _Passing
    return kind(f"The service's own key for v98store could not be read ({code}). {_REMEDY}")

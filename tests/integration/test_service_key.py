"""The promises of the Keys port, kept by the fake and by the adapter alike; then how often Secrets Manager is asked,
and what it can do to us."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from reelay.aws import client
from reelay.errors import KeyUnavailable
from reelay.s3_failures import ATTEMPTS
from reelay.service_key import (
    AGAIN_SECONDS,
    FRESH_SECONDS,
    GRACE_SECONDS,
    OPERATORS_TO_MEND,
    REFUSED_SECONDS,
    SecretsManagerKeys,
)
from tests.fakes import FakeClock, FakeKeys
from tests.integration.store.place import free_ports
from tests.integration.test_queue import inject, refuses

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from reelay.ports import Keys

KEY = "sk-Service_1~+/.=="
ROTATED = "sk-service-2"
DOWN = refuses(500, "InternalServiceError")


@dataclass(frozen=True)
class Safe:
    """Keys, and a way for the operator to put another one."""

    keys: Keys
    put: Callable[[str], object]


@dataclass(frozen=True)
class Secret:
    """A secret of moto's that holds KEY."""

    client: SecretsManagerClient
    name: str
    clock: FakeClock

    def keys(self) -> SecretsManagerKeys:
        return SecretsManagerKeys(self.client, self.name, self.clock)

    def put(self, value: str) -> None:
        self.client.put_secret_value(SecretId=self.name, SecretString=value)

    def read_first(self) -> SecretsManagerKeys:
        """Keys that have read KEY just now."""
        keys = self.keys()
        assert keys.key() == KEY
        return keys

    def down(self) -> list[str]:
        """From now on Secrets Manager is down."""
        return inject(self.client, *[DOWN] * 99)


@pytest.fixture
def secret(aws_environment: None) -> Secret:  # noqa: ARG001 - where the client finds the server
    made, name = client("secretsmanager"), f"test-{uuid.uuid4().hex}"
    made.create_secret(Name=name, SecretString=KEY)
    return Secret(made, name, FakeClock())


@pytest.fixture
def safe(request: pytest.FixtureRequest) -> Safe:
    """The keys that the test is parametrised with."""
    if request.param == "fake":
        fake = FakeKeys(KEY)
        return Safe(fake, lambda value: setattr(fake, "value", value))
    found: Secret = request.getfixturevalue(request.param)
    return Safe(found.keys(), found.put)


def reads(secret: Secret) -> list[str]:
    """Grows with each reading of the secret."""
    calls: list[str] = []
    secret.client.meta.events.register(
        "before-call.secrets-manager.GetSecretValue", lambda model, **_: calls.append(model.name)
    )
    return calls


@pytest.mark.parametrize("safe", ["fake", "secret"], indirect=True)
class TestPromises:
    def test_the_key_is_the_one_that_the_operator_put(self, safe: Safe) -> None:
        assert safe.keys.key() == KEY
        assert safe.keys.key() == KEY

    def test_a_key_that_was_put_before_the_first_use_is_used(self, safe: Safe) -> None:
        safe.put(ROTATED)
        assert safe.keys.key() == ROTATED

    def test_a_refusal_before_the_first_use_does_no_harm(self, safe: Safe) -> None:
        safe.keys.refused()
        assert safe.keys.key() == KEY


class TestReading:
    def test_a_key_is_read_once_in_five_minutes(self, secret: Secret) -> None:
        calls, keys = reads(secret), secret.read_first()
        secret.put(ROTATED)
        secret.clock.advance(FRESH_SECONDS - 1)
        assert keys.key() == KEY
        secret.clock.advance(1)
        assert keys.key() == keys.key() == ROTATED
        assert len(calls) == 2

    def test_a_refused_key_is_read_anew_but_not_at_once_again(self, secret: Secret) -> None:
        calls, keys = reads(secret), secret.read_first()
        secret.put(ROTATED)
        keys.refused()
        secret.clock.advance(REFUSED_SECONDS - 1)
        assert keys.key() == KEY
        secret.clock.advance(1)
        assert keys.key() == ROTATED
        assert len(calls) == 2

    def test_a_key_that_stays_refused_is_read_every_ten_seconds_at_most(self, secret: Secret) -> None:
        calls, keys = reads(secret), secret.read_first()
        for _ in range(3 * REFUSED_SECONDS):
            secret.clock.advance(1)
            assert keys.key() == KEY
            keys.refused()
        assert len(calls) == 1 + 3

    def test_a_new_key_is_believed_as_long_as_the_first(self, secret: Secret) -> None:
        keys = secret.read_first()
        keys.refused()
        secret.clock.advance(REFUSED_SECONDS)
        calls = reads(secret)
        keys.key()
        secret.clock.advance(FRESH_SECONDS - 1)
        keys.key()
        assert len(calls) == 1

    def test_white_space_around_a_key_is_no_part_of_it(self, secret: Secret) -> None:
        secret.put(f" \t{KEY}\r\n")
        assert secret.keys().key() == KEY

    @pytest.mark.parametrize(
        "value",
        [" ", "(not set)", f"Bearer {KEY}", f'{{"key":"{KEY}"}}', f"{KEY}\r\nX: y", f"{KEY},{KEY}", "x" * 4097, "🐕"],
    )
    def test_what_is_no_bearer_token_is_never_sent(self, secret: Secret, value: str) -> None:
        secret.put(value)
        with pytest.raises(KeyUnavailable, match="aws secretsmanager put-secret-value") as unavailable:
            secret.keys().key()
        assert KEY not in unavailable.value.message
        assert secret.name not in unavailable.value.message

    def test_a_secret_of_bytes_holds_no_key(self, secret: Secret) -> None:
        secret.client.put_secret_value(SecretId=secret.name, SecretBinary=KEY.encode())
        with pytest.raises(KeyUnavailable, match="holds no key"):
            secret.keys().key()

    def test_the_key_is_in_no_representation_and_no_log(self, secret: Secret, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO):
            keys = secret.read_first()
        assert KEY not in repr(keys) + repr(vars(keys)) + caplog.text


class TestFaults:
    def test_a_busy_secrets_manager_is_asked_again(self, secret: Secret) -> None:
        attempts = inject(secret.client, DOWN, refuses(400, "ThrottlingException"))
        assert secret.keys().key() == KEY
        assert len(attempts) == ATTEMPTS

    def test_a_secret_that_was_never_put_tells_the_operator_what_to_do(self, secret: Secret) -> None:
        with pytest.raises(KeyUnavailable, match=r"ResourceNotFoundException.*aws secretsmanager put-secret-value"):
            SecretsManagerKeys(secret.client, "no-such-secret", secret.clock).key()

    @pytest.mark.usefixtures("aws_environment")
    def test_a_first_key_that_cannot_be_read_is_unavailable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{free_ports(1)[0]}")
        with pytest.raises(KeyUnavailable, match=r"EndpointConnectionError.*put-secret-value") as unavailable:
            SecretsManagerKeys(client("secretsmanager"), "reelay", FakeClock()).key()
        assert "127.0.0.1" not in unavailable.value.message
        assert unavailable.value.__suppress_context__

    def test_a_key_serves_for_an_hour_while_secrets_manager_is_down(self, secret: Secret) -> None:
        keys = secret.read_first()
        attempts = secret.down()
        secret.clock.advance(GRACE_SECONDS - 1)
        assert keys.key() == KEY
        assert attempts
        secret.clock.advance(1)
        with pytest.raises(KeyUnavailable, match="InternalServiceError"):
            keys.key()

    def test_a_key_is_read_again_as_soon_as_that_is_possible(self, secret: Secret) -> None:
        keys = secret.read_first()
        secret.put(ROTATED)
        inject(secret.client, *[DOWN] * ATTEMPTS)
        secret.clock.advance(FRESH_SECONDS)
        assert keys.key() == KEY
        assert keys.key() == KEY, "nobody is made to wait again for what does not answer"
        secret.clock.advance(AGAIN_SECONDS)
        assert keys.key() == ROTATED

    def test_a_refused_key_does_not_serve_while_secrets_manager_is_down(self, secret: Secret) -> None:
        keys = secret.read_first()
        secret.down()
        keys.refused()
        secret.clock.advance(REFUSED_SECONDS)
        with pytest.raises(KeyUnavailable):
            keys.key()

    @pytest.mark.parametrize("code", sorted(OPERATORS_TO_MEND))
    def test_a_key_that_the_operator_took_away_is_not_used_again(self, secret: Secret, code: str) -> None:
        keys = secret.read_first()
        secret.clock.advance(FRESH_SECONDS)
        inject(secret.client, refuses(400, code), *[DOWN] * 99)
        with pytest.raises(KeyUnavailable, match=code):
            keys.key()
        with pytest.raises(KeyUnavailable, match="InternalServiceError"):
            keys.key()

    def test_a_key_that_was_overwritten_with_something_else_is_not_used_again(self, secret: Secret) -> None:
        keys = secret.read_first()
        secret.put("(not set)")
        secret.clock.advance(FRESH_SECONDS)
        with pytest.raises(KeyUnavailable, match="holds no key"):
            keys.key()

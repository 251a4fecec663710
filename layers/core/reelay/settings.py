"""The only reader of the environment: every variable by name, checked at the cold start, all faults named at once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

UPSTREAM_BASE_URL = "https://v98store.com/v1"
"""Where v98store answers over TLS: the host that it documents, with https."""

_SWITCH = {"true": True, "false": False}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z", re.ASCII)


class SettingsError(Exception):
    """The environment is wrong; the message names every variable, what was expected and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides. `runtime_api` is None where answers have to be buffered."""

    bucket: str
    upstream_base_url: str = UPSTREAM_BASE_URL
    upstream_plain_http: bool = False
    allow_anonymous: bool = False
    media_allowed_hosts: frozenset[str] = frozenset()
    media_trusted_origins: frozenset[str] = frozenset()
    tracing: bool = False
    runtime_api: str | None = None


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in `environment`; raises SettingsError naming all that is wrong."""
    reader = _Reader(environment)
    settings = Settings(
        bucket=reader.bucket("BUCKET_NAME"),
        upstream_base_url=reader.url("UPSTREAM_BASE_URL", UPSTREAM_BASE_URL),
        upstream_plain_http=reader.switch("UPSTREAM_PLAIN_HTTP"),
        allow_anonymous=reader.switch("ALLOW_ANONYMOUS"),
        media_allowed_hosts=reader.words("MEDIA_ALLOWED_HOSTS"),
        media_trusted_origins=reader.words("MEDIA_TRUSTED_ORIGINS"),
        tracing=reader.switch("TRACING"),
        runtime_api=reader.runtime_api(),
    )
    if settings.upstream_base_url.startswith("http://") and not settings.upstream_plain_http:
        reader.faults.append(
            "UPSTREAM_BASE_URL: plain http would send the key in the clear; use https, or set UPSTREAM_PLAIN_HTTP=true"
        )
    if reader.faults:
        raise SettingsError("The environment does not fit:\n" + "\n".join(f"- {fault}" for fault in reader.faults))
    return settings


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def bucket(self, name: str) -> str:
        value = self._environment.get(name, "")
        if not _BUCKET.match(value):
            self.faults.append(f"{name}: expected the name of the S3 bucket that keeps the records, got {value!r}")
        return value

    def url(self, name: str, default: str) -> str:
        value = (self._environment.get(name) or default).rstrip("/")
        parts = urlsplit(value)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or parts.username
        ):
            self.faults.append(f"{name}: expected a URL such as {default} without credentials, query or fragment")
        return value

    def switch(self, name: str) -> bool:
        value = self._environment.get(name) or "false"
        if value not in _SWITCH:
            self.faults.append(f'{name}: expected "true" or "false", got {value!r}')
        return _SWITCH.get(value, False)

    def words(self, name: str) -> frozenset[str]:
        return frozenset(word.strip() for word in self._environment.get(name, "").split(",") if word.strip())

    def runtime_api(self) -> str | None:
        """Streams need the Runtime API; `sam local` has one whose front end cannot pass them on (AWS_SAM_LOCAL)."""
        wanted = self._environment.get("RESPONSE_STREAMING") or "true"
        if wanted not in _SWITCH:
            self.faults.append(f'RESPONSE_STREAMING: expected "true" or "false", got {wanted!r}')
        if wanted == "false" or self._environment.get("AWS_SAM_LOCAL") == "true":
            return None
        return self._environment.get("AWS_LAMBDA_RUNTIME_API") or None

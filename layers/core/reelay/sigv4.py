"""Requests to S3, signed: AWS Signature Version 4 as S3 wants it, in a header or in a link.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and sigv4-query-string-auth.html. Time and
credentials are arguments. botocore signs the same, and the tests hold this room to it; but botocore's client takes some
0.7 ms for each call, and its import half of a cold start (DECISIONS.md).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-._~"
UNSIGNED = "UNSIGNED-PAYLOAD"
"""In place of a body's digest in a link: whoever follows it sends none."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; `token` is there for temporary ones."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """For which region a signature holds, and for the day of `at`, in Unix seconds."""

    region: str
    at: float

    @property
    def time(self) -> str:
        """ISO 8601's basic form, in UTC."""
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.at))

    @property
    def text(self) -> str:
        """The credential scope."""
        return f"{self.time[:8]}/{self.region}/s3/aws4_request"


def path_of(*parts: str) -> str:
    """An absolute path of these, escaped once, as S3 wants it and no other service; a slash in one stays a slash."""
    return "".join("/" + quote(part, safe="/" + _UNRESERVED) for part in parts)


def query_of(query: Mapping[str, str]) -> str:
    """The query as it is signed: escaped, and then in the order of the names."""
    return "&".join(f"{name}={value}" for name, value in sorted((_escaped(n), _escaped(v)) for n, v in query.items()))


def signed(  # noqa: PLR0913 - the parts of a request, by name, and who signs it when
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    digest: str,
    *,
    credentials: Credentials,
    scope: Scope,
) -> dict[str, str]:
    """`headers`, Host among them, with the ones that sign them all. `digest` is the body's SHA-256 in hex, which S3
    compares with what it received; `path` and `query` are escaped."""
    sent = {**headers, "X-Amz-Content-SHA256": digest, "X-Amz-Date": scope.time}
    if credentials.token:
        sent["X-Amz-Security-Token"] = credentials.token
    names, canonical = _canonical(sent)
    signature = _signature(f"{method}\n{path}\n{query}\n{canonical}\n{names}\n{digest}", credentials, scope)
    sent["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{scope.text}, SignedHeaders={names}, Signature={signature}"
    )
    return sent


def link(host: str, path: str, query: Mapping[str, str], seconds: int, credentials: Credentials, scope: Scope) -> str:
    """The path and query by which whoever has them may GET the object for `seconds`. `path` is escaped, `query` not."""
    asked = {
        **query,
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.key_id}/{scope.text}",
        "X-Amz-Date": scope.time,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.token:
        asked["X-Amz-Security-Token"] = credentials.token
    text = query_of(asked)
    signature = _signature(f"GET\n{path}\n{text}\nhost:{host}\n\nhost\n{UNSIGNED}", credentials, scope)
    return f"{path}?{text}&X-Amz-Signature={signature}"


def _canonical(headers: Mapping[str, str]) -> tuple[str, str]:
    """The names that are signed, and the lines with their values."""
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    return ";".join(name for name, _ in lines), "".join(f"{name}:{value}\n" for name, value in lines)


def _signature(request: str, credentials: Credentials, scope: Scope) -> str:
    hashed = hashlib.sha256(request.encode()).hexdigest()
    key = _signing_key(credentials.secret, scope.time[:8], scope.region)
    return _mac(key, f"{_ALGORITHM}\n{scope.time}\n{scope.text}\n{hashed}").hex()


@lru_cache(maxsize=2)  # today's, and around midnight yesterday's
def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _escaped(text: str) -> str:
    return quote(text, safe=_UNRESERVED)

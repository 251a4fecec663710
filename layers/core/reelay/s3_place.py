"""Where a bucket answers: S3's own host names, or a stand-in's URL. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from reelay.sigv4 import path_of

DNS_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
"""Of regions that begin so; all others answer under amazonaws.com. The source is botocore's partitions.json."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bucket answers. `path` is what comes before a key's slash: the bucket's name in the style of a
    stand-in, nothing at S3 itself, whose host has the name. `port` is None for the scheme's own."""

    secure: bool
    host: str
    port: int | None
    path: str
    region: str

    @property
    def authority(self) -> str:
        """The Host header: without the scheme's own port, for whoever follows a link leaves that out."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port is None else f"{name}:{self.port}"

    @property
    def origin(self) -> str:
        """Before a path."""
        return f"{'https' if self.secure else 'http'}://{self.authority}"


def place_of(bucket: str, region: str, endpoint: str | None) -> Place:
    """The bucket at S3 itself, or at `endpoint`, the base URL of a stand-in. Raises ValueError where that is none."""
    if endpoint is None:
        suffix = next((suffix for start, suffix in DNS_SUFFIXES.items() if region.startswith(start)), "amazonaws.com")
        if "." in bucket:  # S3's certificate has one label for the bucket
            return Place(secure=True, host=f"s3.{region}.{suffix}", port=None, path=path_of(bucket), region=region)
        return Place(secure=True, host=f"{bucket}.s3.{region}.{suffix}", port=None, path="", region=region)
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise ValueError("the endpoint of S3 is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the endpoint of S3 has to begin with https:// or http:// and to name a host")
    secure = parts.scheme == "https"
    path = parts.path.rstrip("/") + path_of(bucket)
    return Place(secure, parts.hostname, None if port == (443 if secure else 80) else port, path, region)

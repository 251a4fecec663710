"""Who pays: a word between the authorizer, API Gateway and the doors. Alone, for the authorizer needs nothing else."""

from __future__ import annotations

from enum import StrEnum


class Payer(StrEnum):
    """Whose key v98store is asked with: the caller's own, or the service's."""

    CALLER = "caller"
    SERVICE = "service"

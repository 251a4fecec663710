"""A job as the body of a message between whoever asks and the workers. No I/O."""

from __future__ import annotations

import json

from reelay import documents
from reelay.model import Job


def message_of(job: Job) -> str:
    """The body that names the job."""
    return json.dumps({"tenant": job.tenant, "id": job.id}, separators=(",", ":"))


def job_in(body: str) -> Job:
    """The job that a message's body names; fields that a later version may add are passed over.

    Raises ValueError for whatever is not one; its words hold nothing of the body.
    """
    try:
        named = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("a message that is not JSON") from None
    match named:
        case {"tenant": str(tenant), "id": str(core)} if job := documents.job_of(tenant, core):
            return job
    raise ValueError("a message that names no record")

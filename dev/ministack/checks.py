"""What has to come of a trigger: one call of the upstream, a completed record, its video in the bucket."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from dev.ministack import NotSo
from dev.ministack.deployed import Deployed, eventually
from dev.ministack.overheard import Overheard
from dev.ministack.triggers import TRIGGERS, outcome
from dev.simulator import Simulator
from dev.simulator.cdn import VIDEO
from reelay.documents import KEPT_PREFIX

DEAD_LETTERS = ("RequestsDeadLetters", "JobsDeadLetters")
QUEUES = ("RequestsQueue", "JobsQueue")


def completed(stack: Deployed, trigger: str) -> str:
    """The id of the completion that the trigger asked for, read through the API once its video is archived.

    Raises NotSo when it does not come about, or when the bucket holds another video than the upstream sent.
    """
    listed = f"/v1/chat/completions?metadata%5Btrigger%5D={trigger}"
    found = eventually(f"A completed record of the {trigger}", lambda: stack.json(listed)["data"])
    if len(found) != 1:
        raise NotSo(f"The {trigger} made {len(found)} completions.")
    name = str(found[0]["id"])
    link = eventually(f"The video of the {trigger} in the bucket", lambda: _link(stack, name))
    if stack.follow(link) != VIDEO:
        raise NotSo(f"The video of the {trigger} is not the one that the upstream sent.")
    return name


def _link(stack: Deployed, name: str) -> str | None:
    """Where the video may be had; None while it is being archived (409)."""
    answer = stack.get(f"/v1/videos/{name}/content")
    if answer.status not in (302, 409):
        raise NotSo(f"The API answered {answer.status} to GET /v1/videos/{{video_id}}/content.")
    return answer.headers["Location"] if answer.status == 302 else None


def beside_the_file(stack: Deployed, name: str) -> None:
    """The outcome of the dropped file is that completion, with its video."""
    laid = outcome(stack)
    videos = [media["sha256"] for media in laid.get("media", []) if media["kind"] == "video"]
    if laid.get("id") != name or videos != [sha256(VIDEO).hexdigest()]:
        raise NotSo("The outcome beside the dropped file is not its completion with its video.")


def refused(stack: Deployed, body: Any) -> None:
    """The intake says what is wrong with a request that the contract does not take."""
    told = stack.invoke("IntakeFunction", body)
    if (told or {}).get("error", {}).get("type") != "invalid_request_error":
        raise NotSo("The intake took a request that the contract refuses.")


def paid_once(simulator: Simulator) -> None:
    """The upstream was called once for each trigger and never for anything else, and had nothing to complain of."""
    if simulator.posts != len(TRIGGERS):
        raise NotSo(f"{len(TRIGGERS)} triggers made {simulator.posts} calls of the upstream.")
    if simulator.complaints:
        raise NotSo("The upstream complains: " + "; ".join(simulator.complaints))


def nothing_left(stack: Deployed) -> None:
    """The queues are empty, and nothing became a dead letter."""
    eventually("That the queues are empty", lambda: not any(stack.waiting(queue) for queue in QUEUES))
    for queue in DEAD_LETTERS:
        if stack.waiting(queue):
            raise NotSo(f"{queue} holds what should have been done.")


def told(overheard: Overheard) -> None:
    """The bus carried the end of every completion, the media of each, and the one refusal."""
    expected = {"Completion Completed": len(TRIGGERS), "Media Archived": len(TRIGGERS), "Completion Failed": 1}
    eventually("The events " + ", ".join(expected), lambda: overheard.counted().keys() >= expected.keys())
    if (heard := overheard.counted()) != expected:
        raise NotSo(f"The bus carried {dict(heard)} instead of {expected}.")


def deleted(stack: Deployed) -> None:
    """No stack is there, and the records that it kept still are."""
    if stack.stands():
        raise NotSo("The stack is still there.")
    kept = stack.s3.list_objects_v2(Bucket=stack.names["Bucket"], Prefix=KEPT_PREFIX)
    if not kept.get("KeyCount"):
        raise NotSo("The records went with the stack.")

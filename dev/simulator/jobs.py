"""What became of each job, told to whoever asks by its task id.

While its answer is being played a job is where the answer has come to. An answer that was cut does not end its job:
the first question after the cut finds the job where the answer left it, every later one finds it completed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from urllib.parse import parse_qs

from dev.simulator import cdn
from dev.simulator.ask import Ask
from dev.simulator.steps import Reached, Steps
from dev.simulator.telling import compact

SHARE = "/api/share/"
QUERY = "/v1/video/query"
KEPT_JOBS = 2_000
"""The oldest is forgotten first."""

_TERMINAL = ("completed", "failed")
_COMPLETED = Reached("completed", 100)


@dataclass
class _Job:
    ask: Ask
    reached: Reached
    left: bool = False


class Jobs:
    """Every job of one simulator."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}

    def reached(self, ask: Ask, mark: Reached) -> None:
        """The job of this request, begun with its first mark, is this far."""
        with self._lock:
            self._jobs.setdefault(ask.task_id, _Job(ask, mark)).reached = mark
            if len(self._jobs) > KEPT_JOBS:
                del self._jobs[next(iter(self._jobs))]

    def left(self, ask: Ask) -> None:
        """The answer is over, however it ended."""
        with self._lock:
            if ask.task_id in self._jobs:
                self._jobs[ask.task_id].left = True

    def answer(self, path: str, query: str, now: float) -> Steps:
        """`GET /api/share/{task_id}` or `GET /v1/video/query?id=`."""
        asked = parse_qs(query).get("id", [""])[0] if path == QUERY else path.removeprefix(SHARE)
        told = self._told(asked.rpartition(":")[2])
        if told is None:
            error = {"message": "任务不存在", "type": "new_api_error", "param": "", "code": "task_not_exist"}
            return cdn.file(compact({"error": error}), "application/json", status=404)
        ask, mark = told
        done = mark.status == "completed"
        url = ask.link() if done else None
        if path == QUERY:
            reply = {"id": asked, "status": mark.status, "video_url": url, "status_update_time": int(now * 1000)}
            return cdn.file(compact(reply), "application/json")
        gif = ask.link("webp") if done else None
        content = {"status": mark.status, "progress": mark.progress, "url": url, "gif_url": gif}
        return cdn.file(compact({"content": content}), "application/json")

    def _told(self, task_id: str) -> tuple[Ask, Reached] | None:
        with self._lock:
            job = self._jobs.get(task_id)
            if job is None:
                return None
            mark = job.reached
            if job.left and mark.status not in _TERMINAL:
                job.reached = _COMPLETED
            return job.ask, mark

"""HTTP on one connection: what was asked, checked, looked up, and played."""

from __future__ import annotations

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from dev.simulator import cdn, checks, faults, jobs, scenes
from dev.simulator.ask import Ask
from dev.simulator.ledger import Received
from dev.simulator.play import Player
from dev.simulator.scenes.errors import Refusal
from dev.simulator.steps import Steps

if TYPE_CHECKING:
    from dev.simulator.scenes.scene import Scene
    from dev.simulator.server import Simulator

CHAT = "/v1/chat/completions"
BODY_LIMIT = 32 * 2**20
"""Bytes; a larger body is answered 413, as v98store's siblings do."""


class Handler(BaseHTTPRequestHandler):
    """One connection. `simulator` is bound by the subclass that the Simulator makes."""

    simulator: Simulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nothing: what came is in the ledger."""

    def _answer(self) -> None:
        body = self._body()
        path, _, query = self._target.partition("?")
        if self.command == "POST" and path == CHAT:
            self._chat(body)
        elif self.command in ("GET", "HEAD"):
            self._play(self._looked_up(path, query))
        else:
            self._play(self._unknown(path))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - http.server's names

    def _chat(self, body: bytes) -> None:
        sim = self.simulator
        now = sim.clock()
        number, attempt = sim.ledger.receive(Received(self.command, self._target, self._fields(), body, now))
        name, decoded, complaints = self._judged(body)
        sim.ledger.complain(complaints)
        asked = decoded or {"model": "", "messages": []}
        ask = Ask(asked, sim.origin, now, number, attempt, sim.retry_after, sim.link_seconds)
        try:
            self._play(_scene(name, ask, complaints, sim.only), ask)
        finally:
            sim.jobs.left(ask)

    def _judged(self, body: bytes) -> tuple[str | None, dict[str, Any] | None, list[str]]:
        """The scene's name and the decoded body, each None where there is none to play, and the complaints."""
        if len(body) > BODY_LIMIT:
            return "sim-413", None, []
        decoded, complaints = checks.of_chat(self.headers.items(), body)
        if "?" in self._target:
            complaints.append("the chat endpoint takes no query")
        if decoded is None or complaints:
            return None, None, complaints
        name = scenes.DEFAULT if self.simulator.only else scenes.name_for(decoded["model"], self._fields())
        if name is None:
            complaints.append("there is no scene of that name: python -m dev.simulator --list")
        return name, decoded, complaints

    def _looked_up(self, path: str, query: str) -> Steps:
        sim = self.simulator
        if path.startswith(("/cdn/", "/faults/", "/big/")):
            sim.ledger.complain(checks.of_media(self.headers.items()))
        if path.startswith("/cdn/"):
            return cdn.serve(path, query, self._fields(), sim.clock(), sim.link_seconds)
        if path.startswith("/faults/"):
            return faults.serve(path, sim.origin)
        if path.startswith("/big/"):
            return cdn.big(path, with_length="nolength=1" not in query)
        if path.startswith(jobs.SHARE) or path == jobs.QUERY:
            return sim.jobs.answer(path, query, sim.clock())
        return self._unknown(path)

    @property
    def _target(self) -> str:
        """The request target as it came; http.server's `path` hides a doubled slash at its beginning."""
        return self.requestline.split()[1]

    def _fields(self) -> Mapping[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _unknown(self, path: str) -> Steps:
        """Nothing is here, and a working relay would not have asked."""
        self.simulator.ledger.complain([f"there is no {self.command} {path[:80]}"])
        return cdn.plain(404, "no such address")

    def _play(self, steps: Steps, ask: Ask | None = None) -> None:
        sim = self.simulator
        player = Player(self.connection, sim.pace, not self.close_connection, self.command == "HEAD")
        if ask is not None:
            player.noted = lambda data: sim.ledger.send(ask.number, data)
            player.reached = lambda mark: sim.jobs.reached(ask, mark)
        self.close_connection = True
        self.close_connection = not player.play(steps)

    def _body(self) -> bytes:
        """The whole request body. Raises OSError when the client leaves before its end."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunked()
        return self._exactly(int(self.headers.get("Content-Length") or 0))

    def _chunked(self) -> bytes:
        pieces = []
        while size := int(self.rfile.readline(64).split(b";")[0], 16):
            pieces.append(self._exactly(size))
            self._exactly(2)
        while self.rfile.readline(1024).strip():
            continue
        return b"".join(pieces)

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionAbortedError("the client left before the end of its request")
        return data


def _scene(name: str | None, ask: Ask, complaints: list[str], only: Scene | None) -> Steps:
    if name is None:
        return Refusal(400, "simulator: " + "; ".join(complaints), "invalid_request", param="").play(ask)
    return only.play(ask) if only else scenes.play(name, ask)

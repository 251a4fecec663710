"""What relays answer that exist only in these tests, connection by connection."""

from __future__ import annotations

import json
import re
import socket
import time
from email.utils import formatdate
from urllib.parse import urlsplit

from tests.integration.fault_server import FaultServer, Peer, Script, http

ONE = "video_01kmbq6b80g00000000000000a"
JSON = {"Content_Type": "application/json"}


def video(status: str = "in_progress", progress: int = 40, again_ms: int = 200) -> bytes:
    """An answer with a video in it, which wants to be looked at again after so long."""
    data = {"id": ONE, "object": "video", "status": status, "progress": progress, "model": "sora-2", "created_at": 1}
    return http("200 OK", json.dumps(data).encode(), openai_poll_after_ms=str(again_ms), **JSON)


def error(status: str, code: str, message: str = "No.", **headers: str) -> bytes:
    """An answer in the relay's envelope."""
    told = {"error": {"message": message, "type": "server_error", "param": None, "code": code}}
    return http(status, json.dumps(told).encode(), **JSON, **headers)


def cut(peer: Peer) -> None:
    """Takes the request and leaves."""
    peer.request()
    peer.reset()


def forwarded(url: str, *, answered: bool) -> Script:
    """Takes the request to the real relay, and loses its answer or brings it."""

    def play(peer: Peer) -> None:
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as relay:
            relay.sendall(re.sub(rb"(?i)\r\nconnection: [^\r]*", b"\r\nConnection: close", peer.request()))
            reply = b"".join(iter(lambda: relay.recv(65_536), b""))
        if answered:
            peer.send(reply)
        else:
            peer.reset()

    return play


def names(server: FaultServer) -> set[bytes]:
    """The Idempotency-Keys that came."""
    return {name for post in server.posts for name in re.findall(rb"(?i)\r\nidempotency-key: ([^\r]+)", post)}


def contract(version: str = "0.1.0", title: str = "Reelay", ahead: float = 0.0) -> Script:
    """Takes the request and publishes what a relay does, whose clock is so many seconds ahead when it is asked."""
    body = json.dumps({"openapi": "3.1.0", "info": {"title": title, "version": version}}).encode()

    def play(peer: Peer) -> None:
        peer.request()
        peer.send(http("200 OK", body, Date=formatdate(time.time() + ahead, usegmt=True), **JSON))

    return play


EMPTY = http("200 OK", b'{"object": "list", "data": [], "has_more": false, "last_id": null}', **JSON)

"""Answers that end well with a link that leads nowhere good; the addresses behind them are in faults.py."""

from __future__ import annotations

from collections.abc import Callable

from dev.simulator.ask import Ask
from dev.simulator.faults import FAULTS
from dev.simulator.scenes import captured
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Steps
from dev.simulator.telling import told

HUGE_BYTES = 2 * 2**30


def _leading_to(link: Callable[[Ask], str]) -> Callable[[Ask], Steps]:
    return lambda ask: told(ask, captured.beats(ask, video=link(ask)))


def _fault(name: str) -> Callable[[Ask], Steps]:
    return _leading_to(lambda ask: f"{ask.origin}/faults/{name}/{ask.seed[:32]}.mp4")


def _elsewhere(url: str) -> Callable[[Ask], Steps]:
    return _leading_to(lambda _: url)


_NAMES = {
    "sim-html-video": "html",
    "sim-zero-byte-video": "zero",
    "sim-no-moov": "no-moov",
    "sim-redirect-loop": "loop",
    "sim-redirect-private": "private",
    "sim-redirect-hops": "hops-4",
    "sim-drip-video": "drip",
    "sim-short-video": "short",
    "sim-gzip-video": "gzip",
    "sim-403-video": "403",
    "sim-404-video": "404",
    "sim-500-video": "500",
}

_ELSEWHERE = {
    "sim-link-metadata": "http://169.254.169.254/latest/meta-data/clip.mp4",
    "sim-link-loopback": "http://127.0.0.1:9001/clip.mp4",
    "sim-link-loopback-v6": "http://[::1]/clip.mp4",
    "sim-link-private": "https://10.0.0.8/clip.mp4",
}

SCENES = {
    "sim-expired-link": Scene(
        "the links had expired when they were sent: 403",
        lambda ask: told(
            ask, captured.beats(ask, *(ask.link(kind, age=ask.link_seconds + 1) for kind in ("mp4", "webp")))
        ),
    ),
    "sim-huge-video": Scene(
        "a video of 2 GiB that does not say its length",
        _leading_to(lambda ask: f"{ask.origin}/big/{HUGE_BYTES}.mp4?nolength=1"),
    ),
    **{name: Scene(FAULTS[fault].says, _fault(fault)) for name, fault in _NAMES.items()},
    **{name: Scene(f"the video link is {url}", _elsewhere(url)) for name, url in _ELSEWHERE.items()},
}

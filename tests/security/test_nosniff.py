"""No answer may be taken by a browser for anything else than it says it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.template import read
from tests.e2e.local_house import LocalHouse

ROOT = Path(__file__).resolve().parents[2]
NOSNIFF = "X-Content-Type-Options"


@pytest.mark.case("html-served", "media-sniffed")
def test_every_answer_of_the_doors_forbids_guessing(house: LocalHouse) -> None:
    made = house.create("sora-2")
    one = made.frames[0]["id"]
    live = house.live("sora-2")
    stored = (
        "/v1/chat/completions",
        f"/v1/chat/completions/{one}",
        f"/v1/chat/completions/{one}/messages",
        "/v1/videos",
    )
    others: tuple[str, ...] = (
        f"/v1/videos/{one}",
        f"/v1/videos/{one}/content",
        "/openapi.yaml",
        "/openapi.json",
        "/v1/nowhere",
    )
    others += ("/", "/studio/1/app.js", "/studio/1/style.css", "/studio/1/nothing.js")
    others += ("/docs", "/docs/1/rapidoc-min.js", "/docs/1/nothing.js")
    answers = [made, house.create("sora-2", stream=False), house.create("sim-502-html"), house.create("sim-html-200")]
    answers += [house.create("sim-400-invalid-request"), house.post(b"{"), house.post({"model": 1})]
    answers += [house.call("GET", path) for path in stored + others]
    answers += [house.call("GET", "/v1/videos", key=None), house.call("PATCH", "/v1/videos")]
    answers += [house.call("DELETE", f"/v1/videos/{one}")]
    assert {answer.status for answer in answers} >= {200, 302, 400, 401, 404, 405, 502}
    assert [answer.headers.get(NOSNIFF) for answer in answers] == ["nosniff"] * len(answers)
    assert live.headers[NOSNIFF] == "nosniff"


@pytest.mark.case("html-served")
def test_api_gateways_own_answers_do_too() -> None:
    responses = read(ROOT / "template.yaml").responses
    assert {kind: response.headers.get(NOSNIFF) for kind, response in responses.items()} == dict.fromkeys(
        responses, "'nosniff'"
    )

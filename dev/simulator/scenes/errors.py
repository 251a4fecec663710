"""Answers that are errors from the first byte: the Errors table as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dev.simulator.ask import Ask
from dev.simulator.scenes import captured
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Frame, Framing, Head, Steps
from dev.simulator.telling import compact, document, told

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row: `retry_after` sends that header with the simulator's seconds; `relays` is how many request ids the
    message ends with, one for each relay it came through."""

    status: int
    message: str
    code: object = _ABSENT
    type: str = "new_api_error"
    param: object = _ABSENT
    retry_after: bool = False
    relays: int = 1

    def envelope(self, ask: Ask) -> dict[str, Any]:
        """The error body; keys that the row does not name are absent."""
        suffix = f" (request id: {ask.request_id})" * self.relays
        error: dict[str, Any] = {"message": self.message.replace("{model}", ask.model) + suffix, "type": self.type}
        error |= {key: value for key, value in (("param", self.param), ("code", self.code)) if value is not _ABSENT}
        return {"error": error}

    def play(self, ask: Ask) -> Steps:
        """The answer."""
        more = {"Retry-After": str(ask.retry_after)} if self.retry_after else {}
        return document(ask, compact(self.envelope(ask)), self.status, more)


SATURATED = Refusal(429, "当前分组上游负载已饱和，请稍后再试", "", param="", relays=2)
_NO_CHANNEL = "分组 default 下模型 {model} 无可用渠道（distributor）"

REFUSALS = {
    "sim-400-invalid-request": Refusal(400, "请求参数错误：size 不支持", "invalid_request", "one_api_error", ""),
    "sim-400-bad-request-body": Refusal(400, "读取请求体失败", "bad_request_body", param=""),
    "sim-400-empty-code": Refusal(400, "参数无效", "", param=""),
    "sim-400-null-code": Refusal(400, "参数无效", None, param=None),
    "sim-sentinel-block": Refusal(
        400, "提示词可能包含违规内容，已被拦截", "sentinel_block", "invalid_request_error", ""
    ),
    "sim-moderation-blocked": Refusal(
        400, "Your request was blocked by our moderation system.", "moderation_blocked", "image_generation_user_error"
    ),
    "sim-401": Refusal(401, "无效的令牌", ""),
    "sim-401-expired": Refusal(401, "该令牌已过期", "", "one_api_error"),
    "sim-401-used-up": Refusal(401, "该令牌额度已用尽", ""),
    "sim-403-quota": Refusal(403, "用户额度不足，剩余额度：$0.000000", "insufficient_user_quota", param=""),
    "sim-404-model-not-found": Refusal(404, "The model `{model}` does not exist", "model_not_found", param="model"),
    "sim-408": Refusal(408, "请求超时", ""),
    "sim-413": Refusal(413, "请求体过大，上限 32 MB"),
    "sim-429": SATURATED,
    "sim-500-do-request-failed": Refusal(500, "do request failed", "do_request_failed", param="", relays=2),
    "sim-500-bad-response": Refusal(500, "bad response status code 500", "bad_response_status_code", param="500"),
    "sim-503": Refusal(503, "系统繁忙，请稍后再试", "", "one_api_error"),
    "sim-503-model-not-found": Refusal(503, _NO_CHANNEL, "model_not_found", param=""),
    "sim-503-retry-after": Refusal(503, "系统繁忙，请稍后再试", "", retry_after=True),
    "sim-200-error-json": Refusal(200, "上游返回错误", "bad_response", "upstream_error", ""),
}

CDN_STATUSES = {
    502: "Bad gateway",
    504: "Gateway time-out",
    520: "Web server is returning an unknown error",
    521: "Web server is down",
    522: "Connection timed out",
    523: "Origin is unreachable",
    524: "A timeout occurred",
}


def page(status: int, title: str) -> bytes:
    """An error page of the CDN in front."""
    return (
        f'<!DOCTYPE html>\n<html lang="en-US"><head><title>v98store.com | {status}: {title}</title></head>\n'
        f'<body><h1>{title} <small>Error code {status}</small></h1><script>"cf-error"</script></body></html>\n'
    ).encode()


def html(status: int, title: str) -> Steps:
    """An answer that never came from the application: no request id, the CDN's own headers."""
    body = page(status, title)
    fields = (
        ("Content-Type", "text/html; charset=UTF-8"),
        ("Content-Length", str(len(body))),
        ("Server", "cloudflare"),
    )
    yield Head(status, (*fields, ("CF-RAY", "8f1d2c3b4a596877-HKG")), Framing.LENGTH)
    yield Frame(body)


def _page_of(status: int, title: str) -> Callable[[Ask], Steps]:
    return lambda _: html(status, title)


def _empty(ask: Ask, status: int) -> Steps:
    kind = "text/event-stream" if ask.stream else "application/json"
    fields = (("Content-Type", kind), ("Content-Length", "0"), ("X-Oneapi-Request-Id", ask.request_id))
    yield Head(status, fields, Framing.LENGTH)


def _then_ok(ask: Ask) -> Steps:
    if ask.attempt % 2:
        refusal = Refusal(429, SATURATED.message, "", param="", retry_after=True)
        return refusal.play(ask)
    return told(ask, captured.beats(ask))


def _elsewhere(ask: Ask) -> Steps:
    moved = (("Location", f"{ask.origin}/v1/chat/completions"), ("Content-Length", "0"))
    yield Head(307, moved, Framing.LENGTH)


def _says(refusal: Refusal) -> str:
    after = ", with Retry-After" if refusal.retry_after else ""
    code = "no code" if refusal.code is _ABSENT else f"code {refusal.code!r}"
    return f"{refusal.status} in the error envelope, {code}{after}"


SCENES = {
    **{name: Scene(_says(refusal), refusal.play) for name, refusal in REFUSALS.items()},
    **{
        f"sim-{status}-html": Scene(f"{status} as an HTML page of the CDN", _page_of(status, title))
        for status, title in CDN_STATUSES.items()
    },
    "sim-429-empty": Scene("429 with an empty body", lambda a: _empty(a, 429)),
    "sim-429-then-ok": Scene("429 with Retry-After to each odd attempt with the same bytes, else sora-2", _then_ok),
    "sim-307": Scene("307 to this same address: whoever follows it pays twice", _elsewhere),
    "sim-empty-200": Scene("200 with an empty body", lambda a: _empty(a, 200)),
    "sim-html-200": Scene("200 with an HTML page", lambda _: html(200, "Just a moment...")),
}

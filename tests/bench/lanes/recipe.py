"""The usual recipe: FastAPI validates, Mangum adapts, httpx posts over a connection that is kept. Nothing is kept."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx  # type: ignore[import-not-found] # it lives in .venv-bench alone, like the next three
from fastapi import FastAPI, Header  # type: ignore[import-not-found] # see above
from fastapi.responses import JSONResponse  # type: ignore[import-not-found] # see above
from mangum import Mangum  # type: ignore[import-not-found] # see above
from pydantic import BaseModel, ConfigDict

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.bench.asked import Context, event
from tests.bench.lanes.protocol import serve

client = httpx.Client(base_url=os.environ["UPSTREAM_BASE_URL"], timeout=900)
app = FastAPI()


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")
    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None


class Ask(BaseModel):
    model_config = ConfigDict(extra="allow")
    model: str
    messages: list[Message]
    stream: bool = False


@app.post("/v1/chat/completions")  # type: ignore[untyped-decorator] # see above
def relay(ask: Ask, authorization: Annotated[str, Header()]) -> JSONResponse:
    """A plain function, as the synchronous client wants it: FastAPI runs it in a thread."""
    headers = {"Authorization": authorization, "Accept": "application/json"}
    answer = client.post("/chat/completions", json=ask.model_dump(exclude_unset=True), headers=headers)
    return JSONResponse(answer.json(), answer.status_code)


handler = Mangum(app, lifespan="off")


def once() -> dict[str, Any]:
    """One whole answer."""
    asked = event()
    began = time.monotonic()
    answer = handler(asked, Context())
    seconds = time.monotonic() - began
    if answer["statusCode"] != 200:
        raise RuntimeError(f"the recipe answered {answer['statusCode']}")
    return {"seconds": seconds}


if __name__ == "__main__":
    serve(once)

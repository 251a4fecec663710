"""Every scene by name. A request's `model` names the scene it is answered with."""

from __future__ import annotations

from collections.abc import Mapping

from dev.simulator.ask import Ask
from dev.simulator.scenes import bad_links, cuts, errors, failures, floods, spellings, text, variants
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Steps

DEFAULT = "sora-2"
PREFIX = "sim-"

SCENES: dict[str, Scene] = {
    name: scene
    for room in (variants, text, errors, failures, cuts, spellings, floods, bad_links)
    for name, scene in sorted(room.SCENES.items())
}

CATALOGUE: dict[str, str] = {name: scene.says for name, scene in SCENES.items()}
"""Each name and what it plays, in one line."""


def name_for(model: str, headers: Mapping[str, str]) -> str | None:
    """The scene for a request: named by the first label of X-Forwarded-Host, else by the model.

    A text model's name plays sim-text and any other name the captured stream; None is for a `sim-` name that does not
    exist, which can only be a mistake.
    """
    label = headers.get("x-forwarded-host", "").split(".", 1)[0]
    for name in (label, model):
        if name in SCENES:
            return name
        if name.startswith(PREFIX):
            return None
    return "sim-text" if model.startswith(text.TEXT_FAMILIES) else DEFAULT


def play(name: str, ask: Ask) -> Steps:
    """The steps that answer `ask` in the scene `name`."""
    return SCENES[name].play(ask)

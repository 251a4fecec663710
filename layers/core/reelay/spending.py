"""Whether a request may be paid for: the pause switch for all of them, and what the service's key may be spent on.

Rates and quotas of keys are API Gateway's (usage plans), what events spend at a time is the worker's concurrency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reelay.allowance import Allowance
from reelay.errors import NotAllowed, Paused
from reelay.model import Json
from reelay.payer import Payer

if TYPE_CHECKING:
    from reelay.ports import Switch

PAUSED_RETRY_SECONDS = 60
"""Told while paid calls are stopped; nobody knows for how long."""


@dataclass(frozen=True, slots=True)
class Spending:
    """`models` are those that the service pays for (none named: all), `choices` the most completions of one request,
    and `allowance` what each tenant may make it pay for (None: as much as it likes)."""

    switch: Switch
    models: frozenset[str] = frozenset()
    choices: int = 1
    allowance: Allowance | None = None

    def allow(self, request: Json, payer: Payer) -> None:
        """Raises Paused, whoever pays, and NotAllowed for what the service does not pay for."""
        if payer is Payer.SERVICE:
            self.judge(request)
        self.go_on()

    def take(self, tenant: str, core: str, payer: Payer) -> None:
        """A place for the job that is about to begin, where the service pays. Raises LimitReached and StoreFailed."""
        if self.allowance and payer is Payer.SERVICE:
            self.allowance.take(tenant, core)

    def count(self, tenant: str) -> None:
        """One more of what an event asks for: the workers' concurrency bounds how many of those run. Raises
        LimitReached and StoreFailed."""
        if self.allowance:
            self.allowance.count(tenant)

    def go_on(self) -> None:
        """Raises Paused while every paid call is stopped, and StoreFailed when that cannot be known."""
        if self.switch.paused():
            raise Paused(
                "Whoever runs this API has stopped all paid calls for now. Nothing was sent and nothing was charged; "
                "try again later.",
                retry_after=PAUSED_RETRY_SECONDS,
            )

    def judge(self, request: Json) -> None:
        """Raises NotAllowed, and says which limit it is."""
        if self.models and request["model"] not in self.models:
            known = ", ".join(sorted(self.models))
            raise NotAllowed(f"model: the service pays for {known} only.", param="model", code="model_not_allowed")
        choices = request.get("n")
        if isinstance(choices, int) and choices > self.choices:
            raise NotAllowed(
                f"n: the service pays for at most {self.choices} at a time, got {choices}.",
                param="n",
                code="too_many_choices",
            )

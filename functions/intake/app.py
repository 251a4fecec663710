"""Requests that come as messages, files, EventBridge events or direct invocations: each becomes a job."""

from __future__ import annotations

from typing import Any

from reelay import init_phase

# isort: split
from reelay.gateway import LambdaContext
from reelay.wiring import House

house = House()
door = house.intake()
logger, metrics = house.telemetry.logger, house.telemetry.metrics


@house.traced
@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Accept one event."""
    return door.serve(event, context)


init_phase.over()

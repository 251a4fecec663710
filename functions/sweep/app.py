"""The schedule: records that stopped moving are sent to the workers."""

from __future__ import annotations

from typing import Any

from reelay import init_phase

# isort: split
from reelay.gateway import LambdaContext
from reelay.wiring import House

house = House()
door = house.sweep()
logger, metrics = house.telemetry.logger, house.telemetry.metrics


@house.traced
@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Sweep once."""
    return door.serve(event, context)


init_phase.over()

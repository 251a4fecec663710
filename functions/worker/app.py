"""Jobs: one message, one record, whatever there is to do for it."""

from __future__ import annotations

from typing import Any

from reelay import init_phase

# isort: split
from reelay.gateway import LambdaContext
from reelay.wiring import House

house = House()
door = house.worker()
logger, metrics = house.telemetry.logger, house.telemetry.metrics


@house.traced
@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Do what one message asks for."""
    return door.serve(event, context)


init_phase.over()

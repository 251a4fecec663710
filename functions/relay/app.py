"""POST /v1/chat/completions: streamed through API Gateway, buffered where there is no Runtime API."""

from __future__ import annotations

from typing import Any

from reelay import init_phase

# isort: split
from aws_lambda_powertools.logging.correlation_paths import API_GATEWAY_REST

from reelay.gateway import LambdaContext
from reelay.wiring import House

house = House()
door = house.relay()
logger, metrics = house.telemetry.logger, house.telemetry.metrics


@house.traced
@logger.inject_lambda_context(correlation_id_path=API_GATEWAY_REST, clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """Answer one event."""
    return door.serve(event, context)


init_phase.over()

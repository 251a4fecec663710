"""Adapter: Powertools' Logger and Metrics behind the Telemetry port (JSON lines and CloudWatch EMF on stdout)."""

from __future__ import annotations

import sys

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

NAMESPACE = "Reelay"
"""Where CloudWatch shows the metrics."""

CALLER = 3
"""Frames from where Powertools reports a line's `location`: its own method, the one here, whoever told it."""


class PowertoolsTelemetry:
    """Keeps the promises of `ports.Telemetry` under the name `service`, which is the metrics' one dimension; the log
    level comes from Powertools' own environment."""

    def __init__(self, service: str) -> None:
        self.logger = Logger(service=service)
        self.metrics = Metrics(service=service, namespace=NAMESPACE)

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        """Add to a metric of this invocation."""
        self.metrics.add_metric(name=metric, unit=MetricUnit(unit), value=value)

    def note(self, event: str, **fields: str | float | bool | None) -> None:
        """Log at info level."""
        self.logger.info(event, extra=fields, stacklevel=CALLER)

    def alarm(self, event: str, **fields: str | float | bool | None) -> None:
        """Log at error level with the current exception's type and place; its message may hold a caller's text."""
        kind, _, traceback = sys.exc_info()
        if kind is not None:
            while traceback is not None and traceback.tb_next is not None:
                traceback = traceback.tb_next
            place = f"{traceback.tb_frame.f_code.co_qualname}:{traceback.tb_lineno}" if traceback else "?"
            fields = {**fields, "exception": kind.__qualname__, "place": place}
        self.logger.error(event, extra=fields, stacklevel=CALLER)

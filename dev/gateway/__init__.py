"""API Gateway (REST) and Lambda on one machine: HTTP becomes proxy events, doors run under the real awslambdaric."""

from dev.gateway.invocation import FunctionFailed
from dev.gateway.server import Gateway

__all__ = ["FunctionFailed", "Gateway"]

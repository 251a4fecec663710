"""What sets functions off beside HTTP: Lambda's pollers of queues, and EventBridge's schedules."""

from dev.triggers.messages import sqs_event, take
from dev.triggers.triggers import Triggers

__all__ = ["Triggers", "sqs_event", "take"]

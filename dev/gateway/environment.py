"""The environment variables of a function, as Lambda sets them.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (defined runtime variables).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from dev.intrinsics import REGION
from dev.template import Function


def function_environment(function: Function, stack: Mapping[str, str], port: int) -> dict[str, str]:
    """What a function finds on AWS, with the stack's values over the template's, and nothing of the developer's own
    shell but PATH. `port` is the Runtime API's."""
    standard = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",  # where a developer's own AWS profile is not
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": os.pathsep.join(map(str, function.layers)),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }
    reserved = {
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(function.code),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"local/{port}",
    }
    return standard | dict(function.environment) | dict(stack) | reserved

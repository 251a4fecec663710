"""A door in a runtime whose awslambdaric has lost a method that streaming hooks into."""

import os

from awslambdaric.lambda_runtime_client import BaseLambdaRuntimeClient  # type: ignore[import-untyped]  # AWS: no types

from reelay import lambda_stream

del BaseLambdaRuntimeClient.post_invocation_error
lambda_stream.install(os.environ["AWS_LAMBDA_RUNTIME_API"])

"""A door in a runtime whose awslambdaric has lost a method that streaming hooks into."""

import os

from awslambdaric.lambda_runtime_client import LambdaRuntimeClient  # type: ignore[import-untyped]  # AWS: no types

from reelay import lambda_stream

for each in LambdaRuntimeClient.__mro__:
    if "post_invocation_error" in vars(each):
        delattr(each, "post_invocation_error")
lambda_stream.install(os.environ["AWS_LAMBDA_RUNTIME_API"])

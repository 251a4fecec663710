"""The only builder: settings become adapters, adapters become use cases, use cases become a door.

Built once in the init phase of a function. Each door gets only what it calls; nothing here touches the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reelay import settings
from reelay.admission import Admission
from reelay.archive import S3Archive
from reelay.claims import S3Claims
from reelay.clock import SystemClock
from reelay.contract import Contract
from reelay.download import GuardedDownload
from reelay.gateway import Door, Operation, Stream, bytes_answer, json_answer
from reelay.model import Answer, Call, Invocation
from reelay.ports import Clock
from reelay.relay import Relay
from reelay.results import Results
from reelay.s3 import s3_client
from reelay.settings import Settings
from reelay.store import S3Store
from reelay.telemetry import PowertoolsTelemetry
from reelay.upstream import HttpsUpstream

Handler = Callable[[dict[str, Any], Any], dict[str, Any] | None]


class House:
    """What every door shares, made from one set of settings."""

    def __init__(self, chosen: Settings | None = None, clock: Clock | None = None) -> None:
        self.settings = chosen or settings.read()
        self.telemetry = PowertoolsTelemetry()
        self.clock = clock or SystemClock()
        self.contract = Contract.load(allow_anonymous=self.settings.allow_anonymous)
        self.s3 = s3_client()
        self.store = S3Store(self.s3, self.settings.bucket)
        download = GuardedDownload(
            clock=self.clock,
            trusted_origins=self.settings.media_trusted_origins,
            allowed_hosts=self.settings.media_allowed_hosts,
        )
        self.archive = S3Archive(self.s3, self.settings.bucket, download, self.clock)

    def relay(self) -> Door:
        """The door that posts to the upstream; it streams where the Runtime API lets it."""
        upstream = HttpsUpstream(
            self.settings.upstream_base_url, clock=self.clock, plain_http=self.settings.upstream_plain_http
        )
        relay = Relay(
            upstream=upstream,
            store=self.store,
            admission=Admission(S3Claims(self.s3, self.settings.bucket), self.store, self.clock),
            archive=self.archive,
            clock=self.clock,
            telemetry=self.telemetry,
        )
        return self._door({"createChatCompletion": relay.create}, self._open_stream())

    def results(self) -> Door:
        """The door that reads, changes and deletes what was kept, and serves the contract."""
        results = Results(self.store, self.archive, self.clock, json_answer)
        operations: dict[str, Operation] = {
            "listChatCompletions": results.page,
            "getChatCompletion": results.retrieve,
            "updateChatCompletion": results.update,
            "deleteChatCompletion": results.delete,
            "getChatCompletionMessages": results.messages,
            "retrieveVideoContent": results.content,
            "getContractYaml": self._contract_yaml,
            "getContractJson": self._contract_json,
        }
        return self._door(operations, None)

    def traced(self, handler: Handler) -> Handler:
        """The handler under X-Ray when the operator asks for it; Tracer costs 290 ms of a cold start, so only then."""
        if not self.settings.tracing:
            return handler
        from aws_lambda_powertools import Tracer  # noqa: PLC0415 - see above

        traced: Handler = Tracer().capture_lambda_handler(handler, capture_response=False, capture_error=False)
        return traced

    def _door(self, operations: dict[str, Operation], open_stream: Callable[[], Stream] | None) -> Door:
        return Door(self.contract, operations, self.clock, self.telemetry, open_stream)

    def _open_stream(self) -> Callable[[], Stream] | None:
        if self.settings.runtime_api is None:
            return None
        from reelay import lambda_stream  # noqa: PLC0415 - needs awslambdaric, which is there only in the runtime

        lambda_stream.install(self.settings.runtime_api)
        return lambda_stream.response_stream

    def _contract_yaml(self, _call: Call, _invocation: Invocation) -> Answer:
        return bytes_answer("application/yaml", self.contract.yaml)

    def _contract_json(self, _call: Call, _invocation: Invocation) -> Answer:
        return bytes_answer("application/json", self.contract.json)

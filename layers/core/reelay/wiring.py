"""The only builder: settings become adapters, adapters become use cases, use cases become a door.

Built once in the init phase of a function. Each door gets only what it calls, and imports no more; nothing here touches
the network, and what is needed only after an answer is made when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reelay import aws_environment, settings
from reelay.bucket import Bucket
from reelay.claims import S3Claims
from reelay.clock import SystemClock
from reelay.connection import system_tls
from reelay.drops import S3Drops
from reelay.gateway import Door, Operation, Stream, bytes_answer, json_answer
from reelay.later import LateArchive, LateBus, LateCredentials, LateKeys, LateQueue
from reelay.model import Answer, Call, Invocation, Media, MediaKind
from reelay.ports import Clock
from reelay.s3_place import place_of
from reelay.s3_rest import S3Rest
from reelay.settings import Settings
from reelay.store import S3Store
from reelay.telemetry import PowertoolsTelemetry

if TYPE_CHECKING:
    from reelay.admission import Admission
    from reelay.aftercare import Aftercare
    from reelay.archive import S3Archive
    from reelay.aws_environment import AwsEnvironment
    from reelay.contract import Contract
    from reelay.event_doors import IntakeDoor, SweepDoor, WorkerDoor
    from reelay.spending import Spending
    from reelay.upload import S3Upload
    from reelay.upstream import HttpsUpstream

Handler = Callable[[dict[str, Any], Any], Any]

ASK_SECONDS = 2 * 3600
"""How long after its beginning a job whose answer was cut is asked after: the longest videos take a quarter of an hour,
and links live an hour or more."""


def bucket_of(name: str, around: AwsEnvironment | None = None) -> Bucket:
    """The bucket as the AWS_* environment says: region, credentials, endpoint. Makes no connection."""
    around = around or aws_environment.read()
    found = around.credentials
    credentials = LateCredentials() if found is None else lambda: found
    return Bucket(S3Rest(place_of(name, around.region, around.s3_endpoint), credentials, system_tls))


class House:
    """What every door shares, made from one set of settings."""

    def __init__(self, chosen: Settings | None = None, clock: Clock | None = None) -> None:
        self.settings = chosen or settings.read()
        self.telemetry = PowertoolsTelemetry(self.settings.service)
        self.clock = clock or SystemClock()
        self.bucket = bucket_of(self.settings.bucket)
        self.store = S3Store(self.bucket)
        self.claims = S3Claims(self.bucket)
        self.drops = S3Drops(self.bucket)

    @cached_property
    def admission(self) -> Admission:
        """For doors that take requests in."""
        from reelay.admission import Admission

        return Admission(self.claims, self.store, self.clock)

    @cached_property
    def contract(self) -> Contract:
        """For doors that read requests."""
        from reelay.contract import Contract

        return Contract.load(allow_anonymous=self.settings.allow_anonymous)

    @cached_property
    def archive(self) -> S3Archive:
        """For doors that copy media or hand them out."""
        from reelay.archive import S3Archive
        from reelay.download import GuardedDownload

        download = GuardedDownload(
            clock=self.clock,
            trusted_origins=self.settings.media_trusted_origins,
            allowed_hosts=self.settings.media_allowed_hosts,
        )
        return S3Archive(self.bucket, lambda: self.upload, download, self.clock)

    @cached_property
    def upload(self) -> S3Upload:
        """For the first copy, when the answer is out: boto3 takes a third of a second to be there."""
        from reelay.s3 import s3_client
        from reelay.upload import S3Upload

        return S3Upload(s3_client(), self.settings.bucket)

    @cached_property
    def upstream(self) -> HttpsUpstream:
        """For doors that post."""
        from reelay.upstream import HttpsUpstream

        return HttpsUpstream(
            self.settings.upstream_base_url, clock=self.clock, plain_http=self.settings.upstream_plain_http
        )

    @cached_property
    def aftercare(self) -> Aftercare:
        """For doors that bring records to an end."""
        from reelay.aftercare import Aftercare, Means

        queue, bus = self.settings.jobs_queue_url, self.settings.event_bus
        return Aftercare(
            Means(
                store=self.store,
                archive=LateArchive(lambda: self.archive),
                clock=self.clock,
                telemetry=self.telemetry,
                queue=LateQueue(queue) if queue else None,
                bus=LateBus(bus) if bus else None,
                drops=self.drops,
            )
        )

    @cached_property
    def spending(self) -> Spending:
        """For doors that let money be spent."""
        from reelay.allowance import Allowance
        from reelay.spending import Spending
        from reelay.switch import S3Switch
        from reelay.tallies import S3Tallies

        switch = S3Switch(self.bucket, self.clock)
        allowance = Allowance(
            S3Tallies(self.bucket),
            self.store,
            self.clock,
            self.settings.max_jobs_in_flight,
            self.settings.max_jobs_per_day,
        )
        return Spending(switch, self.settings.allowed_models, self.settings.max_choices, allowance)

    @property
    def ask_seconds(self) -> int:
        """How long a job may be asked after; 0 where nobody can be asked."""
        return ASK_SECONDS if self.settings.status_url else 0

    def relay(self) -> Door:
        """The door that posts for its callers; it streams where the Runtime API lets it."""
        from reelay.relay import Relay
        from reelay.video_jobs import VideoJobs

        queue, secret = self.settings.jobs_queue_url, self.settings.service_key_secret
        relay = Relay(
            upstream=self.upstream,
            store=self.store,
            admission=self.admission,
            aftercare=self.aftercare,
            spending=self.spending,
            clock=self.clock,
            telemetry=self.telemetry,
            ask_seconds=self.ask_seconds,
            keys=LateKeys(secret, self.clock) if secret else None,
            queue=LateQueue(queue) if queue else None,
        )
        jobs = VideoJobs(relay, self.store, self.clock)
        operations: dict[str, Operation] = {
            "createChatCompletion": relay.create,
            "createVideo": jobs.create,
            "remixVideo": jobs.remix,
        }
        return self._door(operations, self._open_stream())

    def results(self) -> Door:
        """The door that reads, changes and deletes what was kept, and serves the contract and the pages."""
        from reelay.docs_page import DocsPage
        from reelay.results import Results
        from reelay.studio_page import StudioPage
        from reelay.video_results import VideoResults

        results = Results(self.store, self.clock, json_answer)
        videos = VideoResults(self.store, self.archive, self.clock, json_answer, self.settings.media_days)
        studio, docs = StudioPage(self._media_address), DocsPage()
        operations: dict[str, Operation] = {
            "listChatCompletions": results.page,
            "getChatCompletion": results.retrieve,
            "updateChatCompletion": results.update,
            "deleteChatCompletion": results.delete,
            "getChatCompletionMessages": results.messages,
            "listVideos": videos.page,
            "getVideo": videos.retrieve,
            "deleteVideo": videos.delete,
            "retrieveVideoContent": videos.content,
            "getContractYaml": self._contract_yaml,
            "getContractJson": self._contract_json,
            "getDocs": docs.page,
            "getDocsFile": docs.file,
            "getStudio": studio.page,
            "getStudioFile": studio.file,
        }
        return self._door(operations, None)

    def intake(self) -> IntakeDoor:
        """The door where events ask for completions. Raises SettingsError without a queue."""
        from reelay.event_doors import IntakeDoor
        from reelay.intake import Desk, Intake

        desk = Desk(
            read=self.contract.read_event,
            store=self.store,
            claims=self.claims,
            admission=self.admission,
            drops=self.drops,
            queue=LateQueue(self._needed("JOBS_QUEUE_URL", self.settings.jobs_queue_url)),
            aftercare=self.aftercare,
            spending=self.spending,
            clock=self.clock,
            telemetry=self.telemetry,
            tenant=self.settings.events_tenant,
            ask_seconds=self.ask_seconds,
        )
        return IntakeDoor(Intake(desk), self.clock, self.telemetry)

    def worker(self) -> WorkerDoor:
        """The door where jobs are done. Raises SettingsError without a queue or a service's key."""
        from reelay.event_doors import WorkerDoor
        from reelay.job_messages import job_in
        from reelay.statuses import HttpsStatuses
        from reelay.worker import Tools, Worker

        self._needed("JOBS_QUEUE_URL", self.settings.jobs_queue_url)
        secret = self._needed("SERVICE_KEY_SECRET", self.settings.service_key_secret)
        keys = LateKeys(secret, self.clock)
        url = self.settings.status_url
        statuses = url and HttpsStatuses(
            url,
            keys,
            authorized_origin=self.settings.upstream_base_url,
            plain_http=self.settings.upstream_plain_http,
        )
        tools = Tools(
            upstream=self.upstream,
            store=self.store,
            keys=keys,
            aftercare=self.aftercare,
            spending=self.spending,
            clock=self.clock,
            telemetry=self.telemetry,
            statuses=statuses or None,
        )
        return WorkerDoor(Worker(tools), job_in, self.clock, self.telemetry)

    def sweep(self) -> SweepDoor:
        """The door of the schedule. Raises SettingsError without a queue."""
        from reelay.event_doors import SweepDoor
        from reelay.sweep import Sweep

        queue = LateQueue(self._needed("JOBS_QUEUE_URL", self.settings.jobs_queue_url))
        return SweepDoor(Sweep(self.store, queue, self.clock, self.telemetry), self.clock)

    @staticmethod
    def _needed(name: str, value: str | None) -> str:
        if value is None:
            raise settings.SettingsError(f"The environment does not fit:\n- {name}: this function needs it")
        return value

    def traced(self, handler: Handler) -> Handler:
        """The handler under X-Ray when the operator asks for it; Tracer costs 290 ms of a cold start, so only then."""
        if not self.settings.tracing:
            return handler
        from aws_lambda_powertools import Tracer

        traced: Handler = Tracer().capture_lambda_handler(handler, capture_response=False, capture_error=False)
        return traced

    def _door(self, operations: dict[str, Operation], open_stream: Callable[[], Stream] | None) -> Door:
        from reelay.conformance import Conformance

        held = Conformance(self.contract, self.telemetry, strict=self.settings.strict_contract)
        secret = self.settings.tenant_secret
        return Door(self.contract, operations, self.clock, self.telemetry, open_stream, secret, held)

    def _open_stream(self) -> Callable[[], Stream] | None:
        if self.settings.runtime_api is None:
            return None
        from reelay import lambda_stream

        lambda_stream.install(self.settings.runtime_api)
        return lambda_stream.response_stream

    def _media_address(self) -> str:
        """As one is given out, of no video that there is; made without asking S3."""
        return self.archive.address(
            Media(MediaKind.VIDEO, "", key="kept/media/none/none.mp4", content_type="video/mp4")
        )

    def _contract_yaml(self, _call: Call, _invocation: Invocation) -> Answer:
        return bytes_answer("application/yaml", self.contract.yaml)

    def _contract_json(self, _call: Call, _invocation: Invocation) -> Answer:
        return bytes_answer("application/json", self.contract.json)

"""`make deploy` and `make undeploy`: what they ask, what they hand to SAM, and what they say, over moto and a SAM that
is played. tests/unit has no part of this, because all of it is talk with a person, SAM and AWS."""

from __future__ import annotations

import io
import json
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.backends import get_backend
from werkzeug.serving import make_server

from dev.aws import AwsServer
from dev.deploy import NotDone, parameters
from dev.deploy.__main__ import main as deploy
from dev.deploy.account import Account
from dev.deploy.questions import Questions
from dev.deploy.terminal import Terminal
from dev.deploy.undeploy import main as undeploy
from tests.contract.cloud import ROOT

FAKE = Path(__file__).parent / "fake_sam.py"
STACK = "reelay-test"
SERVICE_KEY = "sk-the-services-own"


def enters(given: int) -> str:
    """One for each question that is asked when so many are answered already, and one for the end of them."""
    return "\n" * (len(parameters.ASKED) - given + 1)


@dataclass(frozen=True)
class Ran:
    """How a program ended and what it said."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Desk:
    """Somebody at a terminal, who types `says`."""

    folder: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    @property
    def told(self) -> dict[str, Any]:
        """What SAM was called with."""
        found: dict[str, Any] = json.loads((self.folder / "told.json").read_text())
        return found

    def run(self, main: Callable[[list[str]], int], *words: str, says: str, fails: bool, declines: bool = False) -> Ran:
        sam = self.folder / "sam"
        sam.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
        sam.chmod(0o755)
        self.patch.setenv("FAKE_SAM", str(self.folder / "told.json"))
        self.patch.setenv("FAKE_SAM_FAILS", "yes" if fails else "")
        self.patch.setenv("FAKE_SAM_DECLINED", "yes" if declines else "")
        self.patch.setattr(sys, "stdin", io.StringIO(says))
        status = main(["--stack", STACK, "--sam", str(sam), *words])
        return Ran(status, *self.capture.readouterr())

    def deploy(self, *words: str, says: str = "", fails: bool = False, declines: bool = False) -> Ran:
        return self.run(deploy, "--architecture", "arm64", *words, says=says, fails=fails, declines=declines)

    def undeploy(self, *words: str, says: str = "", fails: bool = False) -> Ran:
        return self.run(undeploy, *words, says=says, fails=fails)


@pytest.fixture
def desk(
    tmp_path: Path,
    aws: AwsServer,  # noqa: ARG001 - starts it
    aws_environment: None,  # noqa: ARG001 - sets where it is
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    yield Desk(tmp_path, monkeypatch, capfd)
    boto3.client("cloudformation").delete_stack(StackName=STACK)


def outputs() -> dict[str, str]:
    [stack] = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_a_first_deployment_asks_makes_a_tenant_secret_and_keeps_the_key_out_of_sight(desk: Desk) -> None:
    ran = desk.deploy(says=f"\nmaybe\nyes\n{enters(3)}KeyRate\n7\n\nsk with blanks\n{SERVICE_KEY}\n")
    assert ran.status == 0, ran.err
    values = desk.told["values"]
    assert values["AllowCallerKeys"] == "yes"
    assert "It has to be one of yes, no." in ran.out
    assert (values["KeyRate"], values["Architecture"]) == ("7", "arm64")
    assert len(values["TenantSecret"]) == 64
    assert values["TenantSecret"] in ran.out
    said = {"AllowCallerKeys", "KeyRate", "TenantSecret", "Architecture", "Release"}
    assert values.keys() == said, "the rest by default"
    assert "That is no key" in ran.out
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=outputs()["ServiceKeySecret"])
    assert secret["SecretString"] == SERVICE_KEY
    assert SERVICE_KEY not in ran.out + ran.err


def test_what_sam_is_told_is_in_no_process_list_and_gone_afterwards(desk: Desk) -> None:
    assert desk.deploy("--yes", "TenantSecret=s3cret words").status == 0
    words = desk.told["words"]
    assert desk.told["values"]["TenantSecret"] == "s3cret words"
    assert not [word for word in words if "s3cret" in word]
    file = Path(words[words.index("--parameter-overrides") + 1].removeprefix("file://"))
    assert not file.exists()


def test_the_outputs_come_as_lines_to_paste(desk: Desk) -> None:
    shown = desk.deploy("--yes").out
    assert "AllowCallerKeys" not in shown, "nobody is asked"
    found = outputs()
    address = found["ApiUrl"].removesuffix("/v1")
    assert f"export REELAY={address} KEY=rk-..." in shown
    assert f"a page for people: {address}/" in shown
    assert f'base_url="{found["ApiUrl"]}"' in shown
    assert f"make keys NAME=alice PLAN={found['KeysPlanId']}" in shown
    assert f"make smoke URL={address}" in shown
    assert f"aws sqs send-message --queue-url {found['RequestsQueueUrl']}" in shown
    assert f"put-secret-value --secret-id {found['ServiceKeySecret']}" in shown, "nobody was asked for the key"
    python = shown[shown.index("  import os") : shown.index("By event")]
    compile("\n".join(line[2:] for line in python.splitlines()), "make deploy", "exec")


def test_a_second_deployment_leaves_what_it_is_not_told_and_a_key_that_is_there(desk: Desk) -> None:
    first = desk.deploy("TenantSecret=first", "AlarmEmail=a@example.com", says=f"{enters(2)}{SERVICE_KEY}\n")
    assert "AWS asks a@example.com by e-mail whether alarms are wanted" in first.out
    ran = desk.deploy("RetentionDays=90", says=enters(1))
    assert ran.status == 0, ran.err
    assert "by e-mail whether" not in ran.out, "it was asked before"
    release = desk.told["values"].pop("Release")
    assert parameters.read(ROOT / "template.yaml")["Release"].fault(release) == ""
    assert desk.told["values"] == {"RetentionDays": "90", "Architecture": "arm64", "Release": release}
    assert "TenantSecret [stays as it is]: " in ran.out
    assert "AlarmEmail [a@example.com]: " in ran.out
    assert "The v98store key that pays" not in ran.out
    assert "put-secret-value" not in ran.out


@pytest.mark.parametrize(
    ("words", "says", "reason"),
    [
        (["KeyRates=7"], "", "no parameter KeyRates"),
        (["KeyRate"], "", "expected NAME=VALUE"),
        (["KeyRate=0"], "", "KeyRate has to be 1 or more"),
        (["MaxJobsInFlight=101"], "", "0 or more, 100 at most"),
        (["RetentionDays=7"], "", "one of 0, 15"),
        (["TenantSecret=a\\b"], "", "without a backslash"),
        (["StatusUrl=http://x/{task_id}"], "", "an https URL"),
        ([], "", "Nobody answered"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_nothing_is_deployed(
    desk: Desk, words: list[str], says: str, reason: str
) -> None:
    ran = desk.deploy(*words, says=says)
    assert ran.status == 1
    assert reason in ran.err
    assert "Traceback" not in ran.err
    assert not (desk.folder / "told.json").exists()


def test_what_sam_refuses_ends_it(desk: Desk) -> None:
    ran = desk.deploy("--yes", fails=True)
    assert (ran.status, "SAM did not deploy" in ran.err) == (1, True)
    assert "Reelay is up" not in ran.out


# ── How the account and the stack may stand before ───────────────────────────────────────────────────────────────────


def test_a_first_change_set_that_nobody_takes_leaves_nothing_that_counts_as_a_stack(desk: Desk) -> None:
    ran = desk.deploy("--yes", declines=True)
    assert (ran.status, ran.err) == (1, "SAM deployed nothing: the change set was not taken.\n")
    [left] = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    assert left["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert "There is no stack" in desk.undeploy("--yes").err
    ran = desk.deploy("--yes")
    assert ran.status == 0, ran.err
    assert len(desk.told["values"]["TenantSecret"]) == 64, "it is a first deployment still"


def test_a_later_change_set_that_nobody_takes_is_told(desk: Desk) -> None:
    desk.deploy("--yes")
    boto3.client("cloudformation").update_stack(
        StackName=STACK,
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "Release", "ParameterValue": "1000000000"},
            *({"ParameterKey": name, "UsePreviousValue": True} for name in ("Architecture", "TenantSecret")),
        ],
    )
    ran = desk.deploy("--yes", declines=True)
    assert (ran.status, "the change set was not taken" in ran.err) == (1, True)
    assert "Reelay is up" not in ran.out


@pytest.fixture
def stuck(desk: Desk) -> None:
    """A stack whose first deployment failed: as CloudFormation leaves it, without resources or outputs."""
    desk.deploy("--yes", declines=True)
    (desk.folder / "told.json").unlink()
    get_backend("cloudformation")["123456789012"]["us-east-1"].get_stack(STACK).status = "ROLLBACK_COMPLETE"


@pytest.mark.usefixtures("stuck")
def test_a_stack_that_can_only_be_deleted_is_told_with_the_way_out(desk: Desk) -> None:
    ran = desk.deploy("--yes")
    assert ran.status == 1
    assert f"{STACK} is ROLLBACK_COMPLETE" in ran.err
    assert f"make undeploy STACK={STACK}" in ran.err
    assert "describe-stack-events" in ran.err
    assert not (desk.folder / "told.json").exists()
    ran = desk.undeploy(says=f"{STACK}\n")
    assert ran.status == 0, ran.err
    assert "Its first deployment failed" in ran.out
    assert desk.deploy("--yes").status == 0


def test_a_stack_whose_plan_went_already_can_be_deleted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.deploy("--yes")
    with service("404 Not Found", "NotFoundException", {"message": "Invalid Usage Plan ID specified"}) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_API_GATEWAY", url)
        ran = desk.undeploy("--yes")
    assert ran.status == 0, ran.err


@pytest.mark.parametrize(("limit", "told"), [(10, True), (99, True), (100, False), (1000, False)])
def test_an_account_in_which_few_functions_may_run_is_told_before_anything_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, limit: int, told: bool
) -> None:
    with service("200 OK", "", {"AccountLimit": {"ConcurrentExecutions": limit}}) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        ran = desk.deploy("--yes")
    assert ran.status == 0, ran.err
    assert (f"only {limit} run at the same time in us-east-1" in ran.out) is told
    assert ("request-service-quota-increase" in ran.out) is told


@contextmanager
def service(status: str, fault: str, answer: dict[str, Any]) -> Iterator[str]:
    """A service of AWS's where moto does not answer as AWS does: Lambda's GetAccountSettings, a plan that is gone."""

    def application(_: object, start: Callable[[str, list[tuple[str, str]]], object]) -> list[bytes]:
        start(status, [("Content-Type", "application/json"), ("x-amzn-ErrorType", fault)])
        return [json.dumps(answer).encode()]

    server = make_server("127.0.0.1", 0, application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.usefixtures("aws_environment")
def test_every_parameter_can_be_asked_for_and_says_what_it_decides(capsys: pytest.CaptureFixture[str]) -> None:
    known = parameters.read(ROOT / "template.yaml")
    assert set(parameters.ASKED) <= known.keys()
    for parameter in known.values():
        assert parameter.fault(parameter.default) == "", parameter.name
    Questions(known, {"TenantSecret": "given"}, None, _Typist(["?", ""]), Account().secret_fault).values()
    shown = capsys.readouterr().out
    assert [name for name in known if f"  {name} [" not in shown] == list(parameters.NOT_ASKED)
    assert [name for name in parameters.ASKED if known[name].description[:40] not in shown] == ["TenantSecret"]


class _Typist(Terminal):
    """Answers nothing to a question about a parameter, and then `lines`."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(asks=True)
        self._lines = lines

    def ask(self, words: str) -> str:
        return self._lines.pop(0) if "Another parameter" in words else ""


@pytest.mark.usefixtures("aws_environment")
def test_a_secret_parameter_is_never_shown() -> None:
    known = parameters.read(ROOT / "template.yaml")
    assert {name for name, parameter in known.items() if parameter.secret} == {"TenantSecret", "WebhookKey"}
    with pytest.raises(NotDone) as why:
        Questions(known, {"TenantSecret": "x" * 65}, None, Terminal(asks=False), Account().secret_fault)
    assert "x" * 65 not in str(why.value)


# ── A secret of the account's own ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Secret:
    """One that is there before the stack."""

    arn: str

    @property
    def value(self) -> str:
        return boto3.client("secretsmanager").get_secret_value(SecretId=self.arn)["SecretString"]


@pytest.fixture
def secret(desk: Desk) -> Iterator[Callable[..., Secret]]:  # noqa: ARG001 - which says where AWS is
    """Makes one, which ends with the test."""
    secrets, made = boto3.client("secretsmanager"), list[str]()

    def make(**words: Any) -> Secret:
        made.append(secrets.create_secret(Name=f"prod/v98store-{uuid.uuid4().hex}", **words)["ARN"])
        return Secret(made[-1])

    yield make
    for arn in made:
        secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def test_a_secret_that_is_there_can_be_named_and_is_left_as_it_is(desk: Desk, secret: Callable[..., Secret]) -> None:
    there = secret(SecretString=SERVICE_KEY)
    ran = desk.deploy(says=f"\n\n{there.arn}\n{enters(3)}")
    assert ran.status == 0, ran.err
    assert desk.told["values"]["ServiceKeySecretArn"] == there.arn
    assert outputs()["ServiceKeySecret"] == there.arn
    assert "The v98store key that pays" not in ran.out
    assert there.value == SERVICE_KEY
    assert SERVICE_KEY not in ran.out + ran.err


def test_a_named_secret_that_is_empty_gets_the_key_from_whoever_has_it(
    desk: Desk, secret: Callable[..., Secret]
) -> None:
    there = secret()
    ran = desk.deploy(f"ServiceKeySecretArn={there.arn}", says=f"{enters(1)}{SERVICE_KEY}\n")
    assert (ran.status, there.value) == (0, SERVICE_KEY), ran.err
    assert f"goes into {there.arn}" in ran.out


def test_a_secret_that_is_not_there_is_asked_for_again(desk: Desk, secret: Callable[..., Secret]) -> None:
    there, gone = secret(SecretString=SERVICE_KEY), secret(SecretString=SERVICE_KEY)
    boto3.client("secretsmanager").delete_secret(SecretId=gone.arn)
    nowhere = there.arn[:-6] + "AAAAAA"
    ran = desk.deploy(says=f"\n\nv98store\n{nowhere}\n{gone.arn}\n{there.arn}\n{enters(3)}")
    assert ran.status == 0, ran.err
    assert "It has to be the whole ARN of a secret" in ran.out
    assert ran.out.count("It has to be a secret that is there") == 2
    assert desk.told["values"]["ServiceKeySecretArn"] == there.arn


def test_a_secret_that_is_given_and_not_there_ends_it_before_anything_is_deployed(desk: Desk) -> None:
    nowhere = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/v98store-AAAAAA"
    ran = desk.deploy("--yes", f"ServiceKeySecretArn={nowhere}")
    assert (ran.status, "ServiceKeySecretArn has to be a secret that is there" in ran.err) == (1, True)
    assert not (desk.folder / "told.json").exists()


@pytest.mark.parametrize("given", [False, True])
def test_a_named_secret_under_a_key_of_the_accounts_own_says_which_key_has_to_be_named_too(
    desk: Desk, secret: Callable[..., Secret], given: bool
) -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]
    there = secret(SecretString=SERVICE_KEY, KmsKeyId=key["KeyId"])
    also = [f"ServiceKeyKmsKeyArn={key['Arn']}"] if given else []
    ran = desk.deploy("--yes", f"ServiceKeySecretArn={there.arn}", *also)
    assert ran.status == 0, ran.err
    assert (f"sealed with the KMS key {key['KeyId']}" in ran.out) is not given
    assert ("ServiceKeyKmsKeyArn" in ran.out) is not given


def test_a_stack_can_go_back_to_a_secret_of_its_own(desk: Desk, secret: Callable[..., Secret]) -> None:
    desk.deploy("--yes", f"ServiceKeySecretArn={secret(SecretString=SERVICE_KEY).arn}")
    assert desk.deploy("--yes", "ServiceKeySecretArn=").status == 0
    assert desk.told["values"]["ServiceKeySecretArn"] == ""


def test_undeploying_says_whether_the_key_goes_with_the_stack(desk: Desk, secret: Callable[..., Secret]) -> None:
    there = secret(SecretString=SERVICE_KEY)
    desk.deploy("--yes")
    assert "The v98store key goes with its secret" in desk.undeploy(says=f"{STACK}\n").out
    desk.deploy("--yes", f"ServiceKeySecretArn={there.arn}")
    ran = desk.undeploy(says=f"{STACK}\n")
    assert f"The secret {there.arn} stays" in ran.out
    assert "goes with its secret" not in ran.out


# ── make undeploy ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def standing(desk: Desk) -> Callable[[], str]:
    desk.deploy("--yes", "TenantSecret=first")
    (desk.folder / "told.json").unlink()
    return lambda: outputs()["BucketName"]


def test_undeploying_says_what_stays_and_how_to_remove_it(desk: Desk, standing: Callable[[], str]) -> None:
    bucket, s3, gateway = standing(), boto3.client("s3"), boto3.client("apigateway")
    for key in ("kept/records/a/1.json", "kept/records/a/2.json", "open/1/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    made = gateway.create_api_key(name="alice", enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=outputs()["KeysPlanId"], keyId=made, keyType="API_KEY")
    ran = desk.undeploy(says=f"{STACK}\n")
    assert ran.status == 0, ran.err
    before, after = ran.out.split("The stack is gone.")
    assert f"The bucket {bucket} stays, with 2 records" in before
    assert "1 jobs are under way" in before
    assert f"s3://{bucket}/guard/paused" in before
    assert f"aws s3 rb s3://{bucket} --force" in after
    assert f"aws apigateway delete-api-key --api-key {made}" in after
    assert desk.told["words"] == ["delete", "--stack-name", STACK, "--no-prompts"]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 3, "and so it does"


@pytest.mark.parametrize("says", ["", "\n", "yes\n", "reelay\n"])
def test_without_the_stacks_name_nothing_is_deleted(desk: Desk, standing: Callable[[], str], says: str) -> None:
    ran = desk.undeploy(says=says)
    assert (ran.status, "The stack is gone" in ran.out) == (1, False)
    assert not (desk.folder / "told.json").exists()
    assert standing()


def test_a_deletion_that_sam_does_not_bring_about_is_told(desk: Desk, standing: Callable[[], str]) -> None:
    ran = desk.undeploy("--yes", fails=True)
    assert (ran.status, "SAM did not delete" in ran.err) == (1, True)
    assert standing()


def test_a_stack_that_is_not_there_is_told(desk: Desk) -> None:
    ran = desk.undeploy("--yes")
    assert (ran.status, f"There is no stack {STACK} there." in ran.err) == (1, True)

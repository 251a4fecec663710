"""docs/RUNBOOK.md's lines, run as they stand with AWS's command line where this machine has it, over moto; what each
did is seen in the bucket, the queues and the secret. Lines that CloudFormation and Lambda answer are not for moto."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import pytest

from reelay.s3 import s3_client
from tests.contract.cloud import ROOT
from tests.e2e.local_house import LocalHouse

RUNBOOK = (ROOT / "docs/RUNBOOK.md").read_text(encoding="utf-8")
AWS = shutil.which("aws") and subprocess.run(["aws", "--version"], capture_output=True, check=False).returncode == 0  # noqa: S607 - looked for on PATH
JOB = '{"tenant":"events","id":"01kb0c8c6v5n2kq9w6s3x7z1de"}'

needs_aws = pytest.mark.skipif(not AWS, reason="AWS's command line is not on this machine")


def blocks(section: str) -> list[str]:
    """The lines of a section, block by block."""
    text = RUNBOOK[RUNBOOK.index(f"### {section}\n") :].split("\n### ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(block: str, names: Mapping[str, str], folder: Path, **variables: str) -> str:
    """What a block prints, with `of` and `out` answered from `names`."""
    known = " ".join(f"[{name}]={value!r}" for name, value in names.items())
    # aws-cli 1 takes no endpoint for SQS from the environment.
    ours = (
        f'declare -A NAMES=({known}); of() {{ echo "${{NAMES[$1]}}"; }}; out() {{ of "$1"; }}; '
        'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }'
    )
    ran = subprocess.run(  # noqa: S603 - the runbook's own lines
        ["bash", "-euo", "pipefail", "-c", f"{ours}\n{block}"],  # noqa: S607 - bash is on PATH
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def queues(aws_environment: None) -> Iterator[dict[str, str]]:  # noqa: ARG001 - sets where AWS is
    sqs = boto3.client("sqs")
    made = {
        name: sqs.create_queue(QueueName=f"runbook-{name}")["QueueUrl"] for name in ("JobsQueue", "JobsDeadLetters")
    }
    yield made
    for url in made.values():
        sqs.delete_queue(QueueUrl=url)


@needs_aws
def test_the_pause_is_put_there_and_taken_away(bucket: str, aws_environment: None, tmp_path: Path) -> None:  # noqa: ARG001 - sets where AWS is
    on, off = blocks("Pausing every paid call")
    assert "paused" in run(on, {"BucketName": bucket}, tmp_path)
    assert s3_client().get_object(Bucket=bucket, Key="guard/paused")["Body"].read().startswith(b"too many calls")
    run(off, {"BucketName": bucket}, tmp_path)
    assert s3_client().list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@needs_aws
def test_a_dead_letter_is_seen_and_sent_back(queues: dict[str, str], tmp_path: Path) -> None:
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=queues["JobsDeadLetters"], MessageBody=JOB)
    look = next(line for line in blocks("JobsDeadLettersAlarm")[0].splitlines() if "receive-message" in line)
    assert JOB in run(look, queues, tmp_path)
    run(blocks("Redriving dead letters")[-1], queues, tmp_path)
    assert [each["Body"] for each in sqs.receive_message(QueueUrl=queues["JobsQueue"])["Messages"]] == [JOB]
    assert "Messages" not in sqs.receive_message(QueueUrl=queues["JobsDeadLetters"], WaitTimeSeconds=0)


@needs_aws
def test_a_new_key_goes_into_the_secret_and_its_file_away(aws_environment: None, tmp_path: Path) -> None:  # noqa: ARG001 - sets where AWS is
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name=f"runbook-{tmp_path.name}")["ARN"]
    (tmp_path / "key.txt").write_text("sk-new\n")
    run(blocks("Rotating the key")[0], {"ServiceKeySecret": arn}, tmp_path)
    assert secrets.get_secret_value(SecretId=arn)["SecretString"].strip() == "sk-new"
    assert not (tmp_path / "key.txt").exists()


@needs_aws
def test_what_was_copied_is_there_again_but_for_what_would_be_paid_again(house: LocalHouse, tmp_path: Path) -> None:
    made = house.create("sora-2")
    assert made.status == 200
    s3, restored = house.s3, f"{house.bucket}-restored"
    s3.put_object(Bucket=house.bucket, Key="inbox/ask.json", Body=b"{}")
    s3.create_bucket(Bucket=restored)
    run(blocks("Restoring")[0], {"BucketName": restored}, tmp_path, OLD=house.bucket)
    again = LocalHouse(house.simulator, s3, restored)
    assert (
        again.call("GET", "/v1/chat/completions").json["data"] == house.call("GET", "/v1/chat/completions").json["data"]
    )
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=restored)["Contents"]]
    assert not [key for key in keys if key.startswith(("inbox/", "guard/"))]
    assert any(key.startswith("kept/media/") for key in keys)


def test_the_lines_are_the_shells_own_language() -> None:
    """All of them, those that no stand-in for AWS answers included."""
    everything = re.findall(r"^```sh\n(.*?)^```$", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert len(everything) > 20
    for block in everything:
        read = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)  # noqa: S607 - bash is on PATH
        assert (read.returncode, read.stderr) == (0, ""), block

"""`make sam-local` without containers: what functions find at another address, and an engine that a script plays. With
them it is tried by `make sam-local-smoke`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import pytest
import urllib3

from dev.deployment import DUMMY_AWS
from dev.intrinsics import load
from dev.sam_local import ROOT, NoEngine, NotSo, image, stack
from dev.sam_local.engine import LABEL, Engine
from dev.sam_local.forward import Forward
from dev.sam_local.image import Image
from dev.sam_local.lines import lines
from dev.sam_local.sam import Sam, variables, without_layer
from dev.simulator.cdn import VIDEO
from dev.upstream import LOCAL_TOKEN
from reelay import settings
from tests.patience import PATIENCE_SECONDS

ELSEWHERE = "127.0.0.2"
"""Loopback too, but not the address that the stack's parts listen on; it stands for the engine's bridge."""


@pytest.fixture(scope="module")
def up() -> Iterator[stack.Stack]:
    with stack.running(ELSEWHERE) as running:
        yield running


def test_a_function_finds_bucket_queue_and_secret_by_its_own_variables(up: stack.Stack) -> None:
    relay = variables(up.template)["RelayFunction"] | dict(up.variables)
    assert relay["AWS_ENDPOINT_URL"].startswith(f"http://{ELSEWHERE}:")
    session = boto3.Session(DUMMY_AWS["AWS_ACCESS_KEY_ID"], DUMMY_AWS["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1")
    place = relay["AWS_ENDPOINT_URL"]
    assert relay["JOBS_QUEUE_URL"].startswith(f"{place}/")
    session.client("s3", endpoint_url=place).put_object(Bucket=relay["BUCKET_NAME"], Key="a", Body=bytes(100_000))
    session.client("sqs", endpoint_url=place).send_message(QueueUrl=relay["JOBS_QUEUE_URL"], MessageBody="a job")
    secrets = session.client("secretsmanager", endpoint_url=place)
    assert secrets.get_secret_value(SecretId=relay["SERVICE_KEY_SECRET"])["SecretString"] == LOCAL_TOKEN


def test_the_functions_settings_fit(up: stack.Stack) -> None:
    named = variables(up.template)
    for function in set(named) - {"AuthorizerFunction"}:
        assert settings.read(named[function] | dict(up.variables)).strict_contract
    assert named["AuthorizerFunction"]["CALLERS_KEY"]


def test_no_function_is_given_a_variable_that_the_template_does_not_name_for_it(up: stack.Stack) -> None:
    """`sam local` would ignore it in silence."""
    assert not up.variables.keys() & {name for each in variables(up.template).values() for name in each}


def test_the_upstream_and_its_links_are_where_a_container_reaches_them(up: stack.Stack) -> None:
    assert up.template.functions["RelayFunction"].environment["UPSTREAM_BASE_URL"] == up.simulator.url
    assert up.simulator.url.startswith(f"http://{ELSEWHERE}:")
    assert up.variables["MEDIA_TRUSTED_ORIGINS"] == up.simulator.origin
    assert urllib3.request("GET", up.simulator.link(), timeout=PATIENCE_SECONDS).data == VIDEO


def test_the_lines_name_every_sample_and_its_function(up: stack.Stack, tmp_path: Path) -> None:
    sam = Sam(Engine(), Image("reelay/sam-local:1", "3.13"), up, tmp_path)
    shown = lines(sam, "http://127.0.0.1:3000")
    invoked = [line.split() for line in shown.splitlines() if " local invoke " in line]
    assert [words[-1] for words in invoked] == [f"events/{path.name}" for path in sorted((ROOT / "events").iterdir())]
    assert {words[3] for words in invoked} == set(up.template.functions) - {"AuthorizerFunction"}


def test_without_its_layer_a_template_is_otherwise_what_it_was() -> None:
    whole = load(ROOT / "template.yaml")
    lean = without_layer(whole)
    assert "CoreLayer" not in json.dumps(lean)
    assert set(whole["Resources"]) - set(lean["Resources"]) == {"CoreLayer"}
    lean["Globals"]["Function"]["Layers"] = [{"Ref": "CoreLayer"}]
    lean["Resources"]["CoreLayer"] = whole["Resources"]["CoreLayer"]
    assert lean == whole


def test_each_side_may_end_before_the_other() -> None:
    with socket.create_server(("127.0.0.1", 0)) as far:
        port = far.getsockname()[1]

        def echo_at_the_end() -> None:
            connection, _ = far.accept()
            with connection:
                connection.sendall(b"".join(iter(lambda: connection.recv(1000), b"")))

        threading.Thread(target=echo_at_the_end, daemon=True).start()
        with Forward(ELSEWHERE, port), socket.create_connection((ELSEWHERE, port), PATIENCE_SECONDS) as near:
            near.sendall(bytes(300_000))
            near.shutdown(socket.SHUT_WR)
            assert len(b"".join(iter(lambda: near.recv(100_000), b""))) == 300_000


DOCKER = """\
#!/bin/sh
echo "$@" >> "{told}"
case "$1" in
{cases}
esac
exit 0
"""


class Played:
    """A `docker` that answers as the cases of a shell script say, and writes down what it was asked."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._told = folder, folder / "told"
        self._told.touch()
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def program(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(script)
        path.chmod(0o755)

    def docker(self, cases: Mapping[str, str]) -> Engine:
        written = "\n".join(f"{word}) {does};;" for word, does in cases.items())
        self.program("docker", DOCKER.format(told=self._told, cases=written))
        return Engine()

    @property
    def told(self) -> list[str]:
        return self._told.read_text().splitlines()


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(tmp_path, monkeypatch)


def test_the_run_is_all_that_is_removed(played: Played) -> None:
    played.docker({"ps": "echo c1 c2", "images": "printf 'i1\\ni2\\ni1\\n'"}).remove("4711")
    assert played.told == [
        f"ps --all --quiet --filter label={LABEL}=4711",
        "rm --force --volumes c1 c2",
        f"images --quiet --filter label={LABEL}=4711",
        "rmi --force i1 i2",
    ]


def test_where_nothing_is_left_nothing_is_removed(played: Played) -> None:
    played.docker({}).remove("4711")
    assert [line.split()[0] for line in played.told] == ["ps", "images"]


@pytest.mark.parametrize("says", ["127.0.0.1 10.0.0.0/8", "127.0.0.0/8", "fd00::/64 127.0.0.0/8"])
def test_the_stack_listens_where_the_engine_ends(says: str, played: Played) -> None:
    assert played.docker({"network": f"echo {says}"}).address() == "127.0.0.1"


def test_an_engine_whose_network_is_elsewhere_is_told(played: Played) -> None:
    with pytest.raises(NoEngine, match="Docker Desktop"):
        played.docker({"network": "echo 192.0.2.0/24"}).address()


def test_awss_image_is_used_where_it_can_be_had(played: Played) -> None:
    engine = played.docker({"run": "echo 3.13", "create": "echo c1"})
    begun = image.base(engine)
    assert begun == Image(image.AWS, "3.13")
    own = Image("reelay/sam-local-4711:functions", "3.13")
    assert image.of_run(engine, begun, "4711", {"A": "http://b"}, Path("layer")) == own
    assert f"commit --change ENV A=http://b --change LABEL {LABEL}=4711 c1 {own.name}" in played.told
    assert played.told[-3::2] == ["cp layer/. c1:/opt", "rm c1"]


def test_an_engine_that_runs_no_container_is_no_engine(played: Played) -> None:
    with pytest.raises(NoEngine, match="operation not permitted"):
        image.base(played.docker({"run": "echo mount: operation not permitted >&2; exit 125"}))


def test_an_image_without_python_is_a_fault(played: Played) -> None:
    with pytest.raises(NotSo, match="no Python"):
        image.base(played.docker({"run": "exit 127"}))


def test_a_machine_with_neither_registry_nor_apt_is_told(played: Played) -> None:
    played.program("apt-get", "#!/bin/sh\necho E: nothing to be had >&2\nexit 100\n")
    with pytest.raises(NoEngine, match="nothing to be had"):
        image.base(played.docker({"pull": "exit 1"}))


@pytest.mark.parametrize(("words", "status"), [(["--smoke"], 0), ([], 1)])
def test_where_no_engine_starts_it_says_why(words: list[str], status: int, played: Played) -> None:
    """Skipped where it is a lane of CI, an error for a person."""
    played.docker({"version": "exit 1"})
    played.program("dockerd", "#!/bin/sh\necho failed to mount: not permitted\nexit 1\n")
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "dev.sam_local", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert ("Skipped, nothing was tried in containers: " in done.stderr) == (status == 0)
    assert "dockerd does not start here: failed to mount" in done.stderr or "only root" in done.stderr

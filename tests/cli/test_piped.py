"""The command line in scripts: what goes in, what comes out, and with which exit status."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dev.stack import Stack
from tests.cli.asking import Person
from tests.clients.asks import MP4
from tests.clients.paid import payments, sent

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on

NOBODYS = "video_01kmbq6b80g00000000000000a"


def test_a_video_is_made_and_lies_where_it_was_wanted(person: Person, stack: Stack, tmp_path: Path) -> None:
    film = tmp_path / "dog.mp4"
    said = person.runs("create", "-", "-o", str(film), input="a dog in orbit\n")
    assert (said.code, said.err.splitlines()[-1]) == (0, "100 % generated")
    assert re.fullmatch(rf"video_[0-9a-z]{{26}}\n{re.escape(str(film))}\n", said.out)
    assert film.read_bytes() == MP4
    assert [path.name for path in tmp_path.iterdir()] == ["dog.mp4"]
    assert [each["messages"][0]["content"] for each in sent(stack, person.key)] == ["a dog in orbit"]


def test_every_step_is_one_json_document(person: Person, stack: Stack, tmp_path: Path) -> None:
    film, poster = tmp_path / "1.mp4", tmp_path / "1.webp"
    asked = person.asks("create", "a dog", "-m", "sora-2", "-s", "8", "--size", "1280x720", "--no-wait", "--json")
    one = asked.json["id"]
    assert (asked.code, asked.json["seconds"], asked.json["file"], asked.err) == (0, "8", None, f"{one}\n")
    made = person.asks("attach", one, "-o", str(film), "--json").json
    assert (made["id"], made["status"], made["file"], film.read_bytes()) == (one, "completed", str(film), MP4)
    two = person.asks("remix", one, "at night", "--json").json
    assert (two["status"], two["remixed_from_video_id"]) == ("completed", one)
    listed = person.asks("list", "--limit", "1", "--json").json
    assert ([each["id"] for each in listed["data"]], listed["has_more"]) == ([two["id"]], True)
    assert [each["id"] for each in person.asks("list", "--after", two["id"], "--json").json["data"]] == [one]
    got = person.asks("download", one, "--thumbnail", "-o", str(poster), "--json").json
    assert (got["size"], poster.read_bytes()[:4]) == (poster.stat().st_size, b"RIFF")
    assert person.asks("delete", one, "--yes", "--json").json == {"id": one, "deleted": True}
    gone = person.asks("show", one, "--json")
    assert (gone.code, gone.json["error"]["code"], gone.json["error"]["money"]) == (4, "not_found", None)
    assert person.asks("doctor", "--json").json["ok"] is True
    assert payments(stack, person.key) == {"sora-2": 2}


def test_words_are_for_people_and_lines_for_scripts(person: Person) -> None:
    one = person.asks("create", "a dog\nat night", "--no-wait").out.strip()
    assert f"reelay download {one}" in person.asks("attach", one).err
    fields = person.asks("list").out.rstrip("\n").split("\t")
    assert (fields[:3], fields[4:]) == ([one, "completed", "100"], ["sora-2", "a dog at night"])
    assert re.search(r"^status: +completed$", person.asks("show", one).out, re.MULTILINE)
    assert person.asks("delete", one).code == 2  # nobody there to be asked
    assert person.asks("delete", one, "-y").out == f"{one}\n"
    assert person.asks("list").out == ""


def test_a_picture_and_labels_go_along(person: Person, stack: Stack, tmp_path: Path) -> None:
    picture = tmp_path / "dog.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    for image in (str(picture), "https://example.com/dog.png"):
        words = ("create", "a dog", "--image", image, "--metadata", "project=space=dogs", "--no-wait")
        assert person.asks(*words).code == 0
    bodies = sent(stack, person.key)
    links = [body["messages"][0]["content"][1]["image_url"]["url"] for body in bodies]
    assert links[0].startswith("data:image/png;base64,iVBORw0KGgo")
    assert links[1] == "https://example.com/dog.png"
    assert [body["metadata"] for body in bodies] == [{"project": "space=dogs"}] * 2


@pytest.mark.parametrize(
    ("model", "money", "error"),
    [
        ("sim-moderation-blocked", "maybe", "moderation_blocked"),
        ("sim-404-model-not-found", "none", "model_not_found"),
        ("sim-no-link", "maybe", "no_video"),
        ("sim-stream-error", "maybe", "video_generation_failed"),
        ("sim-401-expired", "none", "invalid_api_key"),
    ],
)
def test_a_video_that_fails_says_why_and_what_of_the_money(
    person: Person, stack: Stack, model: str, money: str, error: str
) -> None:
    told = person.asks("create", "a dog", "--model", model, "--json")
    assert told.code == told.json["error"]["exit_code"]
    assert told.code in (1, 3, 4)  # v98store may have refused it before the relay had told its id
    assert (told.json["error"]["code"], told.json["error"]["money"]) == (error, money)
    (failed,) = person.asks("list", "--json").json["data"]
    remixed = person.asks("remix", failed["id"], "at night", "--json")
    assert (remixed.code, remixed.json["error"]["money"]) == (4, "none")
    assert payments(stack, person.key) == {model: 1}


def test_a_video_whose_file_is_gone_says_so(person: Person, tmp_path: Path) -> None:
    place = ("-o", str(tmp_path / "dog.mp4"), "--json")
    made = person.asks("create", "a dog", "-m", "sim-expired-link", *place)
    for told in (made, person.asks("download", made.json["id"], *place)):
        assert (told.code, told.json["error"]["code"], told.json["error"]["next"]) == (4, "media_unavailable", None)
    assert [*tmp_path.iterdir()] == []


def test_the_same_name_is_not_paid_twice(person: Person, stack: Stack) -> None:
    words = ("create", "a dog", "--idempotency-key", "film 1", "--no-wait")
    assert person.asks(*words).out == person.asks(*words).out
    other = person.asks("create", "a cat", "--idempotency-key", "film 1", "--no-wait", "--json")
    assert (other.code, other.json["error"]["code"]) == (4, "idempotency_key_reused")
    assert payments(stack, person.key) == {"sora-2": 1}


def test_what_cannot_end_well_ends_before_it_is_paid_for(person: Person, stack: Stack, tmp_path: Path) -> None:
    there = tmp_path / "there.mp4"
    there.write_bytes(b"mine")
    for place in (there, tmp_path, tmp_path / "no" / "film.mp4"):
        assert person.asks("create", "a dog", "-o", str(place)).code == 7
    for words in (
        ("create", ""),
        ("create", "a \udcff dog"),
        ("create", "x" * 32_001),
        ("create", "a dog", "--seconds", "0"),
        ("create", "a dog", "--metadata", "project"),
        ("create", "a dog", "--image", str(there)),
        ("create", "a dog", "--no-wait", "-o", "film.mp4"),
        ("create", "a dog", "--metadata", "project=\udcff"),
        ("create", "a dog", "--idempotency-key", "n\u00e4me"),
        ("show", "../chat/completions"),
    ):
        assert person.asks(*words).code == 2, words
    assert there.read_bytes() == b"mine"
    assert sent(stack, person.key) == []


def test_a_file_is_replaced_only_when_told_to(person: Person, tmp_path: Path) -> None:
    film = tmp_path / "dog.mp4"
    film.write_bytes(b"mine")
    one = person.asks("create", "a dog", "--json").json["id"]
    kept = person.asks("download", one, "-o", str(film))
    assert (kept.code, film.read_bytes()) == (7, b"mine")
    assert "--force" in kept.err
    assert person.asks("download", one, "-o", str(film), "--force").code == 0
    assert film.read_bytes() == MP4


def test_the_wait_has_an_end_and_leads_back(person: Person) -> None:
    told = person.asks("create", "a dog", "--timeout", "0", "--json")
    assert (told.code, told.json["error"]["next"]) == (8, f"Come back with: reelay attach {told.json['id']}")


def test_a_key_is_wanted_and_never_on_the_command_line(stack: Stack) -> None:
    nobody = Person(stack.url, key="")
    assert (nobody.asks("list").code, nobody.asks("list", "--json").json["error"]["exit_code"]) == (3, 3)
    told = nobody.asks("list", "--api-key", "sk-seen-by-all")
    assert (told.code, "REELAY_API_KEY" in told.err, "sk-seen-by-all" in told.err) == (2, True, False)
    assert Person(stack.url, key="sk with blanks").asks("list").code == 3
    unknown = Person(stack.url, key="rk-0123456789abcdefghijklmn")
    told = unknown.asks("create", "a dog", "--json")
    assert (told.code, told.json["error"]["code"], told.json["error"]["money"]) == (3, "invalid_api_key", "none")
    assert unknown.asks("show", NOBODYS).code == 3

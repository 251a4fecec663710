"""The studio as it is served: files with their types, versions and policy; nothing that comes from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reelay.errors import NotFound
from reelay.model import Answer, Call, Invocation
from reelay.studio_page import FOLDER, StudioPage

BUCKET = "https://bucket.s3.eu-central-1.amazonaws.com"
ONCE = Invocation(60, live=False)
SCRIPTS = sorted(FOLDER.glob("*.js"))
LEAVES = {"dom.js", "session.js", "progress.js", "words.js", "picture.js"}
HTML = (FOLDER / "index.html").read_text()


@pytest.fixture
def studio() -> StudioPage:
    return StudioPage(lambda: f"{BUCKET}/kept/media/x.mp4?X-Amz-Signature=abc")


def page(studio: StudioPage, path: str = "/live/", **headers: str) -> Answer:
    return studio.page(Call("getStudio", path, "r", headers=headers), ONCE)


def file(studio: StudioPage, name: str, version: str | None = None, **headers: str) -> Answer:
    parameters = {"file": name, "version": version or studio.version}
    return studio.file(Call("getStudioFile", "/live/studio", "r", parameters=parameters, headers=headers), ONCE)


def body(answer: Answer) -> bytes:
    return b"".join(answer.pieces)


@pytest.mark.parametrize(("path", "below"), [("/", ""), ("/live/", ""), ("/live", "live/"), ("/a/b%22c", "b%22c/")])
def test_the_page_finds_its_files_with_a_slash_at_the_end_of_its_address_or_without(
    studio: StudioPage, path: str, below: str
) -> None:
    html = body(page(studio, path)).decode()
    assert f'href="{below}studio/{studio.version}/style.css"' in html
    assert f'src="{below}studio/{studio.version}/app.js"' in html
    assert html.count("studio/") == 2


def test_its_policy_lets_it_load_its_own_files_and_what_lies_in_the_bucket_and_do_nothing_else(
    studio: StudioPage,
) -> None:
    policy = dict(each.split(" ", 1) for each in page(studio).headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' blob: data: {BUCKET}",
        "media-src": f"'self' blob: {BUCKET}",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_each_file_has_its_type_and_is_kept_for_a_year_under_its_version_alone(studio: StudioPage) -> None:
    for name, kind in (("app.js", "text/javascript; charset=utf-8"), ("style.css", "text/css; charset=utf-8")):
        answer = file(studio, name)
        assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
        assert body(answer) == (FOLDER / name).read_bytes()
        assert "immutable" in answer.headers["Cache-Control"]
        assert file(studio, name, "another").headers["Cache-Control"] == "no-cache"
    assert page(studio).headers["Cache-Control"] == "no-cache"


def test_who_has_a_file_is_told_so(studio: StudioPage) -> None:
    for answer in (page(studio), file(studio, "app.js")):
        tag = answer.headers["ETag"]
        again = page if "Content-Security-Policy" in answer.headers else lambda s, **h: file(s, "app.js", **h)
        for known in (tag, f"W/{tag}", f'"another", {tag}', "*"):
            same = again(studio, **{"if-none-match": known})
            assert (same.status, body(same), same.headers["ETag"]) == (304, b"", tag)
        assert again(studio, **{"if-none-match": '"another"'}).status == 200


def test_another_file_is_another_version(studio: StudioPage, tmp_path: Path) -> None:
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert StudioPage(lambda: BUCKET, tmp_path).version == studio.version
    (tmp_path / "app.js").write_text("export {};")
    assert StudioPage(lambda: BUCKET, tmp_path).version != studio.version


@pytest.mark.parametrize("name", ["index.html", "nothing.js", "../wiring.py", "..", "style.css/"])
def test_what_is_no_file_of_the_studio_is_not_found(studio: StudioPage, name: str) -> None:
    with pytest.raises(NotFound):
        file(studio, name)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_makes_no_html_and_loads_what_is_there_alone(script: Path) -> None:
    text = script.read_text()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\(|localStorage", text
    )
    loaded = re.findall(r'^import .*?from "(\..+?)";', text, re.MULTILINE)
    assert loaded or script.name in LEAVES
    assert all((FOLDER / name).resolve() in SCRIPTS for name in loaded)
    assert "http://" not in text
    assert "https://" not in text


def test_the_page_has_nothing_inline_and_every_id_that_its_scripts_ask_for() -> None:
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", HTML)
    assert re.findall(r"<script(.*?)>(.*?)</script>", HTML) == [(' type="module" src="studio/app.js"', "")]
    asked = {place for script in SCRIPTS for place in re.findall(r'\$\("([\w-]+)"\)', script.read_text())}
    there = re.findall(r'\bid="([\w-]+)"', HTML)
    assert asked <= {*there}
    assert len(there) == len({*there})

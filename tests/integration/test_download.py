"""The guarded download against hosts on loopback: what it reads, and that what it refuses is never connected to."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from reelay.clock import SystemClock
from reelay.download import MAX_REDIRECTS, MEDIA_MAX_BYTES, DownloadLimits, GuardedDownload, Unavailable
from tests.authority import certified
from tests.integration.media_server import (
    FTYP,
    HOST,
    MediaServer,
    Script,
    Wire,
    endless,
    head,
    mp4,
    raw,
    redirect,
    reply,
)

CLOCK = SystemClock()
NAME = "cdn.example.com"
PUBLIC = "93.184.215.14"
OTHER_PUBLIC = "1.1.1.1"
VIDEO = mp4(200_000)
TOO_SLOW = "the host was too slow: the time for the copy ran out"
IMPATIENT = DownloadLimits(connect_seconds=0.3, idle_seconds=0.3, max_bytes=1_000_000)


@dataclass
class Internet:
    """A resolver and a dialler that record what they are asked; every dial ends at `server`, whatever the address."""

    server: MediaServer | None = None
    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    unreachable: frozenset[str] = frozenset()

    def resolve(self, host: str) -> list[str]:
        self.asked.append(host)
        answers = self.answers.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def dial(self, address: tuple[str, int], seconds: float) -> socket.socket:
        self.dialled.append(address)
        if self.server is None or address[0] in self.unreachable:
            raise ConnectionRefusedError
        return socket.create_connection((HOST, self.server.port), seconds)


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[MediaServer]:
    """A host whose certificate is for NAME."""
    with MediaServer(certified(authority, NAME)) as server:
        yield server


def trusting(server: MediaServer, limits: DownloadLimits = IMPATIENT) -> GuardedDownload:
    return GuardedDownload(clock=CLOCK, trusted_origins=frozenset({server.origin}), limits=limits)


def guarded(internet: Internet, **settings: object) -> GuardedDownload:
    return GuardedDownload(
        clock=CLOCK,
        resolve=internet.resolve,
        dial=internet.dial,
        **{"limits": IMPATIENT, **settings},  # type: ignore[arg-type]  # keyword arguments passed on as they are
    )


def fetch(download: GuardedDownload, url: str, seconds: float = 5) -> bytes:
    with download.open(url, CLOCK.monotonic() + seconds) as opened:
        return b"".join(iter(lambda: opened.read(1 << 20), b""))


def reason(download: GuardedDownload, url: str, seconds: float = 5) -> str:
    with pytest.raises(Unavailable) as unavailable:
        fetch(download, url, seconds)
    assert url not in unavailable.value.reason
    return unavailable.value.reason


# -- what is read ------------------------------------------------------------------------------------------------------


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


@pytest.mark.parametrize(
    "script",
    [
        reply(VIDEO),
        raw(head(Content_Type="video/mp4"), VIDEO),
        raw(
            head(Content_Type="video/mp4", Transfer_Encoding="chunked"),
            chunked(VIDEO[:5], VIDEO[5:99_999], VIDEO[99_999:]),
        ),
        raw(b"HTTP/1.0 200 OK\r\n\r\n", VIDEO),
    ],
    ids=["length", "until the end", "chunked", "HTTP/1.0"],
)
def test_a_file_is_read_byte_for_byte_however_it_is_framed(server: MediaServer, script: Script) -> None:
    assert fetch(trusting(server), server.url("/a.mp4", script)) == VIDEO


def test_what_the_host_claims_is_told_as_a_claim(server: MediaServer) -> None:
    url = server.url("/a.mp4", reply(VIDEO, content_type="text/plain"))
    with trusting(server).open(url, CLOCK.monotonic() + 5) as download:
        assert (download.content_type, download.length) == ("text/plain", len(VIDEO))
        assert len(download.read(10)) <= 10


def test_the_request_carries_nothing_of_ours_and_asks_for_no_compression(server: MediaServer) -> None:
    fetch(trusting(server), server.url("/a.mp4", reply(VIDEO)) + "?sig=a%2Fb#fragment")
    (request,) = server.requests
    line, *headers = request.split("\r\n")
    assert line == "GET /a.mp4?sig=a%2Fb HTTP/1.1"
    assert {header.partition(":")[0].lower() for header in headers if header} == {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
    }
    assert "Accept-Encoding: identity" in headers
    assert f"Host: {HOST}:{server.port}" in headers


def test_over_tls_the_checked_address_is_dialled_and_the_name_kept(secure: MediaServer, tls: ssl.SSLContext) -> None:
    secure.scripts["/a.mp4"] = reply(VIDEO)
    internet = Internet(secure, {NAME: [[PUBLIC]]})
    assert fetch(guarded(internet, tls=tls), f"https://{NAME}/a.mp4") == VIDEO
    assert internet.dialled == [(PUBLIC, 443)]
    assert f"Host: {NAME}\r\n" in secure.requests[0]


def test_the_next_address_is_tried_when_one_does_not_answer(secure: MediaServer, tls: ssl.SSLContext) -> None:
    secure.scripts["/a.mp4"] = reply(VIDEO)
    internet = Internet(secure, {NAME: [[PUBLIC, OTHER_PUBLIC]]}, unreachable=frozenset({PUBLIC}))
    assert fetch(guarded(internet, tls=tls), f"https://{NAME}/a.mp4") == VIDEO
    assert internet.dialled == [(PUBLIC, 443), (OTHER_PUBLIC, 443)]


# -- whom it does not contact ------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A door that must stay unopened: accepting from it fails at once unless somebody connected."""
    with socket.create_server((HOST, 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.mark.case("ssrf-address", "ssrf-scheme-port")
@pytest.mark.parametrize(
    "link",
    [
        "https://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/2018-06-01/runtime/invocation/next",
        "http://localhost:{port}/",
        "https://localhost:{port}/",
        "https://[::1]:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://10.0.0.8/a.mp4",
        "http://2130706433:{port}/",
        "https://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://\uff11\uff12\uff17.0.0.1:{port}/",
        "http://user:pass@127.0.0.1:{port}/",
        "https://cdn.example.com@127.0.0.1:{port}/",
        "http://a.example\\@127.0.0.1:{port}/",
        "https://a.example\\@127.0.0.1:{port}/",
        "https://cdn.example.com:{port}/",
        "http://cdn.example.com/a.mp4",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/",
    ],
)
def test_a_refused_link_makes_no_look_up_and_no_connection(link: str, listener: socket.socket) -> None:
    url = link.format(port=listener.getsockname()[1])
    internet = Internet()
    assert reason(guarded(internet), url)
    assert (internet.asked, internet.dialled) == ([], [])
    assert reason(GuardedDownload(clock=CLOCK), url)
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.case("ssrf-address", "ssrf-rebinding")
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["10.0.0.8"],
        ["100.64.0.1"],
        ["192.88.99.1"],
        ["224.0.0.1"],
        ["0.0.0.0"],  # noqa: S104 - never bound, only refused
        ["::1"],
        ["64:ff9b::7f00:1"],
        ["::ffff:10.0.0.8"],
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
    ],
    ids=" ".join,
)
def test_a_name_is_refused_when_any_of_its_addresses_is_not_public(addresses: list[str]) -> None:
    internet = Internet(answers={NAME: [addresses]})
    assert reason(guarded(internet), f"https://{NAME}/a.mp4") == "the link leads to a private address"
    assert (internet.asked, internet.dialled) == ([NAME], [])


@pytest.mark.case("ssrf-rebinding")
def test_a_name_that_answers_differently_the_second_time_is_asked_once(
    secure: MediaServer, tls: ssl.SSLContext
) -> None:
    secure.scripts["/a.mp4"] = reply(VIDEO)
    internet = Internet(secure, {NAME: [[PUBLIC], ["127.0.0.1"]]})
    assert fetch(guarded(internet, tls=tls), f"https://{NAME}/a.mp4") == VIDEO
    assert (internet.asked, internet.dialled) == ([NAME], [(PUBLIC, 443)])


@pytest.mark.case("ssrf-rebinding", "ssrf-redirect")
def test_a_name_that_turns_private_before_a_redirect_to_itself_is_refused(
    secure: MediaServer, tls: ssl.SSLContext
) -> None:
    secure.scripts["/a.mp4"] = redirect("/b.mp4")
    internet = Internet(secure, {NAME: [[PUBLIC], ["127.0.0.1"]]})
    assert reason(guarded(internet, tls=tls), f"https://{NAME}/a.mp4") == "the link leads to a private address"
    assert internet.dialled == [(PUBLIC, 443)]


@pytest.mark.case("ssrf-redirect")
@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://10.0.0.8/",
        "https://2130706433/",
        "https://inside.example.com/",
        "//inside.example.com/b.mp4",
        "http://cdn.example.com/b.mp4",
        "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
        "https://cdn.example.com:9001/",
        "https://cdn.example.com\\@127.0.0.1/",
        "https://user@cdn.example.com/b.mp4",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_is_guarded_like_the_link_itself(secure: MediaServer, tls: ssl.SSLContext, location: str) -> None:
    secure.scripts["/a.mp4"] = redirect(location)
    internet = Internet(secure, {NAME: [[PUBLIC]], "inside.example.com": [["10.0.0.8"]]})
    assert reason(guarded(internet, tls=tls), f"https://{NAME}/a.mp4")
    assert internet.dialled == [(PUBLIC, 443)]
    assert secure.connections == 1


@pytest.mark.case("ssrf-redirect")
def test_a_trusted_origin_does_not_vouch_for_where_it_leads(server: MediaServer, listener: socket.socket) -> None:
    for location in (f"http://127.0.0.1:{listener.getsockname()[1]}/", "https://127.0.0.1/"):
        assert reason(trusting(server), server.url("/a.mp4", redirect(location)))
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.case("ssrf-redirect")
def test_three_redirects_are_followed_and_a_fourth_is_not(server: MediaServer) -> None:
    for hop in range(4):
        server.scripts[f"/{hop}.mp4"] = redirect(f"/{hop + 1}.mp4", (301, 302, 307, 308)[hop])
    server.scripts["/4.mp4"] = reply(VIDEO)
    assert MAX_REDIRECTS == 3
    assert fetch(trusting(server), f"{server.origin}/1.mp4") == VIDEO
    server.requests.clear()
    assert reason(trusting(server), f"{server.origin}/0.mp4") == "the link leads on more than 3 times"
    assert len(server.requests) == 4


@pytest.mark.case("ssrf-redirect")
def test_a_circle_of_redirects_is_left_at_the_first_place_seen_again(server: MediaServer) -> None:
    server.scripts |= {"/a.mp4": redirect("/b.mp4"), "/b.mp4": redirect("/a.mp4#again")}
    assert reason(trusting(server), f"{server.origin}/a.mp4") == "the link leads in a circle"
    assert server.connections == 2


@pytest.mark.case("ssrf-allow-list")
def test_an_allow_list_keeps_all_other_hosts_out_and_the_guards_on(secure: MediaServer, tls: ssl.SSLContext) -> None:
    secure.scripts["/a.mp4"] = reply(VIDEO)
    internet = Internet(secure, {NAME: [[PUBLIC]], "evil.test": [[PUBLIC]], "in.example.com": [["10.0.0.8"]]})
    download = guarded(internet, tls=tls, allowed_hosts=frozenset({".Example.com"}))
    assert reason(download, "https://evil.test/a.mp4") == "the link's host is not one that may be copied from"
    assert internet.asked == []
    assert reason(download, "https://in.example.com/a.mp4") == "the link leads to a private address"
    assert internet.dialled == []
    assert fetch(download, f"https://{NAME}/a.mp4") == VIDEO


# -- whom it does not believe ------------------------------------------------------------------------------------------


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, tls: ssl.SSLContext) -> None:
    with MediaServer(certified(authority, "other.example.com", PUBLIC)) as server:
        server.scripts["/a.mp4"] = reply(VIDEO)
        internet = Internet(server, {NAME: [[PUBLIC]]})
        said = reason(guarded(internet, tls=tls), f"https://{NAME}/a.mp4")
        assert said == "the certificate of the link's host could not be verified"
        assert server.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused_by_default(secure: MediaServer) -> None:
    internet = Internet(secure, {NAME: [[PUBLIC]]})
    said = reason(guarded(internet), f"https://{NAME}/a.mp4")
    assert said == "the certificate of the link's host could not be verified"
    assert secure.requests == []


def test_a_host_that_does_not_speak_tls_is_never_asked_in_the_clear(server: MediaServer) -> None:
    server.scripts["/a.mp4"] = reply(VIDEO)
    internet = Internet(server, {NAME: [[PUBLIC]]})
    assert reason(guarded(internet), f"https://{NAME}/a.mp4")
    assert server.requests == []


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 503, 204, 206, 304])
def test_a_status_other_than_200_is_told_as_it_came(server: MediaServer, status: int) -> None:
    assert reason(trusting(server), server.url("/a.mp4", reply(b"", status))) == f"the host answered {status}"


def test_a_redirect_without_a_location_is_a_status_like_any_other(server: MediaServer) -> None:
    assert reason(trusting(server), server.url("/a.mp4", reply(b"", 302))) == "the host answered 302"


def test_a_compressed_file_is_not_inflated_but_refused(server: MediaServer) -> None:
    url = server.url("/a.mp4", reply(VIDEO, Content_Encoding="gzip"))
    assert reason(trusting(server), url) == "the host sent the file in a compression that was not asked for"


@pytest.mark.case("media-too-large")
def test_a_length_over_the_limit_is_refused_before_the_body(server: MediaServer) -> None:
    assert MEDIA_MAX_BYTES == 2 * 1024**3
    url = server.url("/a.mp4", endless(b"", VIDEO, Content_Length=MEDIA_MAX_BYTES + 1))
    assert reason(trusting(server, DownloadLimits()), url) == "the file is larger than 2,147,483,648 bytes"


@pytest.mark.case("media-too-large")
def test_a_body_over_the_limit_is_cut_when_it_had_no_length(server: MediaServer) -> None:
    assert (
        reason(trusting(server), server.url("/a.mp4", endless(b"", VIDEO))) == "the file is larger than 1,000,000 bytes"
    )


@pytest.mark.parametrize(
    "script",
    [
        raw(head(Content_Length=len(VIDEO) + 1), VIDEO),
        raw(head(Transfer_Encoding="chunked"), chunked(VIDEO)[:-5]),
        raw(head(Transfer_Encoding="chunked"), b"30d40\r\n" + VIDEO[:-1]),
        raw(head(Transfer_Encoding="chunked"), b"30d"),
        raw(head(Transfer_Encoding="chunked"), b"nonsense\r\n" + VIDEO),
    ],
    ids=["length too long", "no last chunk", "cut in a chunk", "cut in a chunk's size", "no chunk"],
)
def test_a_body_that_ends_before_its_framing_says_so_is_not_whole(server: MediaServer, script: Script) -> None:
    assert reason(trusting(server), server.url("/a.mp4", script)) in {
        "the file ended before the length that its host had announced",
        "the connection broke before the file was complete",
    }


def test_a_length_that_is_too_short_ends_the_file_there(server: MediaServer) -> None:
    assert fetch(trusting(server), server.url("/a.mp4", raw(head(Content_Length=1000), VIDEO))) == VIDEO[:1000]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 100,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
    ],
    ids=["nothing", "zeros", "another protocol", "no status", "200 headers", "a line without end"],
)
def test_an_answer_that_is_not_http_is_told_in_words(server: MediaServer, answer: bytes) -> None:
    assert reason(trusting(server), server.url("/a.mp4", raw(answer))) == "the link's host did not answer as HTTP does"


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", head(), head(Transfer_Encoding="chunked"), head(Content_Length=9)]),
    st.binary(max_size=200),
)
def test_whatever_bytes_a_host_sends_they_are_a_file_or_unavailable(start: bytes, rest: bytes) -> None:
    def dial(_address: tuple[str, int], seconds: float) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(start + rest)
        ours.settimeout(seconds)
        return ours

    download = GuardedDownload(
        clock=CLOCK, trusted_origins=frozenset({"http://a"}), resolve=lambda _: [HOST], dial=dial, limits=IMPATIENT
    )
    with suppress(Unavailable):
        assert isinstance(fetch(download, "http://a/"), bytes)


def test_malformed_headers_put_nothing_of_the_link_into_the_log(
    server: MediaServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = server.url("/a.mp4", raw(b"HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 2\r\n\r\n", VIDEO))
    fetch(trusting(server), url + "?sig=secret")
    assert "secret" not in caplog.text


# -- how long it waits -------------------------------------------------------------------------------------------------


def test_a_name_that_is_never_answered_is_given_up() -> None:
    forever = threading.Event()

    def resolve(_host: str) -> list[str]:
        forever.wait()
        return []

    began = time.monotonic()
    try:
        download = GuardedDownload(clock=CLOCK, resolve=resolve, limits=IMPATIENT)
        assert reason(download, f"https://{NAME}/") == "the link's host could not be looked up in time"
        assert time.monotonic() - began < 2
    finally:
        forever.set()


def test_a_name_that_does_not_exist_is_told() -> None:
    assert reason(guarded(Internet()), f"https://{NAME}/") == "the link's host has no address"


def test_a_host_that_refuses_the_connection_is_told() -> None:
    internet = Internet(answers={NAME: [[PUBLIC]]})
    assert reason(guarded(internet), f"https://{NAME}/") == "the link's host could not be reached"


def silence(wire: Wire) -> None:
    wire.pause(60)


def silence_after_the_head(wire: Wire) -> None:
    wire.send(head(Content_Type="video/mp4") + FTYP)
    wire.pause(60)


def drip_of_headers(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        wire.pause(0.02)
        wire.send(b"y")


def endless_100_continue(wire: Wire) -> None:
    while True:
        wire.pause(0.02)
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("script", [silence, silence_after_the_head])
def test_a_silent_host_is_left_after_the_idle_limit(server: MediaServer, script: Script) -> None:
    began = time.monotonic()
    assert reason(trusting(server), server.url("/a.mp4", script)) == "the link's host did not answer in time"
    assert time.monotonic() - began < 2


DRIPS: dict[str, Script] = {
    "headers": drip_of_headers,
    "100 Continue": endless_100_continue,
    "body": endless(FTYP, b"x", 0.02),
    "body with a length": endless(FTYP, b"x", 0.02, Content_Length=500_000),
    "chunks": endless(chunked(FTYP)[:-5], b"1\r\nx\r\n", 0.02, Transfer_Encoding="chunked"),
    "trailers": endless(chunked(FTYP)[:-2], b"X: y\r\n", 0.02, Transfer_Encoding="chunked"),
}


@pytest.mark.parametrize("script", DRIPS.values(), ids=DRIPS)
def test_a_drip_under_the_idle_limit_ends_at_the_deadline(server: MediaServer, script: Script) -> None:
    began = time.monotonic()
    assert reason(trusting(server), server.url("/a.mp4", script), seconds=0.5) == TOO_SLOW
    assert 0.5 <= time.monotonic() - began < 1.5


def test_a_drip_within_tls_ends_at_the_deadline(secure: MediaServer, tls: ssl.SSLContext) -> None:
    secure.scripts["/a.mp4"] = endless(FTYP, b"x", 0.02)
    internet = Internet(secure, {NAME: [[PUBLIC]]})
    assert reason(guarded(internet, tls=tls), f"https://{NAME}/a.mp4", seconds=0.5) == TOO_SLOW


def test_a_tls_handshake_that_drips_is_left_after_the_connect_limit(tls: ssl.SSLContext) -> None:
    with socket.create_server((HOST, 0)) as listening:  # takes the connection into its backlog and says nothing
        internet = Internet(answers={NAME: [[PUBLIC]]})

        def dial(address: tuple[str, int], seconds: float) -> socket.socket:
            internet.dialled.append(address)
            return socket.create_connection(listening.getsockname(), seconds)

        download = GuardedDownload(clock=CLOCK, resolve=internet.resolve, dial=dial, tls=tls, limits=IMPATIENT)
        assert reason(download, f"https://{NAME}/a.mp4") == "the link's host did not answer in time"


def test_no_time_left_means_no_look_up() -> None:
    internet = Internet(answers={NAME: [[PUBLIC]]})
    assert reason(guarded(internet), f"https://{NAME}/a.mp4", seconds=0) == TOO_SLOW
    assert internet.asked == []


@pytest.mark.parametrize("script", [reply(VIDEO), reply(b"", 404), redirect("/a.mp4"), drip_of_headers])
def test_nothing_stays_open_after_a_download_however_it_ended(server: MediaServer, script: Script) -> None:
    url = server.url("/a.mp4", script)
    with suppress(Unavailable):
        fetch(trusting(server), url, seconds=0.3)
    gc.collect()  # an unclosed socket is an error here: warnings are errors
    watchdogs = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for watchdog in watchdogs:
        watchdog.join(1)
    assert not any(watchdog.is_alive() for watchdog in watchdogs)

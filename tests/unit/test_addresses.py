"""Every way around the guard that is known by name, one line each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.addresses import MAX_LINK_CHARACTERS, Place, Refused, allowed, is_public, parse

NOT_A_PUBLIC_HOST = "the link does not lead to a public host name"
NOT_A_URL = "the link is not a well-formed URL"
CREDENTIALS = "the link carries credentials"
NOT_HTTPS = "the link is not https"
OTHER_PORT = "the link leads to a port other than 443"

REFUSED = {
    "http://cdn.example.com/a.mp4": NOT_HTTPS,
    "ftp://cdn.example.com/a.mp4": NOT_HTTPS,
    "file:///etc/passwd": NOT_HTTPS,
    "gopher://cdn.example.com/": NOT_HTTPS,
    "data:video/mp4;base64,AAAA": NOT_A_URL,
    "//cdn.example.com/a.mp4": NOT_A_URL,
    "https:cdn.example.com/a.mp4": NOT_A_URL,
    "https:/cdn.example.com/a.mp4": NOT_A_URL,
    "https:///cdn.example.com/a.mp4": NOT_A_PUBLIC_HOST,
    "https://": NOT_A_PUBLIC_HOST,
    "": NOT_A_URL,
    # Lambda's own, in clear and in disguise
    "https://169.254.169.254/latest/meta-data": NOT_A_PUBLIC_HOST,
    "https://127.0.0.1:9001/2018-06-01/runtime/invocation/next": NOT_A_PUBLIC_HOST,
    "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next": NOT_HTTPS,
    "https://127.0.0.1/": NOT_A_PUBLIC_HOST,
    "https://10.0.0.8/a.mp4": NOT_A_PUBLIC_HOST,
    "https://2130706433/": NOT_A_PUBLIC_HOST,
    "https://0x7f000001/": NOT_A_PUBLIC_HOST,
    "https://0x7f.1/": NOT_A_PUBLIC_HOST,
    "https://0x7f.0x0.0x0.0x1/": NOT_A_PUBLIC_HOST,
    "https://017700000001/": NOT_A_PUBLIC_HOST,
    "https://0177.0.0.1/": NOT_A_PUBLIC_HOST,
    "https://127.1/": NOT_A_PUBLIC_HOST,
    "https://127.0.1/": NOT_A_PUBLIC_HOST,
    "https://0/": NOT_A_PUBLIC_HOST,
    "https://1.1.1.1/a.mp4": NOT_A_PUBLIC_HOST,
    "https://[::1]/": NOT_A_PUBLIC_HOST,
    "https://[::ffff:127.0.0.1]/": NOT_A_PUBLIC_HOST,
    "https://[::169.254.169.254]/": NOT_A_PUBLIC_HOST,
    "https://[64:ff9b::7f00:1]/": NOT_A_PUBLIC_HOST,
    "https://[fe80::1%25eth0]/": NOT_A_PUBLIC_HOST,
    # names that stay at home
    "https://localhost/": NOT_A_PUBLIC_HOST,
    "https://LOCALHOST/": NOT_A_PUBLIC_HOST,
    "https://a.localhost/": NOT_A_PUBLIC_HOST,
    "https://printer.local/": NOT_A_PUBLIC_HOST,
    "https://metadata.google.internal/": NOT_A_PUBLIC_HOST,
    "https://router.home.arpa/": NOT_A_PUBLIC_HOST,
    "https://intranet/": NOT_A_PUBLIC_HOST,
    # dots, escapes and letters that another parser would read otherwise
    "https://cdn.example.com./a.mp4": NOT_A_PUBLIC_HOST,
    "https://127.0.0.1./": NOT_A_PUBLIC_HOST,
    "https://.example.com/": NOT_A_PUBLIC_HOST,
    "https://cdn..example.com/": NOT_A_PUBLIC_HOST,
    "https://-a.example.com/": NOT_A_PUBLIC_HOST,
    "https://a_b.example.com/": NOT_A_PUBLIC_HOST,
    "https://cdn.example.com%2f@127.0.0.1/": CREDENTIALS,
    "https://cdn%2eexample.com/": NOT_A_PUBLIC_HOST,
    "https://%31%32%37.0.0.1/": NOT_A_PUBLIC_HOST,
    "https://cdn.example.com%00.evil.test/": NOT_A_PUBLIC_HOST,
    "https://\uff11\uff12\uff17.0.0.1/": NOT_A_PUBLIC_HOST,
    "https://①②⑦.⓪.⓪.①/": NOT_A_PUBLIC_HOST,
    "https://127。0。0。1/": NOT_A_PUBLIC_HOST,
    "https://\uff4cocalhost/": NOT_A_PUBLIC_HOST,
    "https://\u212aelvin.example.com/": NOT_A_PUBLIC_HOST,  # the Kelvin sign is a k when lowered
    "https://cdn.example.com\uff0f@127.0.0.1/": CREDENTIALS,
    "https://bücher.example/": NOT_A_PUBLIC_HOST,
    "https://a.example\\@127.0.0.1/": NOT_A_URL,
    "https://127.0.0.1\\.a.example/": NOT_A_URL,
    "https:\\\\127.0.0.1\\": NOT_A_URL,
    "https://cdn.example.com\t/a.mp4": NOT_A_URL,
    "https://cdn.example.com/a.mp4\r\nHost: 127.0.0.1": NOT_A_URL,
    "https://cdn.example.com/a b.mp4": NOT_A_URL,
    "https://cdn.example.com/\x00.mp4": NOT_A_URL,
    "https://cdn.example.com/\x85.mp4": NOT_A_URL,
    "https://cdn.example.com/\ud800.mp4": NOT_A_URL,
    " https://cdn.example.com/a.mp4": NOT_A_URL,
    "\thttps://cdn.example.com/a.mp4": NOT_A_URL,
    # credentials
    "https://user@cdn.example.com/": CREDENTIALS,
    "https://user:pass@cdn.example.com/": CREDENTIALS,
    "https://cdn.example.com@127.0.0.1/": CREDENTIALS,
    "https://@cdn.example.com/": CREDENTIALS,
    # ports
    "https://cdn.example.com:80/": OTHER_PORT,
    "https://cdn.example.com:9001/": OTHER_PORT,
    "https://cdn.example.com:8443/": OTHER_PORT,
    "https://cdn.example.com:0/": OTHER_PORT,
    "https://cdn.example.com:0443/": OTHER_PORT,
    "https://cdn.example.com:/": OTHER_PORT,
    "https://cdn.example.com:443:80/": OTHER_PORT,
    "https://cdn.example.com:\uff14\uff14\uff13/": OTHER_PORT,
    # sizes
    "https://" + "a." * 127 + "com/": NOT_A_PUBLIC_HOST,
    "https://" + "a" * 64 + ".com/": NOT_A_PUBLIC_HOST,
    "https://cdn.example.com/" + "a" * MAX_LINK_CHARACTERS: "the link is longer than 8,000 characters",
}

PRIVATE = [
    "0.0.0.0",  # noqa: S104 - never bound, only judged
    *("10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.9", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1"),
    *("192.88.99.1", "192.168.1.1", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    # IPv6 is never dialled, so none of its ways to carry an IPv4 address leads anywhere
    *("::1", "::", "::ffff:127.0.0.1", "::169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::a9fe:a9fe", "fe80::1"),
    *("2002:7f00:1::", "2001:0:7f00:1::", "fc00::1", "fd00:ec2::254", "ff02::1", "2606:4700:4700::1111"),
    # not in the one canonical notation
    *(
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "\uff11.1.1.1",
        "1.1.1.1 ",
        "1.1.1.1/32",
        "cdn.example.com",
        "",
    ),
]


@pytest.mark.case("ssrf-address", "ssrf-scheme-port")
@pytest.mark.parametrize(("link", "reason"), REFUSED.items(), ids=ascii)
def test_a_link_that_is_not_plainly_public_is_refused_in_words_that_do_not_repeat_it(link: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(link)
    assert str(refused.value) == reason


@pytest.mark.case("ssrf-address")
@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_ipv4_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "11.0.0.1", "172.32.0.1", "192.167.255.255", "223.1.1.1"]
)
def test_an_address_beside_the_private_ranges_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("link", "host", "target"),
    [
        ("https://cdn.example.com/a.mp4", "cdn.example.com", "/a.mp4"),
        ("HTTPS://CDN.Example.COM:443/A.mp4", "cdn.example.com", "/A.mp4"),
        ("https://cdn.example.com", "cdn.example.com", "/"),
        ("https://cdn.example.com?x=1", "cdn.example.com", "/?x=1"),
        ("https://cdn.example.com/a.mp4#t=5", "cdn.example.com", "/a.mp4"),
        ("https://cdn.example.com#@127.0.0.1/", "cdn.example.com", "/"),
        ("https://cdn.example.com/@127.0.0.1/a.mp4", "cdn.example.com", "/@127.0.0.1/a.mp4"),
        (
            "https://videos.example.com/s/a.mp4?st=2025-10-13T15%3A09%3A29Z&se=x&sig=a%2Fb%2Bc%3D",
            "videos.example.com",
            "/s/a.mp4?st=2025-10-13T15%3A09%3A29Z&se=x&sig=a%2Fb%2Bc%3D",
        ),
        ("https://cdn.example.com/视频.mp4", "cdn.example.com", "/%E8%A7%86%E9%A2%91.mp4"),
        ('https://cdn.example.com/a"<b>.mp4', "cdn.example.com", "/a%22%3Cb%3E.mp4"),
        ("https://xn--bcher-kva.example/a.mp4", "xn--bcher-kva.example", "/a.mp4"),
        ("https://3d.example/a.mp4", "3d.example", "/a.mp4"),
    ],
)
def test_a_public_link_is_read_into_what_to_dial_and_what_to_ask_for(link: str, host: str, target: str) -> None:
    assert parse(link) == Place("https", host, 443, target)


def test_only_the_exact_origin_is_trusted() -> None:
    trusted = frozenset({"http://127.0.0.1:9000"})
    assert parse("http://127.0.0.1:9000/a.mp4", trusted) == Place("http", "127.0.0.1", 9000, "/a.mp4", trusted=True)
    for link in (
        "http://127.0.0.1:9001/a.mp4",
        "http://127.0.0.1/a.mp4",
        "https://127.0.0.1:9000/a.mp4",
        "http://127.0.0.1:9000@evil.example/a.mp4",
        "http://127.0.0.1:9000.evil.example/a.mp4",
        "http://user@127.0.0.1:9000/a.mp4",
        "http://127.1:9000/a.mp4",
    ):
        with pytest.raises(Refused):
            parse(link, trusted)
    with pytest.raises(Refused):
        parse("http://simulator.evil.test/a.mp4", frozenset({"http://simulator"}))


@pytest.mark.parametrize(
    ("location", "link"),
    [
        ("https://other.example/b.mp4", "https://other.example/b.mp4"),
        ("/b.mp4", "https://cdn.example.com/b.mp4"),
        ("b.mp4?x=1", "https://cdn.example.com/v/b.mp4?x=1"),
        ("?x=2", "https://cdn.example.com/v/a.mp4?x=2"),
        ("//other.example/b.mp4", "https://other.example/b.mp4"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("/b c.mp4", "https://cdn.example.com/b%20c.mp4"),
        ("/\xe8\xa7\x86.mp4", "https://cdn.example.com/%E8%A7%86.mp4"),
        ("//a.example\\@127.0.0.1/", "https://a.example\\@127.0.0.1/"),
    ],
)
def test_a_location_is_resolved_against_the_hop_it_came_from(location: str, link: str) -> None:
    assert parse("https://cdn.example.com/v/a.mp4").follow(location) == link


def test_a_location_that_is_no_reference_is_refused() -> None:
    with pytest.raises(Refused, match=NOT_A_URL):
        parse("https://cdn.example.com/").follow("https://[bad/")


@given(st.text())
def test_whatever_a_location_holds_it_is_followed_to_a_guarded_place_or_refused(text: str) -> None:
    location = text.encode().decode("latin-1") if text.isprintable() else ""
    try:
        place = parse(parse("https://cdn.example.com/").follow(location))
    except Refused:
        return
    assert (place.scheme, place.port, place.trusted) == ("https", 443, False)
    assert place.target.isascii()
    assert " " not in place.target


def test_the_place_keeps_the_target_out_of_its_repr_since_signatures_stand_there() -> None:
    assert "secret" not in repr(parse("https://cdn.example.com/a.mp4?sig=secret"))


@pytest.mark.case("ssrf-allow-list")
@pytest.mark.parametrize(
    ("host", "hosts", "expected"),
    [
        ("cdn.example.com", set(), True),
        ("cdn.example.com", {"cdn.example.com"}, True),
        ("cdn.example.com", {".example.com"}, True),
        ("a.cdn.example.com", {".example.com"}, True),
        ("example.com", {".example.com"}, False),
        ("cdn.example.com", {"example.com"}, False),
        ("evilexample.com", {".example.com"}, False),
        ("cdn.example.com.evil.test", {".example.com", "cdn.example.com"}, False),
    ],
)
def test_an_allow_list_takes_exact_names_and_suffixes(host: str, hosts: set[str], expected: bool) -> None:
    assert allowed(host, hosts) is expected

"""Links that the upstream writes to lead Reelay where nobody outside should reach, through the door."""

from __future__ import annotations

import pytest

from dev.simulator import Simulator
from tests.integration.fault_server import FaultServer
from tests.integration.media_server import mp4, redirect, reply
from tests.security.hostile import NAME, PUBLIC, Attacked, Internet, Saying, internet_of, play

pytestmark = pytest.mark.usefixtures("aws_environment")

NOT_PUBLIC = "the link does not lead to a public host name"
PRIVATE = "the link leads to a private address"
NOT_HTTPS = "the link is not https"
NOT_LISTED = "the link's host is not one that may be copied from"
NOT_443 = "the link leads to a port other than 443"
CREDENTIALS = "the link carries credentials"
NO_URL = "the link is not a well-formed URL"
FILE = reply(mp4(5000))


def upstream(*links: str) -> FaultServer:
    """Offers one video in each choice."""
    return Saying(*map(play, links))


ADDRESSES = """
    10.0.0.8 172.16.0.1 192.168.1.1 100.64.0.1 127.0.0.1 127.255.255.254 0.0.0.0 169.254.169.254 169.254.170.2
    224.0.0.1 239.255.255.255 255.255.255.255 192.88.99.1 127.0.0.1:9001
    2130706433 3232235777 0177.0.0.1 017700000001 0x7f000001 0x7f.0.0.1 0x7f.1 127.1 0 127.0.0.1. %31%32%37.0.0.1
    \uff11\uff12\uff17.0.0.1 127\u30020\u30020\u30021 \u2460\u2461\u2466.0.0.1
    [::1] [::ffff:10.0.0.8] [64:ff9b::7f00:1] [fd00:ec2::254] [fe80::1]
    localhost LOCALHOST clip.localhost localhost.localdomain localhost. ip6-localhost intranet
    metadata.google.internal ip-10-0-0-8.ec2.internal printer.local router.home.arpa
"""


@pytest.mark.case("ssrf-address")
def test_a_link_to_an_address_or_a_name_of_the_inside_is_neither_looked_up_nor_dialled(
    simulator: Simulator, bucket: str
) -> None:
    internet = Internet()
    links = [f"https://{place}/latest/clip.mp4" for place in ADDRESSES.split()]
    with upstream(*links) as hostile:
        house = Attacked(simulator, bucket, hostile, internet.download())
        # A bracket ends a link in a text, so an IPv6 address is cut there.
        assert house.reasons() == dict.fromkeys((link.partition("]")[0] for link in links), NOT_PUBLIC)
    assert (internet.asked, internet.dialled, house.left()) == ([], [], [])


BEHIND_NAMES = """
    127.0.0.1 10.0.0.8 169.254.169.254 100.64.0.1 192.168.1.1 172.31.0.1 0.0.0.0 224.0.0.1 2130706433 0177.0.0.1 0x7f.1
    ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::a9fe:a9fe 2002:7f00:1:: fe80::1
    fd00:ec2::254 ff02::1
"""


@pytest.mark.case("ssrf-address", "ssrf-rebinding")
@pytest.mark.parametrize("beside", [[], [PUBLIC]], ids=["alone", "beside a public one"])
def test_a_public_name_with_one_private_address_is_not_dialled(
    simulator: Simulator, bucket: str, beside: list[str]
) -> None:
    names = {f"n{at}.example.com": [[*beside, address]] for at, address in enumerate(BEHIND_NAMES.split())}
    internet = Internet(names)
    with upstream(*(f"https://{name}/a.mp4" for name in names)) as hostile:
        house = Attacked(simulator, bucket, hostile, internet.download())
        assert house.reasons() == {f"https://{name}/a.mp4": PRIVATE for name in names}
    assert (internet.asked, internet.dialled) == ([*names], [])


@pytest.mark.case("ssrf-rebinding")
def test_a_name_that_turns_private_after_it_was_checked_is_read_from_the_address_that_was_checked(
    simulator: Simulator, bucket: str
) -> None:
    answers = {NAME: [[PUBLIC], ["127.0.0.1"]]}
    link = f"https://{NAME}/a.mp4"
    with internet_of({"/a.mp4": FILE}, answers) as internet, upstream(link) as hostile:
        assert Attacked(simulator, bucket, hostile, internet.download()).reasons() == {link: None}
        assert (internet.asked, internet.dialled) == ([NAME], [(PUBLIC, 443)])


@pytest.mark.case("ssrf-rebinding")
def test_each_hop_and_each_link_is_looked_up_and_checked_anew(simulator: Simulator, bucket: str) -> None:
    answers = {NAME: [[PUBLIC], ["169.254.169.254"]]}
    scripts = {"/a.mp4": FILE, "/b.mp4": redirect("/a.mp4")}
    links = [f"https://{NAME}/b.mp4", f"https://{NAME}/a.mp4"]
    with internet_of(scripts, answers) as internet, upstream(*links) as hostile:
        house = Attacked(simulator, bucket, hostile, internet.download())
        assert house.reasons() == dict.fromkeys(links, PRIVATE)
        assert (internet.asked, internet.dialled) == ([NAME] * 3, [(PUBLIC, 443)])


INSIDE = "127.0.0.1 169.254.169.254 10.0.0.8 2130706433 0177.0.0.1 0x7f.1 224.0.0.1 localhost a.internal"
INSIDE_V6 = "[::1] [::ffff:127.0.0.1] [64:ff9b::7f00:1] [fd00:ec2::254]"
LOCATIONS = {
    **{f"https://{place}/": NOT_PUBLIC for place in f"{INSIDE} {INSIDE_V6}".split()},
    "//127.0.0.1/": NOT_PUBLIC,
    "https://inside.example.com/": PRIVATE,
    "//inside.example.com/": PRIVATE,
    f"http://{NAME}/a.mp4": NOT_HTTPS,
    "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next": NOT_HTTPS,
    "file:///proc/self/environ": NOT_HTTPS,
    "gopher://127.0.0.1/": NOT_HTTPS,
    f"https://{NAME}:9001/": NOT_443,
    f"https://{NAME}@127.0.0.1/": CREDENTIALS,
    f"https://{NAME}\\@127.0.0.1/": NO_URL,
    "": "the link leads in a circle",
}


@pytest.mark.case("ssrf-redirect")
def test_a_redirect_to_any_of_these_is_refused_at_that_hop(simulator: Simulator, bucket: str) -> None:
    answers = {NAME: [[PUBLIC]], "inside.example.com": [["10.0.0.8"]]}
    statuses = (301, 302, 303, 307, 308)
    scripts = {f"/{at}.mp4": redirect(location, statuses[at % 5]) for at, location in enumerate(LOCATIONS)}
    expected = {f"https://{NAME}{path}": reason for path, reason in zip(scripts, LOCATIONS.values(), strict=True)}
    with internet_of(scripts, answers) as internet, upstream(*expected) as hostile:
        house = Attacked(simulator, bucket, hostile, internet.download())
        assert house.reasons() == expected
        assert internet.dialled == [(PUBLIC, 443)] * len(LOCATIONS)
    assert house.left() == []


@pytest.mark.case("ssrf-redirect")
def test_a_link_that_leads_on_too_often_or_in_a_circle_is_given_up(simulator: Simulator, bucket: str) -> None:
    hops = {f"/h{at}.mp4": redirect(f"/h{at + 1}.mp4") for at in range(9)}
    circle = {"/c0.mp4": redirect("/c1.mp4"), "/c1.mp4": redirect(f"https://{NAME.upper()}:443/c0.mp4#again")}
    links = [f"https://{NAME}/h0.mp4", f"https://{NAME}/c0.mp4"]
    with internet_of(hops | circle, {NAME: [[PUBLIC]]}) as internet, upstream(*links) as hostile:
        reasons = Attacked(simulator, bucket, hostile, internet.download()).reasons()
        assert [*reasons.values()] == ["the link leads on more than 3 times", "the link leads in a circle"]
        assert len(internet.dialled) == 4 + 2


@pytest.mark.case("ssrf-scheme-port")
def test_a_link_of_another_scheme_with_credentials_or_to_another_port_is_not_followed(
    simulator: Simulator, bucket: str
) -> None:
    ports = (22, 80, 6379, 8443, 9001, "0443", "")
    expected = {
        f"http://{NAME}/a.mp4": NOT_HTTPS,
        f"http://{NAME}:443/a.mp4": NOT_HTTPS,
        f"https://user:pass@{NAME}/a.mp4": CREDENTIALS,
        f"https://{NAME}@127.0.0.1/a.mp4": CREDENTIALS,
        f"https://{NAME}\\@127.0.0.1/a.mp4": NO_URL,
        **{f"https://{NAME}:{port}/a.mp4": NOT_443 for port in ports},
    }
    no_links = [f"{scheme}a.example/a.mp4" for scheme in ("ftp://", "file:///", "//", "javascript:", "data:video/mp4,")]
    internet = Internet({NAME: [[PUBLIC]]})
    with upstream(*expected, *no_links) as hostile:
        assert Attacked(simulator, bucket, hostile, internet.download()).reasons() == expected
    assert (internet.asked, internet.dialled) == ([], [])


@pytest.mark.case("ssrf-allow-list")
def test_where_hosts_are_listed_no_other_is_looked_up_and_no_redirect_leaves_the_list(
    simulator: Simulator, bucket: str
) -> None:
    scripts = {"/a.mp4": FILE, "/away.mp4": redirect("https://evil.test/a.mp4")}
    answers = {NAME: [[PUBLIC]], "evil.test": [[PUBLIC]], "inside.example.com": [["10.0.0.8"]]}
    expected = {
        f"https://{NAME}/a.mp4": None,
        f"https://{NAME}/away.mp4": NOT_LISTED,
        "https://evil.test/a.mp4": NOT_LISTED,
        f"https://{NAME}.evil.test/a.mp4": NOT_LISTED,
        "https://evilexample.com/a.mp4": NOT_LISTED,
        "https://inside.example.com/a.mp4": PRIVATE,
    }
    with internet_of(scripts, answers) as internet, upstream(*expected) as hostile:
        listed = internet.download(allowed_hosts=frozenset({".example.com"}))
        assert Attacked(simulator, bucket, hostile, listed).reasons() == expected
        assert set(internet.asked) == {NAME, "inside.example.com"}


@pytest.mark.case("ssrf-allow-list")
def test_the_operators_list_is_the_one_that_the_doors_keep_to(simulator: Simulator, bucket: str) -> None:
    with upstream("https://evil.invalid/a.mp4") as hostile:
        house = Attacked(simulator, bucket, hostile, media_allowed_hosts=frozenset({NAME}))
        assert house.reasons() == {"https://evil.invalid/a.mp4": NOT_LISTED}

"""Signatures held to botocore's, which AWS keeps right, and to the examples that AWS publishes."""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Mapping
from string import ascii_letters, digits, printable
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from botocore.utils import percent_encode
from hypothesis import given
from hypothesis import strategies as st

from reelay.s3_rest import Asked, Attempt, Received
from reelay.sigv4 import Credentials, Scope, link, path_of, query_of, signed

NOTHING = hashlib.sha256(b"").hexdigest()
HOST = "bucket.s3.eu-central-1.amazonaws.com"
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
EXAMPLE_HOST = "examplebucket.s3.amazonaws.com"
EXAMPLE_SCOPE = Scope("us-east-1", calendar.timegm((2013, 5, 24, 0, 0, 0)))

ODD_KEYS = ["a b", "a+b", "100%", "%2F", "~", "//", "/lead", "trail/", ".", "..", "a/../b", "a//b", "ä/€/🎬"]
ODD_KEYS += ["\x01\x7f", "\n\r\t", "?x=1&y#z", "a=b;c,d:e@f!'()*[]{}|\\^`<>\"$"]

# S3 takes any text that UTF-8 can hold, which half of a surrogate pair is not.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
keys = st.sampled_from(ODD_KEYS) | texts.filter(bool)
times = st.integers(0, 2**32).map(float) | st.floats(0, 2**32)
credentials = st.builds(
    Credentials,
    st.text(ascii_letters + digits, min_size=16, max_size=24),
    st.text(ascii_letters + digits + "/+", min_size=30, max_size=50),
    st.none() | st.text(ascii_letters + digits + "/+=", min_size=1, max_size=300),
)
scopes = st.builds(Scope, st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"]), times)
signers = st.tuples(credentials, scopes)
queries = st.dictionaries(texts.filter(bool), texts, max_size=6)
header_values = st.text(printable.rstrip("\n\r\x0b\x0c"), max_size=40)
headers = st.dictionaries(
    st.text(ascii_letters + digits + "-", min_size=1, max_size=20).map(lambda name: f"X-Amz-Meta-{name}"),
    header_values,
    max_size=5,
).filter(lambda found: len({name.lower() for name in found}) == len(found))


class AtHeader(auth.S3SigV4Auth):
    """botocore's signer, at a time of ours."""

    def __init__(self, who: Credentials, scope: Scope) -> None:
        super().__init__(BotoCredentials(who.key_id, who.secret, who.token), "s3", scope.region)
        self._time = scope.time

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self._time
        super()._modify_request_before_signing(request)  # type: ignore[misc]  # the stubs leave it out


class AtQuery(auth.S3SigV4QueryAuth):
    """botocore's presigner, at a time of ours."""

    def __init__(self, who: Credentials, scope: Scope, seconds: int) -> None:
        super().__init__(BotoCredentials(who.key_id, who.secret, who.token), "s3", scope.region, expires=seconds)
        self._time = scope.time

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self._time
        super()._modify_request_before_signing(request)  # type: ignore[misc]  # the stubs leave it out


def signature(sent: Mapping[str, str]) -> str:
    return sent["Authorization"].rpartition("Signature=")[2]


def of_botocore(
    method: str, url: str, sent: Mapping[str, str], body: bytes, query: Mapping[str, str], signer: AtHeader
) -> dict[str, str]:
    request = AWSRequest(method, url, dict(sent), body, params=dict(query))
    signer.add_auth(request)
    return dict(request.headers.items())


@given(keys)
def test_a_key_is_escaped_as_botocore_escapes_it(key: str) -> None:
    assert path_of(key) == "/" + percent_encode(key, safe="/~")


@given(st.sampled_from(["GET", "PUT", "DELETE"]), keys, queries, headers, st.binary(max_size=99), signers)
def test_a_request_is_signed_as_botocore_signs_it(
    method: str,
    key: str,
    query: dict[str, str],
    sent: dict[str, str],
    body: bytes,
    signer: tuple[Credentials, Scope],
) -> None:
    (who, scope), path, digest = signer, path_of(key), hashlib.sha256(body).hexdigest()
    ours = signed(method, path, query_of(query), {"Host": HOST, **sent}, digest, credentials=who, scope=scope)
    theirs = of_botocore(method, f"https://{HOST}{path}", sent, body, query, AtHeader(who, scope))
    assert ours == {"Host": HOST, **theirs}


@given(keys, queries, st.integers(1, 604_800), credentials, scopes)
def test_a_link_is_signed_as_botocore_signs_it(
    key: str, query: dict[str, str], seconds: int, who: Credentials, scope: Scope
) -> None:
    made = urlsplit(f"https://{HOST}{link(HOST, path_of(key), query, seconds, who, scope)}")
    request = AWSRequest("GET", f"https://{HOST}{path_of(key)}", {}, b"", params=dict(query))
    AtQuery(who, scope, seconds).add_auth(request)
    theirs = urlsplit(request.url)
    assert made.path == theirs.path
    asked = parse_qsl(made.query, keep_blank_values=True)
    assert sorted(asked) == sorted(parse_qsl(theirs.query, keep_blank_values=True))
    assert asked[-1][0] == "X-Amz-Signature"


@pytest.mark.parametrize(
    ("method", "key", "query", "sent", "body", "published"),
    [
        ("GET", "test.txt", {}, {"Range": "bytes=0-9"}, b"",
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("PUT", "test$file.text", {},
         {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
         b"Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        ("GET", "", {"lifecycle": ""}, {}, b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "", {"prefix": "J", "max-keys": "2"}, {}, b"",
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
    ids=["get", "put", "lifecycle", "list"],
)  # fmt: skip
def test_the_published_examples(
    method: str, key: str, query: dict[str, str], sent: dict[str, str], body: bytes, published: str
) -> None:
    """Amazon S3 API reference, "Signature Calculations for the Authorization Header"."""
    headers, digest = {"Host": EXAMPLE_HOST, **sent}, hashlib.sha256(body).hexdigest()
    path = path_of(key)
    ours = signed(method, path, query_of(query), headers, digest, credentials=EXAMPLE, scope=EXAMPLE_SCOPE)
    assert signature(ours) == published


def test_the_published_link() -> None:
    """Amazon S3 API reference, "Authenticating Requests: Using Query Parameters"."""
    assert link(EXAMPLE_HOST, "/test.txt", {}, 86400, EXAMPLE, EXAMPLE_SCOPE) == (
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_a_query_is_sorted_as_it_is_sent_and_not_as_it_was_named() -> None:
    """A tilde comes after "é" once that is %C3%A9, and "a" before both."""
    assert query_of({"é": "2", "~": "3", "a": "1"}) == "%C3%A9=2&a=1&~=3"


def test_the_key_of_a_signature_changes_with_the_day_the_region_and_the_secret() -> None:
    after = calendar.timegm((2026, 11, 27, 0, 0, 0))
    who, other = Credentials("AKIA", "one"), Credentials("AKIA", "two")
    cases = [(who, Scope("eu-west-1", after)), (who, Scope("eu-west-1", after - 1)), (who, Scope("us-east-1", after)),
             (other, Scope("eu-west-1", after))]  # fmt: skip
    for credentials, scope in cases * 2:
        ours = signed("GET", "/k", "", {"Host": HOST}, NOTHING, credentials=credentials, scope=scope)
        theirs = of_botocore("GET", f"https://{HOST}/k", {}, b"", {}, AtHeader(credentials, scope))
        assert signature(ours) == signature(theirs)


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        path_of("\ud800")


def test_nothing_secret_shows_in_a_repr() -> None:
    who = Credentials("AKIA-shown", "secret-1", "token-1")
    sent = signed("PUT", "/k", "", {"Host": HOST}, NOTHING, credentials=who, scope=EXAMPLE_SCOPE)
    told = [
        who,
        Asked("PutObject", "PUT", "k", headers={"If-Match": "tag"}, body=b"body-1"),
        Attempt("PutObject", 1, "PUT", f"https://{HOST}/k", sent, b"body-1"),
        Received(200, {}, b"body-1", 6),
    ]
    shown = repr(told)
    for secret in ("secret-1", "token-1", "body-1", signature(sent)):
        assert secret not in shown

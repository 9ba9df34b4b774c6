"""Nothing that may be secret is left in what is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.transports.masking import mask_url
from callboard.transports.schemes import SCHEMES

PLAIN = [
    "redis://localhost:6379/0?channel=shop",
    "rediss://cache.example/1?ssl_ca_certs=/etc/ca.pem",
    "postgres://alice@db/bus?backend=isolated",
    "ws://hub:8765",
    "ws://[fe80::1]:8765: there is nothing at this path",
    "postgres://a:1,b:2/bus?sslmode=require: is not there",
    "wss://hub?token_file=/run/secrets/token&ca=ca.pem",
    "wss+listen://0.0.0.0:8765?cert=hub.pem&key=hub.key&token_file=token",
    "postgres://alice@db/bus?passfile=/home/alice/.pgpass",
    "at 12:30 or @noon: no URL",
    "no URL at all, and a mail to admin@example.com",
    "a token is required: write one into the file",
    "the broker at redis://cache:6379 is gone; ask admin@example.com",
    "",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_not_secret_stays(text: str) -> None:
    assert mask_url(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:C4nary@h:1/0", "redis://:***@h:1/0"),
        ("redis://bob:C4nary@h:1/0", "redis://bob:***@h:1/0"),
        ("redis://C4nary@h:1/0", "redis://***@h:1/0"),
        ("rediss://bob:C4/na?r#y@h", "rediss://bob:***@h"),
        ("redis://bob:C4@nary@h", "redis://bob:***@h"),
        ("redis://bob:C4 nary@h", "redis://bob:***@h"),
        ("redis://bob:C4nary@h?password=C4nary&db=2", "redis://bob:***@h?password=***&db=2"),
        ("redis://h?pass%77ord=C4nary", "redis://h?pass%77ord=***"),
        ("redis://h?db=1&ssl_password=C4nary", "redis://h?db=1&ssl_password=***"),
        ("bob:C4nary@h:1/0", "bob:***@h:1/0"),
        ("'bob:C4:/nary@h' is none", "'bob:***@h' is none"),
        ("postgres://bob:C4nary@a,b/x", "postgres://bob:***@a,b/x"),
        ("wss://h/p?token=C4nary", "wss://h/p?token=***"),
        ("wss://h/p?key=C4nary", "wss://h/p?key=***"),
        ("wss://h/p?size=1&access_token=C4nary&api_key=C4", "wss://h/p?size=1&access_token=***&api_key=***"),
        ("postgres://h/d?pasword=C4,na#ry&sslmode=require", "postgres://h/d?pasword=***&sslmode=require"),
        ("redis://h?pasword=C4nary: is none", "redis://h?pasword=***: is none"),
        ("at (redis://h?p%61sword=C4nary), now", "at (redis://h?p%61sword=***), now"),
        ("redis://:C4@h:C4nary", "redis://:***@h:***"),
        ("redis://h:C4nary: is none", "redis://h:***: is none"),
        ("postgres://bob:C4@h:xC4$na#ry/bus?sslmode=require", "postgres://bob:***@h:***"),
        ("postgres://bob:C4@a:1,b:C4nary/x is none", "postgres://bob:***@a:1,b:*** is none"),
        ("ws://[::1]:C4nary", "ws://[::1]:***"),
        ("redis://bob:C4nary", "redis://bob:***"),
        ("redis://h:4711081517", "redis://h:***"),
        ("host=db user=bob password=C4nary", "host=db user=bob password=***"),
        ("host=db password='C4 nary' user=b", "host=db password='***' user=b"),
        ("Authorization: Bearer C4nary", "Authorization: ***"),
        ("{'authorization': 'Bearer C4nary'}", "{'authorization': '***'}"),
        ('{"Authorization": "C4nary", "n": 1}', '{"Authorization": "***", "n": 1}'),
        ("[('Authorization', 'Basic C4nary==')]", "[('Authorization', '***')]"),
        ("{b'Cookie': b'C4nary'}", "{b'Cookie': '***'}"),
        ("sent Bearer C4nary to it", "sent Bearer *** to it"),
        ("Client(url='redis://:C4nary@h', n=1)", "Client(url='redis://:***@h', n=1)"),
        ("Client(password='C4nary', n=1)", "Client(password='***', n=1)"),
    ],
)  # fmt: skip
def test_what_is_secret_goes(text: str, shown: str) -> None:
    assert mask_url(text) == shown


def test_each_url_of_a_text_is_masked_by_itself() -> None:
    text = "redis://:C4nary@a:1/0,rediss://u:C4nary@b postgres://u:C4nary@c, and no more"
    assert mask_url(text) == "redis://:***@a:1/0,rediss://u:***@b postgres://u:***@c, and no more"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_no_secret_of_all_that_a_url_may_say_is_known(scheme: str) -> None:
    words = {*SCHEMES[scheme].ours, *SCHEMES[scheme].theirs}
    shown = {
        word for word in words if mask_url(f"{scheme}://h?{word}=a") == f"{scheme}://h?{word}=a"
    }
    assert words - shown <= {"password", "ssl_password", "sslpassword"}


@given(st.text(min_size=1).filter(lambda text: "://" not in text), st.sampled_from("ab"))
def test_a_password_of_any_characters_does_not_show(password: str, name: str) -> None:
    masked = mask_url(f"redis://{name}:{password}@host:6379/0")
    assert masked == f"redis://{name}:***@host:6379/0"


@given(st.text(alphabet="ab:@/?#&='\" \n*", max_size=40))
def test_to_mask_twice_changes_nothing(text: str) -> None:
    for whole in (f"redis://{text}@h?token={text}", text):
        once = mask_url(whole)
        assert mask_url(once) == once

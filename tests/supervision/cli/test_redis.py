"""`callboard redis acl` prints a user that a real Redis takes, and that can do what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import redis
from redis.exceptions import AuthenticationError, NoPermissionError

from callboard.supervision.cli import main
from tests.servers.fixtures import NewRedis


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["redis", "acl", *arguments])
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


def client(url: str) -> Any:
    return cast("Any", redis.Redis).from_url(url)


def test_what_is_printed_is_a_line_that_redis_takes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, new_redis: NewRedis
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("C4nary word\n")
    code, line, err = said(
        capsys, "node", "--channel", "shop:eu", "--user", "till", "--password-file", str(secret)
    )
    assert (code, err) == (0, "") and line.count("\n") == 1 and "C4nary" not in line
    file = tmp_path / "users.acl"
    file.write_text(line)
    tmp_path.chmod(0o755)
    server = new_redis(settings={"aclfile": str(file)})
    with client(server.url_for("till", "C4nary word")) as till:
        assert till.publish("shop%3Aeu:all", b"x") == 0
        with pytest.raises(NoPermissionError):
            till.publish("shop:all", b"x")


def test_as_a_command_it_says_the_same(
    capsys: pytest.CaptureFixture[str], new_redis: NewRedis
) -> None:
    code, command, err = said(capsys, "watch", "--setuser")
    assert code == 0 and "ACL SETUSER callboard-watch '>PASSWORD'" in err
    server = new_redis()
    with client(server.url) as admin:
        assert admin.execute_command(*command.split())
        with (
            pytest.raises(AuthenticationError),
            client(server.url_for("callboard-watch", "")) as no,
        ):
            no.ping()
        admin.execute_command("ACL", "SETUSER", "callboard-watch", ">word")
    with client(server.url_for("callboard-watch", "word")) as watch:
        assert watch.pubsub_numsub("callboard:all") == [(b"callboard:all", 0)]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("nod",), 2, "node"),
        (("node", "--user", "a b"), 78, "letters"),
        (("node", "--channel", ""), 2, "empty"),
        (("node", "--password-file", "nowhere"), 78, "cannot be read"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, word: str
) -> None:
    ended, out, err = said(capsys, *arguments)
    assert (ended, out) == (code, "") and word in err and err.count("\n") == 1


def test_an_empty_file_is_no_password(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    code, out, err = said(capsys, "node", "--password-file", str(tmp_path / "secret"))
    assert (code, out) == (78, "") and "is empty" in err

"""What the page says is so: every command of it runs."""

import pytest

from callboard.examples.handoff_redis.broker import URL
from callboard.examples.servers.redis_server import RedisServer
from tests.examples.handoff.following import follow
from tests.examples.handoff.readme import EXAMPLES, files

README = EXAMPLES / "handoff_redis" / "README.md"
DOCKER = "docker run --rm -p 6379:6379 redis:7"
ELSEWHERE = "export REDIS_URL=redis://shop:secret@broker.internal:6379"


@pytest.mark.check("M153", "M162")
def test_every_command_of_the_page_runs(redis_server: RedisServer) -> None:
    outside = {DOCKER: "", ELSEWHERE: "", f"--redis-url {URL}": f"--redis-url {redis_server.url}"}
    replaced = follow("handoff_redis", {"REDIS_URL": redis_server.url}, outside)
    assert replaced[0] == DOCKER and URL.endswith(":6379")
    assert ELSEWHERE in replaced and len(replaced) == 4


@pytest.mark.check("M153")
def test_the_page_holds_the_advice_on_channels_and_on_what_to_keep_close() -> None:
    text = " ".join(README.read_text(encoding="utf-8").split())
    assert "Use a channel of its own for each application" in text
    assert "Keep the worker that talks, the active one and Redis close to each other" in text


def test_every_file_is_described() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in sorted(files(README.parent)) if f"`{name}`" not in text] == []

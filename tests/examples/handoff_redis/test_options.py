"""The options of the programs: which broker, which application, which worker."""

import pytest
from click.testing import CliRunner, Result

from callboard import Transport
from callboard.examples.handoff import processes
from callboard.examples.handoff.processes import Transports
from callboard.examples.handoff_redis import broker
from callboard.examples.handoff_redis.llm import main as llm
from callboard.examples.handoff_redis.main import main
from callboard.transports.redis import RedisTransport


def made(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Transport:
    """The transport of a worker's process that is started so."""
    kept: list[Transport] = []

    def host(name: str, model: str | None, transports: Transports) -> None:
        kept.extend(transports())

    monkeypatch.setattr("callboard.examples.handoff_redis.llm.host", host)
    assert invoke(llm, "greeter", *arguments).exit_code == 0
    return kept[0]


def invoke(program: object, *arguments: str) -> Result:
    return CliRunner().invoke(program, arguments)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("without-env"))


@pytest.mark.check("M162")
def test_broker_and_application_are_chosen_by_options(monkeypatch: pytest.MonkeyPatch) -> None:
    default = "RedisTransport('redis://localhost:6379', channel='callboard:acme')"
    assert repr(made(monkeypatch)) == default
    chosen = made(monkeypatch, "--redis-url", "redis://127.0.0.1:7000", "--channel", "shop")
    assert repr(chosen) == "RedisTransport('redis://127.0.0.1:7000', channel='shop')"
    assert isinstance(chosen, RedisTransport)


def test_the_variable_is_used_where_there_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:7001")
    assert "7001" in repr(made(monkeypatch))
    assert "7002" in repr(made(monkeypatch, "--redis-url", "redis://127.0.0.1:7002"))


@pytest.mark.check("M162")
@pytest.mark.parametrize("name", ["clerk", "Greeter", ""])
def test_another_name_than_the_two_is_refused(name: str) -> None:
    refused = invoke(llm, name)
    assert refused.exit_code == 2
    assert "'greeter', 'support'" in refused.output
    assert invoke(llm).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--redis-url", "http://localhost"], "http"),
        (["--redis-url", "redis://broker.example:6379"], "password"),
        (["--channel", ""], "channel"),
    ],
)
def test_what_is_wrong_is_one_line(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], problem: str
) -> None:
    monkeypatch.setattr(processes, "_log", lambda: None)
    for program in (("greeter",), ()):
        refused = invoke(llm if program else main, *program, *arguments)
        assert refused.exit_code in (1, 2) and problem in refused.output, refused.output
        assert "Traceback" not in refused.output


@pytest.mark.check("M153")
def test_all_options_are_listed() -> None:
    for option in ("--redis-url", "--channel", "--worker", "--transport", "--say", "--script"):
        assert option in invoke(main, "--help").output
    for option in ("--redis-url", "--channel", "--model", "{greeter|support}"):
        assert option in invoke(llm, "--help").output
    for default in (broker.URL, broker.CHANNEL):
        assert default in " ".join(invoke(llm, "--help").output.split())

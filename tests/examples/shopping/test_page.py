"""The example's page of documentation: each of its commands is run, and shows what it says."""

from __future__ import annotations

import re
import signal
import urllib.request
from pathlib import Path

import pytest

from callboard.examples import shopping
from callboard.examples.shopping.script import scripted_model
from tests.docs.pages import FENCE, links
from tests.examples.remote_assistant.processes import run
from tests.examples.shopping.test_clerk import shopping as session
from tests.servers.openai_server import OpenAIServer

FOLDER = Path(shopping.__file__).parent
TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")
BLOCKS = [(block[1], block[2]) for block in FENCE.finditer(TEXT)]
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]

(INSTALL, WEB, TALK, SCRIPT, MODEL) = COMMANDS

SAID = re.findall(r"^\| ([A-Z][^|]*?) \| ", TEXT.partition("| say |")[2], re.MULTILINE)


def test_it_names_the_extra_that_is_needed() -> None:
    assert INSTALL == "pip install 'callboard[web]'"


@pytest.mark.check("M153")
def test_its_commands_run_offline_and_show_what_it_says() -> None:
    with run(SCRIPT) as script:
        assert script.end() == 0
        assert script.shown.startswith(next(text for kind, text in BLOCKS if kind == "text"))
        assert "clerk: I have sent it, as number 1: €9.40, on Friday.\n" in script.shown
        assert script.shown.endswith("-- the input has ended\n")
    with run(TALK) as talk:
        talk.type("Add two litres of milk and bread")
        talk.until("clerk: Your list: 2 litres of milk and 1 bread. That is €4.80.")
        talk.until("  |   [ ] 2 litres of milk")
        assert talk.end() == 0
    with run(WEB, "--port", "0") as web:
        link = web.line()
        assert re.sub(r":\d+/", ":7860/", link) in TEXT
        with urllib.request.urlopen(link) as page:
            assert page.status == 200
        assert web.end(signal.SIGINT) == 0


@pytest.mark.check("M153", "M155")
def test_its_command_with_a_key_uses_the_model_behind_it() -> None:
    with OpenAIServer(scripted_model(), key="sk-your-key") as models:
        line = MODEL.replace(" --transport web", "")
        with run(line, OPENAI_BASE_URL=models.url) as talk:
            talk.type("Add two litres of milk and bread")
            talk.until("That is €4.80.")
            talk.type("Send the order")
            talk.until("This is missing: the name, the address and the day.")
            assert talk.end() == 0
        first = models.requests[-1].body["messages"][0]
        assert first["role"] == "system" and "litres of milk" in first["content"]
        offered = [tool["function"]["name"] for tool in models.requests[-1].body["tools"]]
        assert {"add_item", "fill_delivery", "compare_prices", "send_order"} <= set(offered)


async def test_every_line_that_it_has_one_say_is_understood() -> None:
    assert len(SAID) == 9
    async with session() as it:
        for line in SAID:
            assert "I do not know what to do" not in await it.say(line), line


def test_every_file_is_in_the_table_and_every_link_leads_somewhere() -> None:
    named = {path.name for path in FOLDER.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert named == {name for name in named if f"`{name}`" in TEXT}
    assert all((FOLDER / target).exists() for target in links(TEXT))

"""Every conversational example can be talked to in the same ways: by the same options."""

import importlib
import importlib.util

import click
import pytest

from callboard.examples.talking.tour import TOUR

OPTIONS = {"--transport", "--host", "--port", "--model", "--say", "--script"}


def command_of(module: str) -> click.Command:
    """The command of `python -m` and this module of the examples."""
    name = f"callboard.examples.{module}"
    found = importlib.util.find_spec(name)
    assert found is not None
    if found.submodule_search_locations is not None:
        name += ".__main__"
    command: click.Command = importlib.import_module(name).main
    return command


@pytest.mark.check("M153", "M154")
@pytest.mark.parametrize("name", TOUR)
def test_it_is_talked_to_in_the_terminal_the_page_and_a_room_by_the_same_options(name: str) -> None:
    command = command_of(TOUR[name].talks[0])
    assert {option for param in command.params for option in param.opts} >= OPTIONS
    (transport,) = [param for param in command.params if param.name == "transport"]
    assert isinstance(transport.type, click.Choice)
    assert list(transport.type.choices) == ["console", "web", "daily"]
    assert transport.default == "console"

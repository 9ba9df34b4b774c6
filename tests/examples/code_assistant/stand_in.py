"""A stand-in for the Claude Agent SDK, which is not installed here: the part that is used of it.

It shows what our side gives the SDK and does with what comes from it, and nothing of the SDK.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Self

__all__ = ["StandIn"]

Tool = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class ClaudeSDKError(Exception):
    """What the SDK raises."""


@dataclass
class TextBlock:
    text: str


@dataclass
class ToolUseBlock:
    name: str
    input: dict[str, Any]


@dataclass
class AssistantMessage:
    content: Sequence[TextBlock | ToolUseBlock]


@dataclass
class ResultMessage:
    session_id: str
    result: str | None
    is_error: bool = False
    subtype: str = "success"


@dataclass
class ClaudeAgentOptions:
    system_prompt: str
    cwd: object
    cli_path: object
    tools: list[str]
    mcp_servers: dict[str, dict[str, Tool]]
    strict_mcp_config: bool
    allowed_tools: list[str]
    permission_mode: str
    setting_sources: list[str]
    max_turns: int
    resume: str | None
    env: dict[str, str] = field(repr=False)


class StandIn(ModuleType):
    """The module. An agent that reads the file that the question names by `READ path`."""

    def __init__(self) -> None:
        super().__init__("claude_agent_sdk")
        self.runs: list[ClaudeAgentOptions] = []
        self.inside = self.most_inside = 0
        self.ClaudeSDKError = ClaudeSDKError
        self.TextBlock = TextBlock
        self.ToolUseBlock = ToolUseBlock
        self.AssistantMessage = AssistantMessage
        self.ResultMessage = ResultMessage
        self.ClaudeAgentOptions = ClaudeAgentOptions

    def tool(self, name: str, about: str, schema: dict[str, Any]) -> Callable[[Tool], Any]:
        assert about and schema["required"]
        return lambda function: (name, function)

    def create_sdk_mcp_server(self, name: str, tools: list[tuple[str, Tool]]) -> dict[str, Tool]:
        assert name
        return dict(tools)

    def ClaudeSDKClient(self, options: ClaudeAgentOptions) -> Client:
        self.runs.append(options)
        return Client(self, options)


class Client:
    def __init__(self, sdk: StandIn, options: ClaudeAgentOptions) -> None:
        self._sdk, self._options = sdk, options
        self._question = ""

    async def __aenter__(self) -> Self:
        self._sdk.inside += 1
        self._sdk.most_inside = max(self._sdk.inside, self._sdk.most_inside)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._sdk.inside -= 1

    async def query(self, question: str) -> None:
        self._question = question

    async def receive_response(self) -> AsyncIterator[object]:
        session = self._options.resume or "session-1"
        verb, _, rest = self._question.partition(" ")
        if verb == "BREAK":
            raise ClaudeSDKError("it broke")
        if verb == "FAIL":
            yield ResultMessage(session, "no credit", is_error=True)
            return
        arguments = {"path": rest}
        yield AssistantMessage([ToolUseBlock("mcp__project__read_file", arguments)])
        (server,) = self._options.mcp_servers.values()
        done = await server["read_file"](arguments)
        yield AssistantMessage([TextBlock(done["content"][0]["text"])])
        yield ResultMessage(session, None, subtype=str(done.get("is_error")))

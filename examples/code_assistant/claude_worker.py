"""The code worker by the Claude Agent SDK, which is imported only where it is used.

The agent has none of its own tools, neither a shell nor files: it has our file tools, by a server
inside this process, and so reads what the project allows and cannot write at all.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from callboard import JobFailed, JobRequest, Worker, job
from callboard.examples.code_assistant.code_worker import ASK, question_of
from callboard.examples.code_assistant.file_tools import INSTRUCTIONS, FileTools
from callboard.examples.code_assistant.project import Project, ProjectError

__all__ = ["ClaudeCodeWorker", "is_installed"]

SDK = "claude_agent_sdk"

SERVER = "project"

MOST_TURNS = 30
"""Turns of the agent for one question."""

SCHEMAS: dict[str, tuple[str, dict[str, str]]] = {
    "find_files": ("Find files by a pattern, as *.py or src/**/*.md.", {"pattern": "string"}),
    "read_file": (
        "Read a file of the project, some hundred lines from first_line on.",
        {"path": "string", "first_line": "integer"},
    ),
    "search_text": (
        "Find the lines that contain a text, in the files that a pattern names.",
        {"text": "string", "pattern": "string"},
    ),
}
"""What the agent is told of each tool; only the first argument has to be given."""


def is_installed() -> bool:
    """Whether the SDK is there."""
    return importlib.util.find_spec(SDK) is not None


class ClaudeCodeWorker(Worker):
    """Answers by an agent. Each question is a run of its own, which resumes the one before."""

    def __init__(self, folder: Path, key: str, *, cli: Path | None = None) -> None:
        """Answer questions about this folder, with this key; `cli` is another agent program."""
        super().__init__()
        self._folder = folder
        self._key = key
        self._cli = cli
        self._project: Project | None = None
        self._session: str | None = None

    def get_state(self) -> dict[str, object]:
        """Return what an operator may see: not the key."""
        return {"folder": str(self._folder), "session": self._session}

    def on_start(self) -> None:
        """Open the folder; one that cannot be read fails the start."""
        self._project = Project(self._folder)

    def on_stop(self) -> None:
        """Close it."""
        if self._project is not None:
            self._project.close()

    @job(ASK, sequential=True)
    async def ask_agent(self, request: JobRequest) -> str:
        """Answer a question by a run of the agent; it tells of the tools that are used."""
        question = question_of(request)
        # The SDK has no types where it is not installed.
        sdk: Any = importlib.import_module(SDK)
        said = ""
        try:
            async with sdk.ClaudeSDKClient(self._options(sdk)) as client:
                await client.query(question)
                async for message in client.receive_response():
                    if isinstance(message, sdk.AssistantMessage):
                        said = await self._take(sdk, message, request) or said
                    elif isinstance(message, sdk.ResultMessage):
                        self._session = message.session_id
                        if message.is_error:
                            raise JobFailed(str(message.result or message.subtype))
                        said = message.result or said
        except sdk.ClaudeSDKError as error:
            raise JobFailed(f"the agent has failed: {error}") from error
        return said

    @staticmethod
    async def _take(sdk: Any, message: Any, request: JobRequest) -> str:
        """Tell of the tools in a message, and return its words."""
        words: list[str] = []
        for block in message.content:
            if isinstance(block, sdk.TextBlock):
                words.append(block.text)
            elif isinstance(block, sdk.ToolUseBlock):
                name = block.name.rpartition("__")[2].replace("_", " ")
                await request.update(f"{name} {' '.join(map(str, block.input.values()))}"[:200])
        return "".join(words)

    def _options(self, sdk: Any) -> Any:
        """Return what the agent may do: our tools, and nothing of the machine's own settings."""
        assert self._project is not None, "a worker that takes jobs has started"
        tools = FileTools(self._project)
        made = [
            sdk.tool(name, about, _schema(fields))(_served(getattr(tools, name)))
            for name, (about, fields) in SCHEMAS.items()
        ]
        return sdk.ClaudeAgentOptions(
            system_prompt=INSTRUCTIONS,
            cwd=self._folder,
            cli_path=self._cli,
            tools=[],
            mcp_servers={SERVER: sdk.create_sdk_mcp_server(SERVER, tools=made)},
            strict_mcp_config=True,
            allowed_tools=[f"mcp__{SERVER}__{name}" for name in SCHEMAS],
            permission_mode="dontAsk",
            setting_sources=[],
            max_turns=MOST_TURNS,
            resume=self._session,
            env={"ANTHROPIC_API_KEY": self._key},
        )


def _schema(fields: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in fields.items()},
        "required": list(fields)[:1],
    }


def _served(function: Callable[..., str]) -> Callable[[dict[str, Any]], Any]:
    """Return a tool as the SDK takes it."""

    async def call(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            text = await asyncio.to_thread(function, **arguments)
        except (ProjectError, TypeError) as error:
            return {"content": [{"type": "text", "text": str(error)}], "is_error": True}
        return {"content": [{"type": "text", "text": text}]}

    return call

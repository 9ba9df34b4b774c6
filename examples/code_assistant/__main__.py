"""Talk about a project's code: `python -m callboard.examples.code_assistant`; see its README."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from callboard import Child
from callboard.actors.llm import LLMActivationArgs
from callboard.examples.code_assistant.claude_worker import ClaudeCodeWorker, is_installed
from callboard.examples.code_assistant.code_worker import CODE, CodeWorker
from callboard.examples.code_assistant.model_worker import ModelCodeWorker
from callboard.examples.code_assistant.script import BEGIN, LINES, talker_model
from callboard.examples.code_assistant.talker import Talker
from callboard.examples.talking.example import Example
from callboard.examples.talking.options import MissingExtra, Talking, talking_options

__all__ = ["code_example"]

READERS = ("claude", "model", "files")


def code_example(talking: Talking, folder: Path, reader: str | None = None) -> Example:
    """Return the example: who talks, and who reads this folder.

    The reader is `claude` (the agent SDK), `model` (the talker's model, with file tools) or `files`
    (no model). None is the first of them whose key is there, and for `claude` the SDK.

    Raises:
        BadEnvironment, MissingExtra: what the reader needs is missing.

    """
    return Example(
        "Code assistant",
        about=f"It answers questions about the files under {folder}, and only reads.",
        first="talker",
        workers=[
            Child(CODE, _reader(talking, folder, reader)),
            Child("talker", partial(Talker, talking.model_for(talker_model()))),
        ],
        opening=LLMActivationArgs([{"role": "user", "content": BEGIN}]),
        script=LINES,
    )


def _reader(
    talking: Talking, folder: Path, reader: str | None
) -> partial[CodeWorker] | partial[ModelCodeWorker] | partial[ClaudeCodeWorker]:
    key = talking.environment.get("ANTHROPIC_API_KEY")
    if reader == "claude" or (reader is None and key is not None and is_installed()):
        what = "--reader claude"
        key = talking.environment.need("ANTHROPIC_API_KEY", what)
        if not is_installed():
            raise MissingExtra(what, "claude-agent-sdk", "claude")
        return partial(ClaudeCodeWorker, folder, key)
    if reader is None and key is not None:
        print("ANTHROPIC_API_KEY is not used: claude-agent-sdk is not installed", file=sys.stderr)
    scripted = talker_model()
    model = talking.model_for(scripted)
    if reader == "model" and model is scripted:
        talking.environment.need("OPENAI_API_KEY", "--reader model")
    if reader == "files" or model is scripted:
        return partial(CodeWorker, folder)
    return partial(ModelCodeWorker, folder, model)


@click.command()
@talking_options
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder to read; otherwise PROJECT_PATH, otherwise the current one.",
)
@click.option(
    "--reader",
    type=click.Choice(READERS),
    help="Who reads: 'claude' is the Claude Agent SDK with ANTHROPIC_API_KEY, 'model' the language"
    " model with tools to read files, 'files' takes the files apart without any. Otherwise the"
    " first of them that can be used.",
)
def main(talking: Talking, project: Path | None, reader: str | None) -> None:
    """Talk about the code of a project: what does it do, what is still to be done in it?"""
    named = talking.environment.get("PROJECT_PATH")
    folder = project or Path(named or ".")
    if not folder.is_dir():
        raise click.UsageError(f"PROJECT_PATH is no folder: {folder}")
    talking.run(code_example(talking, folder.resolve(), reader))


if __name__ == "__main__":
    main()

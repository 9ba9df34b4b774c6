"""The code worker by a language model, which has the file tools and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from callboard import JobFailed, JobRequest, job
from callboard.actors.llm import LLMWorker, Model, ModelError, tool
from callboard.examples.code_assistant.code_worker import ASK, question_of
from callboard.examples.code_assistant.file_tools import INSTRUCTIONS, FileTools
from callboard.examples.code_assistant.project import Project

__all__ = ["ModelCodeWorker"]


class ModelCodeWorker(LLMWorker):
    """Answers by a model that reads: on no bridge, active from the start, and only for jobs.

    Its conversation is kept over all jobs, so a question may go on from the one before.
    """

    active = True
    instructions = INSTRUCTIONS
    max_rounds = 20

    def __init__(self, folder: Path, model: Model) -> None:
        """Answer questions about this folder by this model."""
        super().__init__(model)
        self._folder = folder
        self._project: Project | None = None

    def on_start(self) -> None:
        """Open the folder; one that cannot be read fails the start."""
        self._project = Project(self._folder)

    def on_stop(self) -> None:
        """Close it."""
        if self._project is not None:
            self._project.close()

    @job(ASK, sequential=True)
    async def ask_model(self, request: JobRequest) -> str:
        """Answer a question: a turn of the model, whose whole reply is the answer."""
        try:
            return await self.take_turn(question_of(request), job=request)
        except ModelError as error:
            raise JobFailed(str(error)) from error

    @tool
    async def find_files(self, pattern: str) -> str:
        """Find files by a pattern.

        Args:
            pattern: As `*.py`, `src/**/*.md` or `README*`; without a `/` it is for the name alone.
        """
        return await self._do(f"finds {pattern}", lambda files: files.find_files(pattern))

    @tool
    async def read_file(self, path: str, first_line: int = 1) -> str:
        """Read a file, some hundred lines at once.

        Args:
            path: The path from the project's folder on.
            first_line: Where to begin.
        """
        return await self._do(f"reads {path}", lambda files: files.read_file(path, first_line))

    @tool
    async def search_text(self, text: str, pattern: str = "*") -> str:
        """Find the lines that contain a text; case is of no account, and it is no expression.

        Args:
            text: What to look for.
            pattern: The files to look into, as for find_files.
        """
        return await self._do(f"searches {text}", lambda files: files.search_text(text, pattern))

    async def _do(self, what: str, act: Callable[[FileTools], str]) -> str:
        assert self._project is not None, "a worker that takes jobs has started"
        await self.progress(what)
        return await asyncio.to_thread(act, FileTools(self._project))

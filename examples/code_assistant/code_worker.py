"""The code worker: it only takes jobs, and answers each question from the files of a project."""

from __future__ import annotations

from pathlib import Path

from callboard import JobFailed, JobRequest, ThreadWorker, job
from callboard.examples.code_assistant.analyst import Analyst
from callboard.examples.code_assistant.project import Project

__all__ = ["ASK", "CODE", "CodeWorker", "question_of"]

ASK = "ask"
"""The job: its payload is the question, its answer what the files say."""

CODE = "code"
"""The name of the worker."""


def question_of(request: JobRequest) -> str:
    """Return the question of a job.

    Raises:
        JobFailed: there is none.

    """
    if not isinstance(request.payload, str) or not request.payload.strip():
        raise JobFailed("the payload is the question, as text")
    return request.payload


class CodeWorker(ThreadWorker):
    """Answers without a model, by taking the files apart.

    Reading blocks, so it has a thread of its own. One question at a time: a second one waits, and
    may go on from the first.
    """

    def __init__(self, folder: Path) -> None:
        """Answer questions about this folder."""
        super().__init__()
        self._folder = folder
        self._analyst: Analyst | None = None

    def on_start(self) -> None:
        """Open the folder; one that cannot be read fails the start."""
        self._analyst = Analyst(Project(self._folder))

    def on_stop(self) -> None:
        """Close it."""
        if self._analyst is not None:
            self._analyst.project.close()

    @job(ASK, sequential=True)
    def ask_files(self, request: JobRequest) -> str:
        """Answer a question, and tell which files are being read."""
        assert self._analyst is not None, "a worker that takes jobs has started"
        return self._analyst.answer(question_of(request), request.update)

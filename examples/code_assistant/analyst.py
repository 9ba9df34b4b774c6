"""Answers to questions about a project without a model: from its files, by taking them apart.

It remembers the question before, so that "and in x.py?" and "what does it import?" are questions.
"""

from __future__ import annotations

from collections.abc import Callable

from callboard.examples.code_assistant.findings import Findings
from callboard.examples.code_assistant.project import Project, ProjectError
from callboard.examples.code_assistant.question import Question, subject_of, understand

__all__ = ["Analyst"]

CANNOT = (
    "I can say what a module does, where something is defined, which TODO comments there are, how"
    " errors are handled, which dependencies there are, what a module imports, and how it is"
    " tested."
)


class Analyst:
    """Reads a project to answer questions about it, one after another; it blocks."""

    def __init__(self, project: Project) -> None:
        """Read this project."""
        self.project = project
        self._topic: str | None = None
        self._subject: str | None = None

    def answer(self, text: str, tell: Callable[[str], object] = lambda text: None) -> str:
        """Answer a question; `tell` gets what is being done meanwhile."""
        question = understand(text)
        files = self.project.files()
        topic, subject = self._meant(question, files)
        refused = next((path for path in question.paths if _leads_out(path)), None)
        if refused is None and subject is None and topic in (None, "purpose"):
            refused = next(iter(question.paths), None)
        if refused is not None:
            return self._refusal(refused)
        if topic is None:
            return self._search(question, files, tell)
        if subject is None and question.goes_on and question.topic is not None:
            if topic not in ("notes", "dependencies", "errors", "size", "tests"):
                return "Which module do you mean?"
        self._topic, self._subject = topic, subject
        findings = Findings(self.project, files, tell)
        try:
            said = self._tell(findings, topic, subject, question)
        except ProjectError as error:
            return f"I cannot say: {error}."
        more = "" if self.project.complete else " The project is large: I have not seen all of it."
        if said.startswith("the project"):
            said = said.replace("the", "The", 1)
        return said + more

    def _meant(self, question: Question, files: list[str]) -> tuple[str | None, str | None]:
        """Return topic and subject, with those of the question before where it goes on."""
        subject = None if question.whole else subject_of(question.names, files)
        topic = question.topic
        if question.goes_on and not question.whole:
            if topic is not None or subject is not None or not question.names:
                topic = topic or self._topic
                subject = subject or self._subject
        if topic is None and subject is not None:
            topic = "purpose"
        return topic, subject

    def _tell(self, findings: Findings, topic: str, subject: str | None, question: Question) -> str:
        match topic:
            case "notes":
                return findings.notes(subject)
            case "dependencies":
                return findings.dependencies(subject)
            case "errors":
                return findings.errors(subject)
            case "imports" if subject is not None:
                return findings.imports(subject)
            case "imports":
                return findings.dependencies(None)
            case "definition" if question.names:
                return findings.definition(question.names)
            case "tests":
                return findings.tests(subject)
            case "size":
                return findings.size(subject)
            case _ if subject is None and question.names:
                return findings.definition(question.names)
            case _:
                return findings.purpose(subject)

    def _refusal(self, path: str) -> str:
        """Say why a path that was asked for cannot be read."""
        try:
            self.project.read(path)
        except ProjectError as error:
            return f"I cannot read that: {error}."
        return f"{path!r} can be read: ask me what it does."

    def _search(self, question: Question, files: list[str], tell: Callable[[str], object]) -> str:
        """Look for the longest words of a question that is about nothing known."""
        findings = Findings(self.project, files, tell)
        words = sorted({word.strip("?!.,:;\"'`()") for word in question.text.split()}, key=len)
        for word in reversed(words):
            if len(word) > 3:
                found = findings.mentions(word)
                if found:
                    return found
        return CANNOT


def _leads_out(path: str) -> bool:
    """Whether a path is not meant to be one of the project's: then it is said why."""
    return path.startswith(("/", "~", "\\", "..")) or any(part in path for part in ("/.", "\\"))

"""What the files of a project say about one topic, as a few sentences."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from callboard.examples.code_assistant.dependencies import MANIFESTS, needs_of
from callboard.examples.code_assistant.project import Project, ProjectError
from callboard.examples.code_assistant.source import (
    Definition,
    Errors,
    Source,
    notes_of,
    read_source,
)

__all__ = ["Findings"]

SHOWN = 8
"""Things of one list that are named; the others are counted."""

NOT_CODE = (".lock", ".json", ".svg", ".csv", ".min.js", ".map", ".txt", ".rst")


class Findings:
    """Looks into files, and tells what it has found; each answer is from the files as they are.

    A subject is a file, a folder (with `/` at its end), or None for the whole project.
    """

    def __init__(
        self, project: Project, files: Sequence[str], tell: Callable[[str], object]
    ) -> None:
        """Look into these files; `tell` gets what is being done."""
        self._project = project
        self._files = files
        self._tell = tell

    # -- topics ----

    def purpose(self, subject: str | None) -> str:
        """Tell what a file, a folder or the project is for."""
        if subject is None:
            return self._purpose_of_project()
        if subject.endswith("/"):
            return self._purpose_of_folder(subject)
        self._tell(f"reads {subject}")
        text = self._project.read(subject)
        if not subject.endswith(".py"):
            plain = [line.strip("#*/-=<!> \t") for line in text.splitlines()]
            first = next((line for line in plain if line), "with nothing")
            return f"{subject} has {_many(len(plain), 'line')}. It begins: {first}"
        source = read_source(text)
        if source.broken:
            length = _many(source.lines, "line")
            return f"{subject} has {length} and is no valid Python: {source.broken}."
        about = source.about or "it has no docstring"
        return f"{subject}: {_ended(about)} {_parts(source.definitions)}"

    def notes(self, subject: str | None) -> str:
        """Tell what comments say is still to be done."""
        found: list[str] = []
        for path, text in self._texts(subject):
            for note in notes_of(text, python=path.endswith(".py")):
                found.append(f"{path}:{note.line} {note.mark} {note.text}".rstrip())
        if not found:
            return f"There is no TODO comment in {_named(subject)}."
        return f"{_many(len(found), 'TODO comment')} in {_named(subject)}: {_some(found, '; ')}."

    def errors(self, subject: str | None) -> str:
        """Tell how errors are handled."""
        total = Errors()
        silent: list[str] = []
        files = 0
        for path, source in self._sources(subject):
            errors = source.errors
            files += bool(errors)
            total.caught += errors.caught
            total.raised += errors.raised
            total.again += errors.again
            total.finals += errors.finals
            total.defined += errors.defined
            total.bare += errors.bare
            silent += [f"{path}:{line}" for line in errors.silent]
        if not total:
            return f"In {_named(subject)} no error is raised, caught or defined."
        within = f" ({_many(files, 'file')})" if subject is None or subject.endswith("/") else ""
        return f"In {_named(subject)}{within}: {_told_errors(total, silent)}"

    def dependencies(self, subject: str | None) -> str:
        """Tell what a project needs; of a file or folder, what it imports."""
        if subject is not None:
            return self.imports(subject)
        told: list[str] = []
        for pattern in MANIFESTS:
            for path in self._project.find(pattern):
                if "/" in path:
                    continue  # of something inside, as an example
                self._tell(f"reads {path}")
                for purpose, names in needs_of(path, self._project.read(path)).items():
                    told.append(f"{purpose}: {_some(_unique(names))} ({path})")
        if told:
            return f"{self._project.name} declares what it needs. {'; '.join(told)}."
        outside = self._outside(None)
        if outside:
            return f"No file declares any, but the code imports {_some(outside)}."
        return f"None: no file of {self._project.name} declares any, or imports what is not here."

    def imports(self, subject: str) -> str:
        """Tell what a file or a folder imports, by where it comes from."""
        standard: set[str] = set()
        mine: set[str] = set()
        for _, source in self._sources(subject):
            standard |= source.standard
            mine |= {name for name in source.imports if self._is_mine(name)}
        parts = [
            f"{what} {_some(sorted(names))}"
            for what, names in (
                ("from elsewhere", set(self._outside(subject))),
                ("from this project", mine),
                ("from Python itself", standard),
            )
            if names
        ]
        return f"{_named(subject)} imports {'; '.join(parts) or 'nothing'}."

    def definition(self, names: Sequence[str]) -> str:
        """Tell where something of these names is defined; else where it is mentioned."""
        wanted = {name.lower().rpartition(".")[2] for name in names}
        found: list[str] = []
        for path, source in self._sources(None):
            for each in source.definitions:
                if each.name.lower().rpartition(".")[2] in wanted:
                    about = f": {each.about}" if each.about else ""
                    found.append(f"{each.kind} {each.name} in {path}:{each.line}{about}")
        if found:
            return f"{_ended(_some(found, '; '))}"
        files = [path for path in self._files if any(name in path.lower() for name in wanted)]
        if files:
            return f"Nothing of that name is defined, but there is {_some(files)}."
        return self.mentions(names[0]) or f"There is no {names[0]} in {self._project.name}."

    def tests(self, subject: str | None) -> str:
        """Tell which tests there are."""
        tests = [path for path in self._files if _is_test(path)]
        if subject is not None:
            stem = posixpath.splitext(posixpath.basename(subject.rstrip("/")))[0]
            tests = [path for path in tests if stem in posixpath.basename(path)]
        cases = sum(
            each.name.rpartition(".")[2].startswith("test")
            for path in tests
            for each in self._source(path).definitions
        )
        if not tests:
            return f"I find no tests of {_named(subject)}."
        return (
            f"{_named(subject)} has"
            f" {_many(cases, 'test')} in {_many(len(tests), 'file')}: {_some(tests)}."
        )

    def size(self, subject: str | None) -> str:
        """Tell how large it is."""
        paths = list(self._paths(subject))
        lines = sum(len(text.splitlines()) for _, text in self._texts(subject))
        kinds = Counter(posixpath.splitext(path)[1] or "no suffix" for path in paths)
        told = ", ".join(f"{count} of {kind}" for kind, count in kinds.most_common(4))
        return (
            f"{_named(subject)} has {_many(lines, 'line')} of text in"
            f" {_many(len(paths), 'file')} ({told})."
        )

    def mentions(self, word: str) -> str:
        """Tell where a word stands; empty where it stands nowhere."""
        self._tell(f"searches for {word}")
        hits = self._project.search(word)
        if not hits:
            return ""
        return f"{word} is mentioned in {_many(len(hits), 'line')}: {_some(map(str, hits), '; ')}."

    # -- files ----

    def _paths(self, subject: str | None) -> Iterator[str]:
        for path in self._files:
            if subject is None or path == subject or path.startswith(subject):
                if subject is None or subject.endswith("/") or path == subject:
                    yield path

    def _texts(self, subject: str | None) -> Iterator[tuple[str, str]]:
        """Give the text of each file that is code; what cannot be read is passed over."""
        paths = [path for path in self._paths(subject) if not path.endswith(NOT_CODE)]
        self._tell(f"reads {paths[0] if len(paths) == 1 else _many(len(paths), 'file')}")
        for path in paths:
            try:
                yield path, self._project.read(path)
            except ProjectError:
                if path == subject:
                    raise

    def _sources(self, subject: str | None) -> Iterator[tuple[str, Source]]:
        for path, text in self._texts(subject):
            if path.endswith(".py"):
                yield path, read_source(text)

    def _source(self, path: str) -> Source:
        try:
            return read_source(self._project.read(path)) if path.endswith(".py") else Source()
        except ProjectError:
            return Source()

    def _outside(self, subject: str | None) -> list[str]:
        names: set[str] = set()
        for _, source in self._sources(subject):
            names |= source.outside
        return sorted(name for name in names if not self._is_mine(name))

    def _is_mine(self, module: str) -> bool:
        """Whether a module is one of the project's own."""
        first = module.partition(".")[0]
        if not first:
            return True
        ways = (first, f"src/{first}")
        return first == self._project.name or any(
            path.startswith((f"{way}/", f"{way}.py")) for way in ways for path in self._files
        )

    def _purpose_of_project(self) -> str:
        readme = next((path for path in self._files if path.lower().startswith("readme")), None)
        about = ""
        if readme is not None:
            self._tell(f"reads {readme}")
            blocks = self._project.read(readme).split("\n\n")
            plain = (" ".join(block.split()) for block in blocks)
            about = next((block for block in plain if block and block[0].isalnum()), "")
        folders = Counter(path.partition("/")[0] for path in self._files if "/" in path)
        tops = [f"{name} ({_many(count, 'file')})" for name, count in folders.most_common(6)]
        told = f" Its largest folders: {', '.join(tops)}." if tops else ""
        return f"{self._project.name}: {_ended(about or 'it has no README')}{told}"

    def _purpose_of_folder(self, folder: str) -> str:
        paths = list(self._paths(folder))
        about = (
            self._source(f"{folder}__init__.py").about if f"{folder}__init__.py" in paths else ""
        )
        modules = [path for path in paths if path.endswith(".py") and "__init__" not in path]
        told = [
            f"{path.removeprefix(folder)} ({self._source(path).about or 'no docstring'})"
            for path in modules[:SHOWN]
        ]
        what = f"is: {about}" if about else f"has {_many(len(paths), 'file')}"
        return f"{folder} {_ended(what)} {_some(told, '; ', len(modules))}".rstrip()


def _told_errors(errors: Errors, silent: list[str]) -> str:
    raised = Counter({name: n for name, n in errors.raised.items() if name[:1].isupper()})
    parts: list[str] = []
    if raised:
        parts.append(f"raises {_counted(raised)}")
    if errors.caught:
        parts.append(f"catches {_counted(errors.caught)}")
    if errors.again:
        parts.append(f"raises again in {_many(errors.again, 'handler')}")
    if errors.finals:
        parts.append(f"cleans up by finally in {_many(errors.finals, 'place')}")
    if errors.defined:
        parts.append(f"defines {_some(errors.defined)}")
    if errors.bare:
        parts.append(f"has a bare except in {_many(len(errors.bare), 'place')}")
    parts.append(
        f"passes over errors in silence at {_some(silent)}" if silent else "passes over none"
    )
    return f"{'; '.join(parts)}."


def _parts(definitions: list[Definition]) -> str:
    shown = [each for each in definitions if each.kind != "method" and each.name[0] != "_"]
    if not shown:
        return "It defines nothing public."
    told = [
        f"{each.kind} {each.name}{f' ({each.about.rstrip(chr(46))})' if each.about else ''}"
        for each in shown
    ]
    return f"It defines {_some(told, '; ')}."


def _is_test(path: str) -> bool:
    name = posixpath.basename(path)
    return name.startswith("test_") or name.endswith(("_test.py", ".test.js", ".test.ts"))


def _named(subject: str | None) -> str:
    return "the project" if subject is None else subject


def _counted(names: Counter[str]) -> str:
    return _some([f"{name} ({count})" for name, count in names.most_common()])


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _some(things: Iterable[str], between: str = ", ", count: int | None = None) -> str:
    """Name the first things, and count the others."""
    every = list(things)
    shown = between.join(every[:SHOWN])
    more = (count if count is not None else len(every)) - SHOWN
    return f"{shown}{between}and {more} more" if more > 0 else shown


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."

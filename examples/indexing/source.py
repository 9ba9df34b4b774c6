"""Reading and parsing one Python file into its facts, or into the problem with it."""

from __future__ import annotations

import ast
import io
import re
import threading
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path

from callboard.examples.indexing.facts import (
    Definition,
    Entry,
    FileFacts,
    FileProblem,
    Kind,
    ProblemKind,
)
from callboard.examples.indexing.files import reason_of

# The compiler reports its warnings under the name of the file. Under this name, which no real file
# has, one filter silences them and nothing else. `warnings.catch_warnings` is no choice here: it
# swaps the filters of the whole process, and parsers run on several threads.
_FILENAME = "<indexed source>"
_QUIET = ("ignore", None, Warning, re.compile(re.escape(_FILENAME)), 0)

# CPython 3.11 (seen on 3.11.7) counts the depth of the tree it builds in one place for all threads;
# where a garbage collection lets another parser in between, a sound file ends in a SystemError
# (gh-106905). The parser holds the interpreter's lock anyway, so one more lock costs nothing.
_PARSER = threading.Lock()

# A comment, or a string, in which a hash begins no comment. The tokenizer of the standard library
# would be a third of the whole run; the parser has already seen to it that quotes pair up.
_STRING_OR_COMMENT = re.compile(
    r"""
    \"{3} [^"\\]* (?: (?: \\(?s:.) | "(?!"") ) [^"\\]* )* \"{3}
  | '{3} [^'\\]* (?: (?: \\(?s:.) | '(?!'') ) [^'\\]* )* '{3}
  | " (?: \\(?s:.) | [^"\\\n] )* "
  | ' (?: \\(?s:.) | [^'\\\n] )* '
  | (?P<comment> \# .* )
    """,
    re.VERBOSE,
)
_TODO = re.compile(r"#.*\b(?:TODO|FIXME|XXX)\b")

_CONTAINERS = (ast.stmt, ast.excepthandler, ast.match_case)

_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Placed = tuple[ast.stmt, tuple[_Scope, ...]]


def read_entry(root: Path, path: str) -> Entry:
    """Reads and parses the file at `path` under `root`. Blocks on the disk.

    Whatever is wrong with the file is the answer, never an exception.
    """
    try:
        raw = (root / path).read_bytes()
    except OSError as error:
        return FileProblem(path, ProblemKind.UNREADABLE, reason_of(error))
    except MemoryError:
        return FileProblem(path, ProblemKind.UNREADABLE, "too large for the memory there is")
    return parse(path, raw)


def parse(path: str, raw: bytes) -> Entry:
    """Parses the bytes of one file. The same bytes give the same answer, on any thread.

    (Only where code is nested right at the parser's limit does the caller's own depth decide.)
    The encoding is the declared one (PEP 263), UTF-8 without a declaration. Warnings of the
    compiler are kept in, even where warnings are errors.
    """
    text = _decode(path, raw)
    if isinstance(text, FileProblem):
        return text
    if "\0" in text:
        # Asked first: what the parser says about it differs between the versions of Python.
        line = text.count("\n", 0, text.index("\0")) + 1
        return FileProblem(path, ProblemKind.NULL_BYTES, "source code holds null bytes", line)
    try:
        with _PARSER:
            _keep_warnings_in()
            module = ast.parse(text, _FILENAME)
    except SyntaxError as error:
        return FileProblem(path, ProblemKind.SYNTAX, error.msg, error.lineno or None)
    except UnicodeError as error:
        return FileProblem(path, ProblemKind.ENCODING, str(error))
    except ValueError as error:
        return FileProblem(path, ProblemKind.SYNTAX, str(error))
    except (RecursionError, MemoryError):
        # Which of the two it is, and its words, depend on the version of Python.
        message = "nested too deeply for the parser"
        return FileProblem(path, ProblemKind.TOO_COMPLEX, message)
    statements = list(_statements(module))
    return FileFacts(
        path=path,
        size_bytes=len(raw),
        lines=text.count("\n") + (not text.endswith("\n") and text != ""),
        definitions=tuple(_definitions(statements)),
        imports=tuple(sorted(set(_imports(statements)))),
        todos=_count_todos(text),
    )


def _decode(path: str, raw: bytes) -> str | FileProblem:
    """Decodes as `tokenize.open` does, but in one piece, so that an error knows its line."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    except SyntaxError as error:
        return FileProblem(path, ProblemKind.ENCODING, error.msg)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return FileProblem(path, ProblemKind.ENCODING, str(error), line)
    except (UnicodeError, LookupError) as error:  # the declared codec is none for text
        return FileProblem(path, ProblemKind.ENCODING, str(error))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _keep_warnings_in() -> None:
    # Looked at each time: whoever resets the filters of the process takes ours away, too.
    if _QUIET not in warnings.filters:
        warnings.filterwarnings("ignore", module=re.escape(_FILENAME))


def _statements(module: ast.Module) -> Iterator[_Placed]:
    """Gives every statement, in the order of the file, with the scopes around it.

    Expressions hold no statements and are not entered: that is most of the tree saved. The stack is
    our own, so that a deep file which the parser took cannot end our recursion.
    """
    waiting: list[tuple[ast.AST, tuple[_Scope, ...]]] = [(module, ())]
    while waiting:
        node, scopes = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node, scopes
        if isinstance(node, _Scope):
            scopes = (*scopes, node)
        children = [child for child in ast.iter_child_nodes(node) if isinstance(child, _CONTAINERS)]
        waiting.extend((child, scopes) for child in reversed(children))


def _definitions(statements: list[_Placed]) -> Iterator[Definition]:
    for statement, scopes in statements:
        in_function = any(not isinstance(scope, ast.ClassDef) for scope in scopes)
        for name, kind in _names(statement, in_function):
            qualname = ".".join((*(scope.name for scope in scopes), name))
            lines = (statement.end_lineno or statement.lineno) - statement.lineno + 1
            yield Definition(name, qualname, kind, statement.lineno, lines)


def _names(statement: ast.stmt, in_function: bool) -> Iterator[tuple[str, Kind]]:
    match statement:
        case ast.FunctionDef(name=name):
            yield name, Kind.FUNCTION
        case ast.AsyncFunctionDef(name=name):
            yield name, Kind.ASYNC_FUNCTION
        case ast.ClassDef(name=name):
            yield name, Kind.CLASS
        case ast.Assign(targets=targets) if not in_function:
            for target in targets:
                yield from ((name, Kind.CONSTANT) for name in _constants(target))
        case ast.AnnAssign(target=target, value=ast.expr()) if not in_function:
            yield from ((name, Kind.CONSTANT) for name in _constants(target))
        case _:
            return


def _constants(target: ast.expr) -> Iterator[str]:
    """Gives the names in capitals that an assignment binds, also inside `A, B = ...`."""
    match target:
        case ast.Name(id=name) if name.isupper():
            yield name
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for inner in targets:
                yield from _constants(inner)
        case _:
            return


def _imports(statements: list[_Placed]) -> Iterator[str]:
    for statement, _ in statements:
        match statement:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=name, level=level):
                yield "." * level + (name or "")
            case _:
                continue


def _count_todos(text: str) -> int:
    if _TODO.search(text) is None:
        return 0
    comments = (found["comment"] for found in _STRING_OR_COMMENT.finditer(text))
    return sum(comment is not None and bool(_TODO.match(comment)) for comment in comments)

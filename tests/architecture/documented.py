"""Which public names have a docstring, looked up through re-exports and base classes."""

import ast
from collections.abc import Iterator, Sequence

from tests.architecture.source import Source, Tree

__all__ = ["undocumented"]

Function = ast.FunctionDef | ast.AsyncFunctionDef


def undocumented(face: Source, tree: Tree) -> list[str]:
    """Names on a face without a docstring; public methods and properties count as well."""
    return [
        f"{source.path}: {label} has no docstring"
        for name in face.exported or ()
        for source, node in _definitions(name, face, tree)
        for label in _bare(name, node, source, tree)
    ]


def _bare(label: str, node: ast.stmt, source: Source, tree: Tree) -> Iterator[str]:
    if isinstance(node, ast.ClassDef):
        if not ast.get_docstring(node):
            yield label
        for member in _statements(node.body):
            if not isinstance(member, ast.ClassDef | Function) or member.name.startswith("_"):
                continue
            if isinstance(member, ast.ClassDef) or not _inherits(member, node, source, tree):
                yield from _bare(f"{label}.{member.name}", member, source, tree)
    elif isinstance(node, Function):
        if not ast.get_docstring(node) and not _decorators(node) & {"overload", "override"}:
            yield label
    elif not _told(node, source):
        yield label


def _inherits(method: Function, owner: ast.ClassDef, source: Source, tree: Tree) -> bool:
    """Whether the words stand elsewhere: at the property that this sets, or in a base class."""
    if _decorators(method) & {"setter", "deleter"}:
        return True
    for base in owner.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        if not isinstance(plain, ast.Name):
            continue
        for origin, node in _definitions(plain.id, source, tree):
            if not isinstance(node, ast.ClassDef) or node is owner:
                continue
            same = [
                m
                for m in _statements(node.body)
                if isinstance(m, Function) and m.name == method.name
            ]
            if any(ast.get_docstring(m) for m in same) or _inherits(method, node, origin, tree):
                return True
    return False


def _definitions(name: str, source: Source, tree: Tree) -> list[tuple[Source, ast.stmt]]:
    """Where a module-level name is written down, in the file itself or where it comes from."""
    found: list[tuple[Source, ast.stmt]] = []
    for node in _statements(source.tree.body):
        if isinstance(node, ast.ClassDef | Function) and node.name == name:
            found.append((source, node))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and name in _targets(node):
            found.append((source, node))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                origin = tree.files.get(source.origin(node))
                if origin and origin is not source and (alias.asname or alias.name) == name:
                    found += _definitions(alias.name, origin, tree)
    return found


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, those under an `if` and a `try` as well."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([*node.body, *node.orelse])


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _told(node: ast.stmt, source: Source) -> bool:
    """Whether a string stands right after a constant."""
    statements = list(_statements(source.tree.body))
    after = statements[statements.index(node) + 1 :][:1]
    return any(
        isinstance(item, ast.Expr)
        and isinstance(item.value, ast.Constant)
        and isinstance(item.value.value, str)
        for item in after
    )


def _decorators(node: Function) -> set[str]:
    """The last word of each decorator: `override` of `@typing.override`."""
    return {ast.unparse(item).partition("(")[0].rpartition(".")[2] for item in node.decorator_list}

"""What files of many kinds declare to be needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.examples.code_assistant.dependencies import Needs, needs_of


@pytest.mark.parametrize(
    ("path", "text", "needs"),
    [
        (
            "pyproject.toml",
            "[project]\ndependencies = ['a>=1', 'b[x]~=2; python_version>\"3\"', 'c @ https://c']\n"
            "[project.optional-dependencies]\nweb = ['d']\n[dependency-groups]\ndev = ['e',"
            " {include-group='x'}]\n[build-system]\nrequires = ['f']",
            {"to run": ["a", "b", "c"], "web": ["d"], "dev": ["e"], "to build": ["f"]},
        ),
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\npython = '^3'\nrequests = '*'",
            {"to run": ["requests"]},
        ),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    a\n    b>=1\n[options.extras_require]\nx =\n    c",
            {"to run": ["a", "b"], "x": ["c"]},
        ),
        (
            "requirements-dev.txt",
            "# what\n-r other.txt\na==1  # exact\n\n--hash=x\nB.b\n",
            {"to run": ["a", "B.b"]},
        ),
        (
            "web/package.json",
            '{"dependencies": {"@a/b": "1"}, "devDependencies": {"c": "2"}}',
            {"to run": ["@a/b"], "to develop": ["c"]},
        ),
        ("Cargo.toml", "[dependencies]\nserde = '1'\n", {"to run": ["serde"]}),
        (
            "go.mod",
            "module x\nrequire github.com/a/b v1.2.3\nrequire (\n\tgolang.org/x/c v0.1.0\n)\n",
            {"to run": ["github.com/a/b", "golang.org/x/c"]},
        ),
        ("package.json", "[]", {}),
        ("package.json", '{"dependencies": 7}', {}),
        ("pyproject.toml", "not toml", {}),
        ("pyproject.toml", "project = 3", {}),
        ("setup.cfg", "no section", {}),
    ],
)
def test_a_file_declares_what_is_needed(path: str, text: str, needs: Needs) -> None:
    assert needs_of(path, text) == needs


@given(
    st.sampled_from(["pyproject.toml", "setup.cfg", "package.json", "requirements.txt", "go.mod"]),
    st.text(),
)
def test_no_text_is_too_strange(path: str, text: str) -> None:
    assert all(names for names in needs_of(path, text).values())

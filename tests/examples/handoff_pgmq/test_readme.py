"""What the page says is so: every command of it runs, beginning with a database that is empty."""

import pytest

from tests.examples.handoff.following import follow
from tests.examples.handoff.readme import EXAMPLES, files

README = EXAMPLES / "handoff_pgmq" / "README.md"
DOCKER = "docker run --rm -p 5432:5432 -e POSTGRES_PASSWORD=acme postgres:17"
URL = "postgresql://postgres:acme@localhost:5432/postgres"


@pytest.mark.check("M153", "M163")
def test_every_command_of_the_page_runs(database: str) -> None:
    export = f"export DATABASE_URL={URL}"
    outside = {DOCKER: "", export: "", f"--database-url {URL}": f"--database-url {database}"}
    replaced = follow("handoff_pgmq", {"DATABASE_URL": database}, outside)
    assert replaced[:2] == [DOCKER, export] and len(replaced) == 3


@pytest.mark.check("M153")
def test_the_page_holds_the_advice_on_channels_poolers_and_on_what_to_keep_close() -> None:
    text = " ".join(README.read_text(encoding="utf-8").split())
    assert "Use a channel of its own for each application" in text
    assert "Prefer a pooler in session mode" in text
    assert "Keep the worker that talks, the active one and the database close to each" in text


def test_every_file_is_described() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in sorted(files(README.parent)) if f"`{name}`" not in text] == []

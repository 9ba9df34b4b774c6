"""Every link of the documentation leads somewhere, and every page is led to."""

from pathlib import Path

from tests.docs.pages import ROOT, anchors, links, pages


def broken_links(root: Path) -> list[str]:
    """Relative links to no file, or to no heading."""
    broken: list[str] = []
    for page in pages(root):
        for link in links(page.read_text(encoding="utf-8")):
            if link.startswith(("https://", "http://")):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            there = target.exists() and target.is_relative_to(root.resolve())
            if there and anchor:
                there = target.is_file() and anchor in anchors(target.read_text(encoding="utf-8"))
            if not there:
                broken.append(f"{page.relative_to(root)}: {link}")
    return broken


def unreachable_pages(root: Path) -> list[str]:
    """Pages to which no path of links leads from the README."""
    reached: set[Path] = set()
    ahead = [root / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page not in pages(root):
            continue
        reached.add(page)
        for link in links(page.read_text(encoding="utf-8")):
            ahead.append(Path((page.parent / link.partition("#")[0]).resolve()))
    return [str(page.relative_to(root)) for page in pages(root) if page not in reached]


def test_every_link_leads_somewhere() -> None:
    assert broken_links(ROOT) == []


def test_every_page_is_reached_from_the_readme() -> None:
    assert unreachable_pages(ROOT) == []


def test_a_broken_link_and_a_lonely_page_are_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(
        "# Top\n[a](docs/a.md) [b](docs/a.md#the-middle) [c](docs/a.md#end)\n"
        "[d](docs/b.md) [e](../x)\n"
        "```\n[not a link](nowhere)\n```\n"
    )
    (tmp_path / "docs" / "a.md").write_text("# A\n## The middle\n[up](../README.md#top)\n")
    (tmp_path / "docs" / "lonely.md").write_text("# Lonely\n")
    assert broken_links(tmp_path) == [
        "README.md: docs/a.md#end",
        "README.md: docs/b.md",
        "README.md: ../x",
    ]
    assert unreachable_pages(tmp_path) == ["docs/lonely.md"]

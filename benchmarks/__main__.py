"""Measures us beside our peers, alternating, in one run: `python -m benchmarks W1 W2`."""

import argparse
import json
import sys

from .contestants import PEERS
from .document import as_document
from .machine import Machine
from .report import as_markdown, as_text
from .rounds import known_contestants, known_works, run_rounds
from .sizes import SCALES
from .works import WORKS


def main() -> int:
    """Prints the results; 1 if a measurement failed. A goal missed is no failure."""
    options = _parser().parse_args()
    works = known_works(options.works)
    contestants = known_contestants(options.peers)
    results = run_rounds(works, contestants, options.rounds, options.scale, _progress)
    machine = Machine.this()
    if options.json:
        print(json.dumps(as_document(results, machine), indent=2, ensure_ascii=False))
    elif options.markdown:
        print(as_markdown(results, machine))
    else:
        print(as_text(results, machine))
    failed = any(each.failed for standings in results.values() for each in standings.values())
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "works", nargs="*", type=_work, metavar="work", help=f"{', '.join(WORKS)} or all (default)"
    )
    parser.add_argument("--rounds", type=_count, default=3, help="rounds for the median")
    parser.add_argument("--scale", choices=SCALES, default="small", help="how long to measure")
    parser.add_argument("--peers", type=_peers, help=f"only these, of {','.join(PEERS)}")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print one JSON document")
    shape.add_argument("--markdown", action="store_true", help="print a Markdown table")
    return parser


def _work(text: str) -> str:
    if text not in WORKS and text != "all":
        raise argparse.ArgumentTypeError(f"no such work: {text}; there are {', '.join(WORKS)}, all")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 up, got {text}")
    return int(text)


def _peers(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such peer: {unknown[0]}; expected {','.join(PEERS)}")
    return names


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

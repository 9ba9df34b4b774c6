"""One contestant does one work in this process: `python -m benchmarks.contest W1 pykka`."""

import argparse
import importlib
import json
import logging
import os
from collections.abc import Callable

from .contestants import CONTESTANTS
from .sizes import SCALES, size_of
from .works import WORKS, Figures, Work


def main() -> None:
    """Prints the figures, or why there are none, as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contest", description=__doc__)
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("--scale", choices=SCALES, default="small")
    options = parser.parse_args()
    print(json.dumps(contest(options.work, options.contestant, options.scale)), flush=True)


def contest(work: str, contestant: str, scale: str) -> dict[str, object]:
    """Runs the work and returns `{"figures": …}`, or `{"absent": reason}`."""
    # Records are made, as in production, but nobody pays for writing them.
    logging.basicConfig(handlers=[logging.NullHandler()])
    entered = CONTESTANTS[contestant]
    os.environ.update(entered.environment)
    try:
        module = importlib.import_module(entered.module, package=__package__)
    except ModuleNotFoundError as error:
        return {"absent": f"not installed ({error.name})"}
    kind = WORKS[work]
    task: Callable[[Work], Figures] | None = getattr(module, kind.task, None)
    if task is None:
        return {"absent": "not offered"}
    figures = task(size_of(work, contestant, scale))
    return {"figures": {metric.name: figures[metric.name] for metric in kind.metrics}}


if __name__ == "__main__":
    main()

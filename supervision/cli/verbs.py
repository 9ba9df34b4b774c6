"""All verbs of the command line, and the one place where a mistake becomes one line."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

import click

from ...actors.errors import CallboardError
from .check import check
from .config import config
from .demo import demo
from .exits import CLEAN, FAILED, INTERRUPTED, code_of
from .pgmq import pgmq
from .redis import redis
from .run import run
from .seen import ps, tree

__all__ = ["callboard", "main"]

THREADS_END_WITHIN = 2.0
"""Seconds that threads of the user's may go on when everything else has ended."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="callboard")
def callboard() -> None:
    """Actors on a supervision tree: run them, and see what runs."""


for verb in (run, check, config, tree, ps, demo, redis, pgmq):
    callboard.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, and end the process with its exit code."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has left; the interpreter must not try to write it once more.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = FAILED
    _leave(code)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        result: object = callboard.main(arguments, prog_name="callboard", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        _complain(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except CallboardError as error:
        click.echo(f"callboard: {error}", err=True)
        return code_of(error)
    return result if isinstance(result, int) else CLEAN


def _complain(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" (see '{context.command_path} --help')" if context is not None else ""
    text = " ".join(error.format_message().split())
    click.echo(f"callboard: {text}{hint}", err=True)


def _leave(code: int) -> NoReturn:
    """End the process, also where a thread of the user's does not."""
    deadline = THREADS_END_WITHIN
    main_thread = threading.main_thread()
    left = [each for each in threading.enumerate() if each is not main_thread and not each.daemon]
    for thread in left:
        thread.join(deadline / len(left))
    stuck = [thread.name for thread in left if thread.is_alive()]
    if stuck:
        click.echo(f"callboard: left behind: the threads {', '.join(stuck)}", err=True)
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code & 0xFF)
    sys.exit(code)

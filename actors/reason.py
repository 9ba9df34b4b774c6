"""Why a worker ended: the reasons, and which of them are abnormal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Failed", "Killed", "Normal", "Reason", "Shutdown", "in_words", "note_context"]


def in_words(error: BaseException) -> str:
    """Return type and text of an error that users have raised: its `__str__` may raise too."""
    try:
        text = str(error)
    except Exception as worse:
        text = f"<its text raises {type(worse).__name__}>"
    return f"{type(error).__name__}: {text}"


def note_context(error: BaseException, earlier: BaseException | None) -> None:
    """Say what came before an error, unless it knows; its class may be frozen, as dataclasses."""
    if error is not earlier and error.__context__ is None:
        BaseException.__setattr__(error, "__context__", earlier)


@dataclass(frozen=True)
class Reason:
    """Why a worker ended. An abnormal reason restarts a transient child (OTP)."""

    abnormal: ClassVar[bool] = False

    @property
    def error(self) -> BaseException | None:
        """The exception behind the reason, where there is one."""
        return None

    def __str__(self) -> str:
        """One word, and the text where there is one."""
        return type(self).__name__.lower()


@dataclass(frozen=True)
class Normal(Reason):
    """The worker ended by itself, its work done."""


@dataclass(frozen=True)
class Shutdown(Reason):
    """The worker was told to stop; `text` says by what."""

    text: str = ""

    def __str__(self) -> str:
        """`shutdown`, and by what."""
        return f"shutdown: {self.text}" if self.text else "shutdown"


@dataclass(frozen=True)
class Failed(Reason):
    """An exception ended the worker.

    A failed start is one too (`StartFailed`), and so is a spent restart budget (`Exceeded`).
    """

    abnormal: ClassVar[bool] = True
    cause: BaseException

    @property
    def error(self) -> BaseException:
        """The exception that ended the worker."""
        return self.cause

    def __str__(self) -> str:
        """`failed`, with the type and text of the exception."""
        return f"failed: {in_words(self.cause)}"


@dataclass(frozen=True)
class Killed(Reason):
    """The worker was ended by force, without its stop hook.

    `ordered` is true where its own supervisor asked for that: then it calls for no restart.
    """

    abnormal: ClassVar[bool] = True
    text: str = ""
    ordered: bool = False

    def __str__(self) -> str:
        """`killed`, and why."""
        return f"killed: {self.text}" if self.text else "killed"

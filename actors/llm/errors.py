"""What goes wrong with a language model, as typed errors.

CallboardError
  ModelError             no reply, or no whole one
    ModelRefused         the model, or a filter before it, will not answer this
    ModelDenied          the key is missing or wrong, or may not use the model
    ModelMisused         the request is wrong: a model nobody knows, a conversation too long
    ModelLimited         too many requests or tokens for now; `retry_after` says how long
    ModelUnavailable     it cannot be reached, or failed
      ModelTimeout       it was silent for too long
    StreamBroken         the reply broke off
    TooManyRounds        it went on calling tools though it was told to answer
"""

from __future__ import annotations

from ..errors import CallboardError

__all__ = [
    "ModelDenied",
    "ModelError",
    "ModelLimited",
    "ModelMisused",
    "ModelRefused",
    "ModelTimeout",
    "ModelUnavailable",
    "StreamBroken",
    "TooManyRounds",
]


class ModelError(CallboardError):
    """A model gave no reply, or no whole one.

    In a turn of an `LLMWorker` it ends the turn with an error, and the worker lives.
    """

    def __init__(self, text: str = "", *, status: int | None = None) -> None:
        """Say what happened; `status` is that of the HTTP response, where there was one."""
        super().__init__(text or (type(self).__doc__ or "").splitlines()[0])
        self.status = status


class ModelRefused(ModelError):
    """The model, or a filter before it, will not answer; the text is what it says."""


class ModelDenied(ModelError):
    """The key is missing or wrong, or may not use this model."""


class ModelMisused(ModelError):
    """The request is wrong: an unknown model, or a conversation that is too long for it."""


class ModelLimited(ModelError):
    """Too many requests or tokens for now, or the quota is spent."""

    def __init__(
        self, text: str = "", *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        """Say what happened; `retry_after` is in seconds, None where nobody said it."""
        super().__init__(text, status=status)
        self.retry_after = retry_after


class ModelUnavailable(ModelError):
    """The model cannot be reached, or failed."""


class ModelTimeout(ModelUnavailable, TimeoutError):
    """The model was silent for too long."""


class StreamBroken(ModelError):
    """The reply broke off before it was complete."""


class TooManyRounds(ModelError):
    """The model went on calling tools though it was told to answer."""

"""A model behind OpenAI's chat API, or one that speaks it; by the extra `callboard[openai]`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .errors import (
    ModelDenied,
    ModelError,
    ModelLimited,
    ModelMisused,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    StreamBroken,
)
from .model import ChatMessage, Finished, ModelEvent, TextPiece, ToolCall, ToolSchema, Usage

__all__ = ["OpenAIModel"]

KEY_VARIABLE = "OPENAI_API_KEY"

URL_VARIABLE = "OPENAI_BASE_URL"

SILENT_FOR = 60.0
"""Seconds that a model may be silent, unless it is said otherwise."""

HIDDEN = "***"

LEFT_TURNS = 20
"""Turns of the loop in which the generators end that the library leaves behind, one in another:
nothing of a reply is to be left when it is over."""

REFUSING_CODES = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")


@dataclass
class Fragments:
    """A tool call of which parts have come."""

    id: str = ""
    name: str = ""
    arguments: str = ""


class OpenAIModel:
    """A model behind OpenAI's chat API: theirs, or any server that speaks it (`base_url`).

    The key is never shown: not in `repr`, not in errors, not in logs.
    """

    def __init__(
        self,
        model: str,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: float = SILENT_FOR,
        retries: int = 2,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Use the model of this name; nothing is sent yet.

        Without `api_key` and `base_url` the variables OPENAI_API_KEY and OPENAI_BASE_URL are read.
        `timeout`: seconds that the server may be silent. `retries`: how often a request is sent
        again that was refused for its rate or by a fault of the server, before any word has come.
        `parameters` go with each request: temperature, max_tokens and the like.

        Raises:
            ImportError: the extra `callboard[openai]` is not installed.
            ModelDenied: there is no key.

        """
        self._library = _library()
        key = api_key or os.environ.get(KEY_VARIABLE, "")
        if not key:
            raise ModelDenied(f"there is no key for the model {model!r}: set {KEY_VARIABLE}")
        self.model = model
        self.base_url = base_url or os.environ.get(URL_VARIABLE) or None
        self.timeout = timeout
        self.retries = retries
        self.parameters = dict(parameters or {})
        self._key = key
        self._client: Any = None

    def __repr__(self) -> str:
        """Show the name of the model."""
        return f"<OpenAIModel {self.model!r}>"

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def respond(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSchema] | None = None,
        *,
        tool_choice: Any = None,
    ) -> AsyncIterator[ModelEvent]:
        """Reply; see `Model.respond` for what comes, and `errors.py` for what may go wrong."""
        request: dict[str, Any] = {
            **self.parameters,
            "model": self.model,
            "messages": list(messages),
            "stream": True,
        }
        if tools:
            request["tools"] = [each.as_openai() for each in tools]
            if tool_choice is not None:
                request["tool_choice"] = tool_choice
        failure: ModelError | None = None
        stream: Any = None
        try:
            stream = await self._opened().chat.completions.create(**request)
        except Exception as error:
            failure = self._failure(error, streaming=False)
        if failure is not None:  # outside of `except`: the error of the library may show the key
            raise failure
        reading = Reading()
        try:
            while True:
                chunk: Any = None
                try:
                    chunk = await anext(stream, None)
                except Exception as error:
                    failure = self._failure(error, streaming=True)
                if failure is not None:
                    raise failure
                if chunk is None:
                    break
                text = reading.take(chunk)
                if text:
                    yield TextPiece(text)
            for call in reading.calls():
                yield call
            yield reading.finish()
        finally:
            await stream.close()
            stream = None
            for _ in range(LEFT_TURNS):
                await asyncio.sleep(0)

    def _opened(self) -> Any:
        if self._client is None:
            self._client = self._library.AsyncOpenAI(
                api_key=self._key,
                base_url=self.base_url,
                timeout=self.timeout,
                max_retries=self.retries,
            )
        return self._client

    # -- what goes wrong ----

    def _failure(self, error: Exception, *, streaming: bool) -> ModelError:
        """Return our error for one of the library, without the key and without its cause."""
        text = self._told(error)
        status = getattr(error, "status_code", None)
        code = str(getattr(error, "code", None) or "")
        if isinstance(error, TimeoutError | self._library.APITimeoutError):
            return ModelTimeout(f"the model was silent for {self.timeout:g} s")
        if code in REFUSING_CODES:
            return ModelRefused(text, status=status)
        if isinstance(error, self._library.APIStatusError):
            return self._by_status(error, text)
        if streaming:
            return StreamBroken(f"the reply broke off: {text}")
        if isinstance(error, self._library.APIError):
            return ModelUnavailable(f"the model cannot be reached: {text}")
        return ModelMisused(f"the request could not be sent: {text}")

    def _by_status(self, error: Any, text: str) -> ModelError:
        status: int = error.status_code
        if status in (401, 403):
            return ModelDenied(text, status=status)
        if status == 429:
            return ModelLimited(text, status=status, retry_after=_retry_after(error))
        if status >= 500 or status in (408, 409):
            return ModelUnavailable(text, status=status)
        return ModelMisused(text, status=status)

    def _told(self, error: Exception) -> str:
        """Return what an error says, without the key: servers repeat it."""
        body = getattr(error, "body", None)
        told = body.get("message") if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        cause = error.__cause__
        text = str(told or error)  # pyright: ignore[reportUnknownArgumentType]
        if cause is not None and not told:
            text = f"{text} ({type(cause).__name__}: {cause})"
        return text.replace(self._key, HIDDEN)


class Reading:
    """One stream of the API, as far as it has been read."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._fragments: dict[int, Fragments] = {}
        self._refusal = ""
        self._reason: str | None = None
        self._usage: Usage | None = None

    def take(self, chunk: Any) -> str:
        """Take a chunk, and return the words in it."""
        if chunk.usage is not None:
            self._usage = Usage(chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
        text = ""
        for choice in (chunk.choices or ())[:1]:
            delta = choice.delta
            if delta is not None:
                text = delta.content or ""
                self._refusal += getattr(delta, "refusal", None) or ""
                for fragment in delta.tool_calls or ():
                    self._add(fragment)
            self._reason = choice.finish_reason or self._reason
        return text

    def calls(self) -> list[ToolCall]:
        """Return the tool calls, which are complete now.

        Raises:
            ModelRefused, StreamBroken: there is no whole reply.

        """
        if self._refusal or self._reason == "content_filter":
            raise ModelRefused(self._refusal or "a filter has cut off the reply")
        if self._reason is None:
            raise StreamBroken("the reply broke off: the stream ended before its end")
        return [
            ToolCall(each.id or f"call_{index + 1}", each.name, each.arguments or "{}")
            for index, each in sorted(self._fragments.items())
        ]

    def finish(self) -> Finished:
        """Return how it ended."""
        return Finished(self._reason or "stop", self._usage)

    def _add(self, fragment: Any) -> None:
        # Some servers send whole calls, and number none of them.
        index = fragment.index if fragment.index is not None else len(self._fragments)
        each = self._fragments.setdefault(index, Fragments())
        each.id = fragment.id or each.id
        if fragment.function is not None:
            each.name += fragment.function.name or ""
            each.arguments += fragment.function.arguments or ""


def _library() -> ModuleType:
    try:
        import openai
    except ImportError as error:
        raise ImportError(
            "a model of OpenAI's kind needs the extra: pip install 'callboard[openai]'"
        ) from error
    return openai


def _retry_after(error: Any) -> float | None:
    try:
        return float(error.response.headers.get("retry-after"))
    except (TypeError, ValueError):
        return None

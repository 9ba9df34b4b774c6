"""Frames: what flows through a pipeline, and between a pipeline and the workers on its bridges.

    Frame
    ├── LifecycleFrame            stays in its pipeline, never crosses a bridge
    │   ├── StartFrame, EndFrame, StopFrame, CancelFrame
    ├── TextFrame                 words
    │   ├── ReplyTextFrame        words of a model, as they come
    │   └── SpokenTextFrame       words as they are spoken
    ├── TranscriptionFrame        what a user has said or written
    ├── AudioFrame                InputAudioFrame, OutputAudioFrame, SpeechAudioFrame
    ├── MessagesFrame, ContextFrame, RunFrame          a conversation with a model
    ├── ReplyStartFrame, ReplyEndFrame                 around the words of one reply
    ├── ToolCallFrame, ToolResultFrame, ProgressFrame  what a worker does meanwhile
    ├── SpeakFrame, SpeechStartedFrame, SpeechStoppedFrame
    ├── InterruptionFrame, UserStartedSpeakingFrame, UserStoppedSpeakingFrame,
    │   BotStartedSpeakingFrame, BotStoppedSpeakingFrame
    └── ErrorFrame

A frame of your own is a subclass with a wire name: `class Note(Frame, wire="acme.note")`.
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import Any

from ..message import DataMessage
from ..wire import wire

__all__ = [
    "AudioFrame",
    "BotStartedSpeakingFrame",
    "BotStoppedSpeakingFrame",
    "CancelFrame",
    "ContextFrame",
    "Direction",
    "EndFrame",
    "ErrorFrame",
    "Frame",
    "InputAudioFrame",
    "InterruptionFrame",
    "LifecycleFrame",
    "MessagesFrame",
    "OutputAudioFrame",
    "ProgressFrame",
    "ReplyEndFrame",
    "ReplyStartFrame",
    "ReplyTextFrame",
    "RunFrame",
    "SpeakFrame",
    "SpeechAudioFrame",
    "SpeechStartedFrame",
    "SpeechStoppedFrame",
    "SpokenTextFrame",
    "StartFrame",
    "StopFrame",
    "TextFrame",
    "ToolCallFrame",
    "ToolResultFrame",
    "TranscriptionFrame",
    "UserStartedSpeakingFrame",
    "UserStoppedSpeakingFrame",
]


@wire("callboard.direction")
class Direction(Enum):
    """Which way a frame flows: down from a pipeline's input to its output, or back up."""

    DOWN = "downstream"
    UP = "upstream"


class Frame(DataMessage):
    """What flows through a pipeline: a frozen value."""


# -- the life of a pipeline ----


class LifecycleFrame(Frame):
    """About the pipeline itself: it passes each stage, and never crosses a bridge."""


class StartFrame(LifecycleFrame):
    """The first frame: once it has reached the end the pipeline is ready."""


class EndFrame(LifecycleFrame):
    """The last frame of an orderly end: what was queued before it has been through."""

    reason: str = ""


class StopFrame(LifecycleFrame):
    """The pipeline stops, and its stages may be used again."""


class CancelFrame(LifecycleFrame):
    """The pipeline ends now."""

    reason: str = ""


# -- words ----


class TextFrame(Frame, wire="callboard.text"):
    """Words."""

    text: str


class ReplyTextFrame(TextFrame, wire="callboard.reply-text"):
    """Some words of a model's reply, as they come."""


class SpokenTextFrame(TextFrame, wire="callboard.spoken-text"):
    """Words as they are spoken."""

    voice: str = ""
    """Whose voice; empty where there is only one."""


class TranscriptionFrame(Frame, wire="callboard.transcription"):
    """What a user has said, or written."""

    text: str
    user: str = ""
    at: str = ""
    """When, as ISO 8601; empty where nobody has noted it."""
    language: str | None = None
    final: bool = True
    """False for a first guess that a later frame corrects."""


# -- sound ----


class AudioFrame(Frame, wire="callboard.audio"):
    """Sound: signed 16 bit samples, little endian, channels interleaved."""

    audio: bytes
    sample_rate: int
    """Samples per second and channel."""
    channels: int = 1


class InputAudioFrame(AudioFrame, wire="callboard.input-audio"):
    """Sound from a user."""


class OutputAudioFrame(AudioFrame, wire="callboard.output-audio"):
    """Sound for a user."""


class SpeechAudioFrame(OutputAudioFrame, wire="callboard.speech-audio"):
    """Spoken words for a user."""


class SpeakFrame(Frame, wire="callboard.speak"):
    """Words to be spoken as they are, without a model."""

    text: str
    keep: bool = True
    """Whether they belong into the conversation."""


class SpeechStartedFrame(Frame, wire="callboard.speech-started"):
    """The sound of spoken words follows."""


class SpeechStoppedFrame(Frame, wire="callboard.speech-stopped"):
    """The sound of spoken words has ended."""


# -- a conversation with a model ----


class MessagesFrame(Frame, wire="callboard.messages"):
    """Messages to be added to the conversation: objects with `role` and `content`."""

    messages: list[Any]
    run: bool = True
    """Whether the model runs then."""


class ContextFrame(Frame, wire="callboard.context"):
    """The whole conversation: it takes the place of the one that a worker has; the model runs."""

    messages: list[Any]
    tools: list[Any] | None = None
    """None: they are not given, which is another thing than none."""
    tool_choice: Any = None


class RunFrame(Frame, wire="callboard.run"):
    """Have the model run on the conversation as it is."""


class ReplyStartFrame(Frame, wire="callboard.reply-start"):
    """The words of one reply follow."""


class ReplyEndFrame(Frame, wire="callboard.reply-end"):
    """The reply is complete, or was interrupted."""

    interrupted: bool = False


class ToolCallFrame(Frame, wire="callboard.tool-call"):
    """A tool of a worker begins its work."""

    name: str
    call_id: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])


class ToolResultFrame(Frame, wire="callboard.tool-result"):
    """A tool of a worker has ended."""

    name: str
    call_id: str
    result: Any = None
    error: str = ""
    """What went wrong; empty where nothing did."""


class ProgressFrame(Frame, wire="callboard.progress"):
    """How far a job is that a worker does for a user."""

    worker: str
    job: str
    text: str
    status: str = "running"
    """running, completed, failed, error or cancelled."""
    job_id: str = ""


# -- turns ----


class InterruptionFrame(Frame, wire="callboard.interruption"):
    """The user has begun to talk: what is being said is over."""


class UserStartedSpeakingFrame(Frame, wire="callboard.user-started-speaking"):
    """The user has begun to speak."""


class UserStoppedSpeakingFrame(Frame, wire="callboard.user-stopped-speaking"):
    """The user has paused."""


class BotStartedSpeakingFrame(Frame, wire="callboard.bot-started-speaking"):
    """The user hears the first of a reply."""


class BotStoppedSpeakingFrame(Frame, wire="callboard.bot-stopped-speaking"):
    """The user has heard the last of a reply."""


class ErrorFrame(Frame, wire="callboard.error-frame"):
    """Something went wrong in a pipeline; it flows upstream."""

    error: str
    fatal: bool = False

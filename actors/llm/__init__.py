"""Workers that talk by a language model: the model, tools, the conversation."""

from .activation import LLMActivationArgs
from .conversation import Conversation
from .errors import (
    ModelDenied,
    ModelError,
    ModelLimited,
    ModelMisused,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    StreamBroken,
    TooManyRounds,
)
from .keeper import ConversationKeeper
from .model import (
    ChatMessage,
    Finished,
    Model,
    ModelEvent,
    TextPiece,
    ToolCall,
    ToolSchema,
    Usage,
)
from .openai import OpenAIModel
from .script import Call, Fail, Pause, Rule, Say, Scene, after, group, when
from .scripted import ScriptedModel
from .stage import LLMStage
from .tools import ToolAnswer, tool
from .worker import LLMWorker

__all__ = [
    "Call",
    "ChatMessage",
    "Conversation",
    "ConversationKeeper",
    "Fail",
    "Finished",
    "LLMActivationArgs",
    "LLMStage",
    "LLMWorker",
    "Model",
    "ModelDenied",
    "ModelError",
    "ModelEvent",
    "ModelLimited",
    "ModelMisused",
    "ModelRefused",
    "ModelTimeout",
    "ModelUnavailable",
    "OpenAIModel",
    "Pause",
    "Rule",
    "Say",
    "Scene",
    "ScriptedModel",
    "StreamBroken",
    "TextPiece",
    "ToolAnswer",
    "ToolCall",
    "ToolSchema",
    "TooManyRounds",
    "Usage",
    "after",
    "group",
    "tool",
    "when",
]

"""Workers that talk by a language model: the model, tools, the conversation."""

__all__: list[str] = []

"""Has Pipecat imported once, without the warnings that its own imports raise."""

from __future__ import annotations

import importlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    importlib.import_module("pipecat.frames.frames")

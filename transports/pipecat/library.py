"""The one place that imports Pipecat."""

from __future__ import annotations

import warnings

try:
    with warnings.catch_warnings():
        # Part of Python up to 3.12: that Pipecat imports it is no business of who imports this.
        warnings.filterwarnings("ignore", "'audioop' is deprecated", DeprecationWarning)
        from pipecat.bus import BusEndMessage, BusMessage
        from pipecat.frames import frames as theirs
        from pipecat.frames.frames import (
            CancelFrame,
            DataFrame,
            EndFrame,
            ErrorFrame,
            StartFrame,
            StopFrame,
        )
        from pipecat.frames.frames import Frame as TheirFrame
        from pipecat.pipeline.base_pipeline import BasePipeline
        from pipecat.pipeline.pipeline import Pipeline
        from pipecat.pipeline.worker import PipelineWorker as TheirWorker
        from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
        from pipecat.utils.asyncio.task_manager import TaskManager
        from pipecat.workers.base_worker import WorkerParams
except ImportError as error:
    raise ImportError(
        "Pipecat pipelines need the package 'pipecat-ai': pip install 'callboard[pipecat]'",
        name="pipecat",
    ) from error

__all__ = [
    "DOWN",
    "UP",
    "BasePipeline",
    "BusEndMessage",
    "BusMessage",
    "CancelFrame",
    "DataFrame",
    "EndFrame",
    "ErrorFrame",
    "FrameDirection",
    "FrameProcessor",
    "Pipeline",
    "StartFrame",
    "StopFrame",
    "TaskManager",
    "TheirFrame",
    "TheirWorker",
    "WorkerParams",
    "theirs",
]

DOWN, UP = FrameDirection.DOWNSTREAM, FrameDirection.UPSTREAM

"""The frame of a reading is registered, so that it may cross; the tick of the reader is not."""

from __future__ import annotations

import pytest

from callboard import JsonCodec, NotCarried
from callboard.actors.frames import FrameMessage
from callboard.examples.sensor.stages import SensorReadingFrame, TickFrame
from tests.transports.codec.carried import identical, round_trip


@pytest.mark.check("M94", "M160")
def test_a_reading_crosses_as_it_is_and_a_tick_is_refused_by_name() -> None:
    reading = FrameMessage(SensorReadingFrame(21.5, 30.0, 7))
    assert identical(round_trip(reading), reading)
    with pytest.raises(NotCarried, match="TickFrame is not registered"):
        JsonCodec().encode(FrameMessage(TickFrame(1.0)))

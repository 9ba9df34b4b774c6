"""Talk about a sensor: `python -m callboard.examples.sensor`; its README tells more."""

from __future__ import annotations

from functools import partial

import click

from callboard import Child
from callboard.actors.llm import LLMActivationArgs
from callboard.examples.sensor.controller import build_sensor_controller
from callboard.examples.sensor.lag import HIGHEST, LOWEST
from callboard.examples.sensor.script import BEGIN, LINES, controller_model, talker_model
from callboard.examples.sensor.talker import CONTROLLER, Talker
from callboard.examples.talking.example import Example
from callboard.examples.talking.options import Talking, talking_options

__all__ = ["sensor_example"]


def sensor_example(
    talking: Talking, *, start: float, target: float, rate: float, noise: float
) -> Example:
    """Return the example: a controller, and who talks about it."""
    controller = partial(
        build_sensor_controller, start, target, rate, noise, talking.model_for(controller_model())
    )
    return Example(
        "Sensor",
        about="A controller reads a sensor once a second, and is asked about it by jobs.",
        first="talker",
        workers=[
            Child(CONTROLLER, controller),
            Child("talker", partial(Talker, talking.model_for(talker_model()))),
        ],
        opening=LLMActivationArgs([{"role": "user", "content": BEGIN}]),
        script=LINES,
    )


@click.command()
@talking_options
@click.option(
    "--start",
    type=click.FloatRange(-50, 150),
    default=18.0,
    show_default=True,
    help="The temperature at the beginning, in degrees.",
)
@click.option(
    "--target",
    type=click.FloatRange(LOWEST, HIGHEST),
    default=21.0,
    show_default=True,
    help="The temperature that it is to have.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    help="The part of the way to the target that it covers each second.",
)
@click.option(
    "--noise",
    type=click.FloatRange(0, 10),
    default=0.05,
    show_default=True,
    help="The standard deviation of a reading, in degrees.",
)
def main(talking: Talking, start: float, target: float, rate: float, noise: float) -> None:
    """Talk about a temperature that a controller reads and steers by itself."""
    talking.run(sensor_example(talking, start=start, target=target, rate=rate, noise=noise))


if __name__ == "__main__":
    main()

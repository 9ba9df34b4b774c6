"""The hand-over with a voice for each worker: the main worker has no stage for speech.

python -m callboard.examples.handoff.voices

The voices are stand-ins: see `voice.py`.
"""

import click

from callboard.examples.handoff.cast import together
from callboard.examples.handoff.front import VoicelessFront
from callboard.examples.talking.options import Talking, talking_options

__all__ = ["VOICES"]

VOICES = {"greeter": "Grace", "support": "Stefan"}


@click.command()
@talking_options
def main(talking: Talking) -> None:
    """Talk to a greeter and a support worker, each of whom has a voice of its own."""
    talking.run(together(talking.model_for, voices=VOICES, main=VoicelessFront))


if __name__ == "__main__":
    main()

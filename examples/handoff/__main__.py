"""Hand-over: a greeter and a support worker share a conversation, and have it one at a time.

python -m callboard.examples.handoff

All workers are on one node. See README.md beside this file.
"""

import click

from callboard.examples.handoff.cast import together
from callboard.examples.talking.options import Talking, talking_options


@click.command()
@talking_options
def main(talking: Talking) -> None:
    """Talk to the greeter of a shop, who hands you over to support when something is wrong."""
    talking.run(together(talking.model_for))


if __name__ == "__main__":
    main()

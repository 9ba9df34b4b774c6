"""`python -m callboard.supervision.cli`: the command line, without the installed script."""

from .verbs import main

main()

"""`python -m assent` is the command `assent`."""

from assent.app.cli import main

main()

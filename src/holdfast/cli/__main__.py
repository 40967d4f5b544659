"""`python -m holdfast.cli`, for machines on which the script is not on the path."""

from holdfast.cli import main

main()

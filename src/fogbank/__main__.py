"""`python -m fogbank`."""

from fogbank.cli import main

main()

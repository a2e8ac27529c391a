"""`python -m warest.cli`: the `warest` command of the interpreter that runs it."""

from warest.cli.main import main

main()

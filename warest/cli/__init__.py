"""The `warest` command, one file for each group of commands."""

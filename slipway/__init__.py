"""The command line: words on the terminal."""

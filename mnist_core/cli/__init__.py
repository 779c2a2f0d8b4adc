"""The command line: one function a command, and what the terminal shows."""

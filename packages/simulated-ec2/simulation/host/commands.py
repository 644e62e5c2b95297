"""Running the system's own tools."""

from __future__ import annotations

import subprocess


class CommandFailed(Exception):
    """Carries what the command said."""


def run(*command: str, check: bool = True, text: str | None = None) -> str:
    """Runs a command to its end and returns its standard output."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout

"""Where the machines' control groups are."""

from __future__ import annotations

import os
from pathlib import Path


def folder_of(name: str) -> Path:
    unified = Path("/sys/fs/cgroup/unified")
    return (unified if unified.exists() else Path("/sys/fs/cgroup")) / name


def remove(folder: Path) -> bool:
    """Whether it is gone: a group with a process in it stays."""
    for inner, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(inner)
        except OSError:
            pass
    return not folder.exists()

"""Where the machines' control groups are, and how much memory they have."""

from __future__ import annotations

import os
from pathlib import Path

_TOP = Path("/sys/fs/cgroup")
#: Version 2: all of it, or beside the hierarchies of version 1.
_UNIFIED = _TOP / "unified" if (_TOP / "unified").exists() else _TOP
#: Version 1 has memory in a hierarchy of its own.
_MEMORY = _TOP / "memory" if (_TOP / "memory").exists() else None


def folder_of(name: str) -> Path:
    return _UNIFIED / name


def make(folder: Path, memory: int) -> list[Path]:
    """What a machine's first process has to be in. `memory`, in bytes, is a limit where this machine can set one."""
    folder.mkdir(parents=True, exist_ok=True)
    counterpart = _counterpart(folder)
    if counterpart:
        counterpart.mkdir(parents=True, exist_ok=True)
        _write(counterpart / "memory.limit_in_bytes", str(memory))
        return [folder, counterpart]
    for parent in (_UNIFIED, folder.parent):
        _write(parent / "cgroup.subtree_control", "+memory")
    _write(folder / "memory.max", str(memory))
    return [folder]


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError:
        # In a container whose own processes are in that group.
        pass


def remove(folder: Path) -> bool:
    """Whether it is gone: a group with a process in it stays."""
    both = [each for each in (folder, _counterpart(folder)) if each]
    for each in both:
        for inner, _, _ in os.walk(each, topdown=False):
            try:
                os.rmdir(inner)
            except OSError:
                pass
    return not any(each.exists() for each in both)


def _counterpart(folder: Path) -> Path | None:
    return _MEMORY / folder.relative_to(_UNIFIED) if _MEMORY else None

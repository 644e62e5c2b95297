"""The lines of /etc/hosts by which this machine finds the registry, between two marks."""

from __future__ import annotations

import fcntl


class HostNames:
    """`names` are addresses by name; `mark` tells this simulation's lines from another's."""

    def __init__(self, mark: str, names: dict[str, str]) -> None:
        self._names = names
        self._begin, self._end = f"# {mark} begin", f"# {mark} end"

    def _write(self, lines: list[str]) -> None:
        # In place: /etc/hosts may be a mount point.
        with open("/etc/hosts", "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            kept, inside = [], False
            for line in file.read().splitlines():
                if line == self._begin:
                    inside = True
                elif line == self._end:
                    inside = False
                elif not inside:
                    kept.append(line)
            file.seek(0)
            file.truncate()
            file.write("\n".join(kept + lines) + "\n")

    def start(self) -> None:
        self._write([self._begin, *(f"{address} {name}" for name, address in self._names.items()), self._end])

    def stop(self) -> None:
        self._write([])

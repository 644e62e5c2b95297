"""EBS volumes: sparse files behind loop devices."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

from .commands import run


class Volumes:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def _file(self, volume_id: str) -> Path:
        return self._folder / volume_id

    def ensure(self, volume_id: str, gibibytes: int) -> None:
        """Makes the file, or grows it. It is sparse: a 100 GiB volume costs what is written to it."""
        path = self._file(volume_id)
        with self._lock:
            path.touch(mode=0o600)
            os.truncate(path, max(path.stat().st_size, gibibytes * 1024**3))
            for device in self._devices(path):
                run("losetup", "--set-capacity", device)

    def open(self, volume_id: str) -> str:
        """The loop device of the volume."""
        path = self._file(volume_id)
        with self._lock:
            devices = self._devices(path)
            return devices[0] if devices else run("losetup", "--find", "--show", str(path)).strip()

    def close(self, volume_id: str) -> None:
        with self._lock:
            for device in self._devices(self._file(volume_id)):
                run("losetup", "--detach", device, check=False)

    def delete(self, volume_id: str) -> None:
        self.close(volume_id)
        self._file(volume_id).unlink(missing_ok=True)

    def stop(self) -> None:
        for path in self._folder.iterdir():
            self.close(path.name)

    @staticmethod
    def _devices(path: Path) -> list[str]:
        return re.findall(r"^(/dev/loop\d+):", run("losetup", "--associated", str(path), check=False), re.MULTILINE)

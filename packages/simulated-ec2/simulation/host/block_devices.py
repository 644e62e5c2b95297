"""What EBS volumes are here: sparse files behind loop devices."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

from .commands import run


class BlockDevices:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def _file(self, volume_id: str) -> Path:
        return self._folder / volume_id

    def grow(self, volume_id: str, gibibytes: int) -> None:
        """Makes the file, or makes it larger. It is sparse: a 100 GiB volume costs what is written to it."""
        path = self._file(volume_id)
        with self._lock:
            path.touch(mode=0o600)
            if path.stat().st_size >= gibibytes * 1024**3:
                return
            os.truncate(path, gibibytes * 1024**3)
            for device in self._devices(path):
                run("losetup", "--set-capacity", device)

    def open(self, volume_id: str, gibibytes: int) -> str:
        """The loop device of the volume."""
        self.grow(volume_id, gibibytes)
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

    def end(self) -> None:
        for path in self._folder.iterdir():
            self.close(path.name)

    @staticmethod
    def _devices(path: Path) -> list[str]:
        return re.findall(r"^(/dev/loop\d+):", run("losetup", "--associated", str(path), check=False), re.MULTILINE)

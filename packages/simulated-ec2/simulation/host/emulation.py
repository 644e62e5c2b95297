"""QEMU for arm64 programs, in the kernel and so in every machine."""

from __future__ import annotations

import os
from pathlib import Path

from .commands import run

BINFMT = Path("/proc/sys/fs/binfmt_misc")
EMULATORS = ("/usr/bin/qemu-aarch64-static", "/usr/bin/qemu-aarch64")
#: ELF, 64 bit, little endian, executable or shared, machine 183 (AArch64).
ARM64_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
ARM64_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


class Emulation:
    """Removed at the end if it was not there before."""

    def __init__(self, name: str) -> None:
        self._entry = BINFMT / name
        self._name = name

    def start(self) -> None:
        self.stop()
        if not (BINFMT / "register").exists():
            run("mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT))
        if (BINFMT / "qemu-aarch64").exists():
            return
        emulator = next((path for path in EMULATORS if os.path.exists(path)), None)
        if emulator is None:
            raise SystemExit("no QEMU for arm64: install qemu-user-static (Debian 13: qemu-user-binfmt)")
        (BINFMT / "register").write_text(f":{self._name}:M::{ARM64_MAGIC}:{ARM64_MASK}:{emulator}:F")

    @staticmethod
    def forget(machine_id: str) -> None:
        """A machine's kernel has ended, and with it what the machine registered: under names with its /etc/machine-id."""
        for entry in BINFMT.glob(f"*{machine_id}*") if machine_id else ():
            entry.write_text("-1")

    def stop(self) -> None:
        if self._entry.exists():
            self._entry.write_text("-1")

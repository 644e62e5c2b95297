"""A machine: a Debian root file system booted by systemd-nspawn."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from . import control_groups
from .commands import run
from .network import Attachment
from ..settings import NAMESERVER_ADDRESS

#: systemd as process 1 takes this signal as "power off": SIGRTMIN+4, the power button of a virtual machine.
POWER_OFF = signal.SIGRTMIN + 4
REBOOT = signal.SIGRTMIN + 5
#: systemd-nspawn's exit status when the machine wants to be booted again.
REBOOTS = 133


class Machine:
    """One per instance; kept over stop and start, because the disk is.

    `on_power_off` is called, on a thread of its own, when the machine is off and has released its root file system.
    """

    def __init__(self, instance_id: str, folder: Path, template: Path, control_group: Path) -> None:
        self.instance_id = instance_id
        self._folder = folder
        self._template = template
        self._control_group = control_group
        self._process: subprocess.Popen[bytes] | None = None
        #: Volume id to the name in the machine, and to the block device outside of it.
        self._devices: dict[str, str] = {}
        self._block_devices: dict[str, str] = {}
        self.console = folder / "console.log"
        self._booted_at = 0.0
        self._memory = 0

    @property
    def _root(self) -> Path:
        return self._folder / "root"

    def power_on(self, at: Attachment, devices: dict[str, str], memory: int, on_power_off: Callable[[], None]) -> None:
        """Boots. `devices` maps volume ids to block devices of this machine; `memory` is in bytes."""
        self._memory = memory
        for name in ("disk", "work", "root"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        layers = f"lowerdir={self._template},upperdir={self._folder / 'disk'},workdir={self._folder / 'work'}"
        run("mount", "-t", "overlay", "overlay", "-o", layers, str(self._root))
        self._furnish(at)
        self._spawn(at)
        threading.Thread(target=self._watch, args=(at, on_power_off), daemon=True).start()
        for volume_id, device in devices.items():
            self.plug(volume_id, device)

    def _spawn(self, at: Attachment) -> None:
        groups = control_groups.make(self._control_group, self._memory)
        self._devices, self._block_devices = {}, {}
        environment = {
            **os.environ,
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes",
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
        }
        console = self.console.open("ab")
        self._booted_at = time.time()
        self._process = subprocess.Popen(
            [
                # The control groups have to be the machine's before the first process of the machine exists.
                "sh",
                "-c",
                'for group in $1; do echo 0 >"$group/cgroup.procs"; done; shift; exec "$@"',
                "sh",
                " ".join(map(str, groups)),
                "systemd-nspawn",
                "--quiet",
                f"--directory={self._root}",
                f"--machine={self.instance_id}",
                "--boot",
                "--register=no",
                "--keep-unit",
                f"--network-namespace-path=/run/netns/{at.namespace}",
                "--capability=all",
                "--system-call-filter=add_key keyctl bpf mount unshare",
                "--console=read-only",
                "--resolv-conf=off",
                "--timezone=off",
                "--link-journal=no",
                # Debian's kernel offers FUSE to everybody; nspawn does not.
                "--bind=/dev/fuse",
            ],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        console.close()
        self._await_leader(self._process)

    def _furnish(self, at: Attachment) -> None:
        """What the hypervisor, DHCP and the image's build leave in a fresh root file system."""
        host_name = "ip-" + at.private_address.replace(".", "-")
        files = {
            "etc/hostname": f"{host_name}\n",
            "etc/hosts": f"127.0.0.1 localhost\n{at.private_address} {host_name}\n",
            "etc/resolv.conf": f"nameserver {NAMESERVER_ADDRESS}\n",
        }
        for name, text in files.items():
            path = self._root / name
            path.unlink(missing_ok=True)
            path.write_text(text)

    def _watch(self, at: Attachment, on_power_off: Callable[[], None]) -> None:
        while self._process and self._process.wait() == REBOOTS:
            devices = self._block_devices
            self._clear_control_group()
            self._spawn(at)
            for volume_id, device in devices.items():
                self.plug(volume_id, device)
        self._clear_control_group()
        self._devices = {}
        # Lazily: a process that looks into the machine from outside must not keep the instance from stopping.
        run("umount", "--lazy", str(self._root), check=False)
        on_power_off()

    def _await_leader(self, process: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + 30
        while time.monotonic() < limit and process.poll() is None:
            leader = self.leader()
            # nspawn's first child is its own until it has become the machine's process 1.
            if leader and _name(leader) == "systemd":
                return
            time.sleep(0.02)

    def seconds_until(self, uptime: float) -> float:
        """Seconds that are left until it has been on for `uptime` seconds."""
        return self._booted_at + uptime - time.time()

    def machine_id(self) -> str:
        """What systemd called it at its first boot; empty before that."""
        try:
            return (self._folder / "disk/etc/machine-id").read_text().strip()
        except OSError:
            return ""

    def leader(self) -> int | None:
        """The machine's process 1 as this process sees it."""
        process = self._process
        if process is None or process.poll() is not None:
            return None
        try:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def plug(self, volume_id: str, device: str) -> None:
        """Makes the block device appear under the names a Nitro instance with Debian's udev rules has for it."""
        leader = self.leader()
        if leader is None or volume_id in self._devices:
            return
        number = 1
        while f"nvme{number}n1" in self._devices.values():
            number += 1
        name = f"nvme{number}n1"
        self._devices[volume_id] = name
        self._block_devices[volume_id] = device
        folder = Path(f"/proc/{leader}/root/dev")
        node = folder / name
        node.unlink(missing_ok=True)
        os.mknod(node, 0o660 | stat.S_IFBLK, os.stat(device).st_rdev)
        by_id = folder / "disk" / "by-id"
        by_id.mkdir(parents=True, exist_ok=True)
        link = by_id / f"nvme-Amazon_Elastic_Block_Store_{volume_id.replace('-', '')}"
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../{name}")

    def unplug(self, volume_id: str) -> None:
        leader = self.leader()
        name = self._devices.pop(volume_id, None)
        self._block_devices.pop(volume_id, None)
        if leader is None or name is None:
            return
        folder = Path(f"/proc/{leader}/root/dev")
        (folder / "disk" / "by-id" / f"nvme-Amazon_Elastic_Block_Store_{volume_id.replace('-', '')}").unlink(missing_ok=True)
        (folder / name).unlink(missing_ok=True)

    def has_mounted(self, device: str) -> bool:
        leader = self.leader()
        if leader is None:
            return False
        number = os.stat(device).st_rdev
        wanted = f"{os.major(number)}:{os.minor(number)}"
        try:
            lines = Path(f"/proc/{leader}/mountinfo").read_text().splitlines()
        except OSError:
            return False
        return any(line.split()[2] == wanted for line in lines)

    def press_power_button(self, patience: float) -> None:
        """Asks the machine to power off, and pulls the plug if it has not after `patience` seconds."""
        process, leader = self._process, self.leader()
        if process is None:
            return
        if leader is not None:
            os.kill(leader, POWER_OFF)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            self.pull_the_plug()

    def reboot(self) -> None:
        leader = self.leader()
        if leader is not None:
            os.kill(leader, REBOOT)

    def pull_the_plug(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        try:
            (self._control_group / "cgroup.kill").write_text("1")
        except OSError:
            leader = self.leader()
            if leader is not None:
                os.kill(leader, signal.SIGKILL)
        process.wait()

    def execute(self, command: str, timeout: float) -> tuple[int, str, str]:
        """Runs a shell command in the machine, for tests."""
        leader = self.leader()
        if leader is None:
            raise RuntimeError(f"{self.instance_id} is not running")
        process = subprocess.Popen(
            ["nsenter", f"--target={leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"]
            + ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        limit = time.monotonic() + timeout
        while True:
            try:
                stdout, stderr = process.communicate(timeout=0.2)
                return process.returncode, stdout, stderr
            except subprocess.TimeoutExpired:
                # A machine that goes down would wait for whoever came in from outside: its namespace ends when it is empty.
                is_going_down = _name(leader) != "systemd"
                if is_going_down or time.monotonic() > limit:
                    process.kill()
                    process.communicate()
                    return 124, "", "the machine went down" if is_going_down else f"no end after {timeout} s"

    def _clear_control_group(self) -> None:
        for _ in range(50):
            if control_groups.remove(self._control_group):
                return
            time.sleep(0.1)

    def delete(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""

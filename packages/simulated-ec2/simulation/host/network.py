"""The network: one namespace is the router, one more for each machine, and a cable to this machine's own namespace.

Everything is inside private mount and process namespaces (see sim.sh), so the kernel removes it with the last process.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .commands import run
from ..settings import METADATA_ADDRESS, NAMESERVER_ADDRESS, Settings

T = TypeVar("T")
CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Rule:
    """One line of a security group. `protocol` is "-1" for all."""

    protocol: str
    from_port: int | None
    to_port: int | None
    cidr: str


@dataclass(frozen=True)
class Attachment:
    """Where a machine is plugged in."""

    instance_id: str
    private_address: str
    #: The subnet's range.
    subnet: str
    public_address: str | None

    @property
    def cable(self) -> str:
        return f"m{self.instance_id[-12:]}"

    @property
    def namespace(self) -> str:
        return self.instance_id

    @property
    def gateway(self) -> str:
        return str(ipaddress.ip_network(self.subnet)[1])


class Network:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._router = settings.name
        self._lock = threading.RLock()

    def start(self) -> None:
        settings, router = self._settings, self._router
        run("ip", "link", "delete", router, check=False)
        addresses = (
            settings.api_address,
            settings.registry_address,
            settings.downloads_address,
            settings.archives_address,
        )
        _ip(
            f"netns add {router}",
            f"link add {router} type veth peer name uplink netns {router}",
            *(f"address add {address}/24 dev {router}" for address in addresses),
            f"link set {router} up",
            f"route add {settings.network} via {settings.router_address}",
        )
        _ip(
            "link set lo up",
            f"address add {METADATA_ADDRESS}/32 dev lo",
            f"address add {NAMESERVER_ADDRESS}/32 dev lo",
            f"address add {settings.router_address}/24 dev uplink",
            "link set uplink up",
            namespace=router,
        )
        self._in_router("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        # Nothing leaves the simulation: machines reach its services and each other, and that is all there is.
        self._filter(":FORWARD DROP [0:0]", "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT")

    def stop(self) -> None:
        run("ip", "link", "delete", self._router, check=False)
        run("ip", "netns", "delete", self._router, check=False)

    def plug_in(self, at: Attachment, ingress: list[Rule], egress: list[Rule]) -> None:
        """Makes the machine's namespace with its interface `ens5` and forwards its public address to it."""
        with self._lock:
            _ip(
                f"netns add {at.namespace}",
                f"link add {at.cable} netns {self._router} type veth peer name ens5 netns {at.namespace}",
            )
            _ip(
                f"address add {at.gateway}/32 dev {at.cable}",
                f"link set {at.cable} up",
                f"route add {at.private_address}/32 dev {at.cable}",
                namespace=self._router,
            )
            self._in_router("sysctl", "-qw", f"net.ipv4.conf.{at.cable}.proxy_arp=1")
            _ip(
                "link set lo up",
                f"address add {at.private_address}/{ipaddress.ip_network(at.subnet).prefixlen} dev ens5",
                "link set ens5 up",
                f"route add default via {at.gateway}",
                namespace=at.namespace,
            )
            forward = [f"-A FORWARD {jump}" for jump in _jumps(at)]
            self._filter(*_chains(at, ingress, egress), *forward, nat=[f"-A {rule}" for rule in _translations(at)])

    def set_rules(self, at: Attachment, ingress: list[Rule], egress: list[Rule]) -> None:
        """Puts the security groups' rules in force, all at once. New connections only, as everything else is established."""
        with self._lock:
            self._filter(*_chains(at, ingress, egress))

    def unplug(self, at: Attachment) -> None:
        with self._lock:
            chains = [f"-{how} {at.cable}-{direction}" for how in "FX" for direction in ("in", "out")]
            forward = [f"-D FORWARD {jump}" for jump in _jumps(at)]
            self._filter(*forward, *chains, nat=[f"-D {rule}" for rule in _translations(at)], check=False)
            run("ip", "-n", self._router, "link", "delete", at.cable, check=False)
            run("ip", "netns", "delete", at.namespace, check=False)

    def socket_in_router(self, kind: socket.SocketKind, address: str, port: int) -> socket.socket:
        """A listening socket in the router's namespace, usable from any thread of this process."""

        def make() -> socket.socket:
            made = socket.socket(socket.AF_INET, kind)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
            if kind == socket.SOCK_STREAM:
                made.listen(128)
            return made

        return _in_namespace(self._router, make)

    def _in_router(self, *command: str, text: str | None = None, check: bool = True) -> str:
        return run("ip", "netns", "exec", self._router, *command, text=text, check=check)

    def _filter(self, *lines: str, nat: list[str] | None = None, check: bool = True) -> None:
        """Changes the router's packet filter: all of it, or nothing."""
        tables = {"filter": lines, "nat": nat or []}
        text = "".join(f"*{table}\n" + "".join(f"{line}\n" for line in changes) + "COMMIT\n" for table, changes in tables.items())
        self._in_router("iptables-restore", "--wait", "--noflush", text=text, check=check)


def _ip(*lines: str, namespace: str | None = None) -> None:
    """Runs lines of the command `ip`, in one process: a machine has a dozen of them."""
    run("ip", *(("-n", namespace) if namespace else ()), "-batch", "-", text="\n".join(lines) + "\n")


def _jumps(at: Attachment) -> list[str]:
    return [f"-i {at.cable} -j {at.cable}-out", f"-o {at.cable} -j {at.cable}-in"]


def _translations(at: Attachment) -> list[str]:
    """Between a machine's public address, if it has one, and its private one."""
    if not at.public_address:
        return []
    return [
        f"PREROUTING -d {at.public_address} -j DNAT --to-destination {at.private_address}",
        f"POSTROUTING -s {at.private_address} -o uplink -j SNAT --to-source {at.public_address}",
    ]


def _chains(at: Attachment, ingress: list[Rule], egress: list[Rule]) -> list[str]:
    """A chain for each direction. Leaving a machine is not yet arriving at another: only its own inward chain lets a packet in."""
    inward, outward = f"{at.cable}-in", f"{at.cable}-out"
    lines = [f":{inward} - [0:0]", f":{outward} - [0:0]"]
    lines += [f"-A {inward} -s {_match(rule)} -j ACCEPT" for rule in ingress if _is_ipv4(rule)]
    for rule in filter(_is_ipv4, egress):
        lines += [f"-A {outward} -d {_match(rule)} -o uplink -j ACCEPT", f"-A {outward} -d {_match(rule)} -j RETURN"]
    return [*lines, f"-A {inward} -j DROP", f"-A {outward} -j DROP"]


def _is_ipv4(rule: Rule) -> bool:
    return ":" not in rule.cidr


def _match(rule: Rule) -> str:
    if rule.protocol == "-1":
        return rule.cidr
    ports = f" --dport {rule.from_port}:{rule.to_port}" if rule.from_port is not None and rule.protocol in ("tcp", "udp", "6", "17") else ""
    return f"{rule.cidr} -p {rule.protocol}{ports}"


def _in_namespace(name: str, work: Callable[[], T]) -> T:
    """Runs `work` on a thread of its own that has entered the namespace: a namespace is a property of a thread."""
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/run/netns/{name}", "rb") as handle:
                if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]

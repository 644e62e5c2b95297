"""The network: one namespace is the router, one more for each machine, and a cable to this machine's own namespace.

Everything is inside private mount and process namespaces (see ../sim.sh), so the kernel removes it with the last process.
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
from .settings import METADATA_ADDRESS, NAMESERVER_ADDRESS, Settings

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
        run("ip", "netns", "add", router)
        run("ip", "link", "add", router, "type", "veth", "peer", "name", "uplink", "netns", router)
        for address in (settings.api_address, settings.registry_address, settings.downloads_address):
            run("ip", "address", "add", f"{address}/24", "dev", router)
        run("ip", "link", "set", router, "up")
        run("ip", "route", "add", settings.network, "via", settings.router_address)
        self._in_router("ip", "link", "set", "lo", "up")
        self._in_router("ip", "address", "add", f"{METADATA_ADDRESS}/32", "dev", "lo")
        self._in_router("ip", "address", "add", f"{NAMESERVER_ADDRESS}/32", "dev", "lo")
        self._in_router("ip", "address", "add", f"{settings.router_address}/24", "dev", "uplink")
        self._in_router("ip", "link", "set", "uplink", "up")
        for key in ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"):
            self._in_router("sysctl", "-qw", key)
        # Nothing leaves the simulation: machines reach its services and each other, and that is all there is.
        self._in_router("iptables", "-w", "-P", "FORWARD", "DROP")
        self._in_router("iptables", "-w", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "ESTABLISHED", "-j", "ACCEPT")

    def stop(self) -> None:
        run("ip", "link", "delete", self._router, check=False)
        run("ip", "netns", "delete", self._router, check=False)

    def plug_in(self, at: Attachment, ingress: list[Rule], egress: list[Rule]) -> None:
        """Makes the machine's namespace with its interface `ens5` and forwards its public address to it."""
        with self._lock:
            run("ip", "netns", "add", at.namespace)
            run("ip", "link", "add", at.cable, "netns", self._router, "type", "veth", "peer", "name", "ens5", "netns", at.namespace)
            self._in_router("ip", "address", "add", f"{at.gateway}/32", "dev", at.cable)
            self._in_router("ip", "link", "set", at.cable, "up")
            self._in_router("sysctl", "-qw", f"net.ipv4.conf.{at.cable}.proxy_arp=1")
            self._in_router("ip", "route", "add", f"{at.private_address}/32", "dev", at.cable)
            prefix = ipaddress.ip_network(at.subnet).prefixlen
            inside = ("ip", "-n", at.namespace)
            run(*inside, "link", "set", "lo", "up")
            run(*inside, "address", "add", f"{at.private_address}/{prefix}", "dev", "ens5")
            run(*inside, "link", "set", "ens5", "up")
            run(*inside, "route", "add", "default", "via", at.gateway)
            for direction in ("in", "out"):
                self._in_router("iptables", "-w", "-N", f"{at.cable}-{direction}")
            self._in_router("iptables", "-w", "-A", "FORWARD", "-i", at.cable, "-j", f"{at.cable}-out")
            self._in_router("iptables", "-w", "-A", "FORWARD", "-o", at.cable, "-j", f"{at.cable}-in")
            if at.public_address:
                self._translate(at, "-A")
            self.set_rules(at, ingress, egress)

    def _translate(self, at: Attachment, how: str) -> None:
        nat = ("iptables", "-w", "-t", "nat", how)
        public, private = at.public_address or "", at.private_address
        self._in_router(*nat, "PREROUTING", "-d", public, "-j", "DNAT", "--to-destination", private, check=how == "-A")
        self._in_router(*nat, "POSTROUTING", "-s", private, "-o", "uplink", "-j", "SNAT", "--to-source", public, check=how == "-A")

    def set_rules(self, at: Attachment, ingress: list[Rule], egress: list[Rule]) -> None:
        """Puts the security groups' rules in force. New connections only, as everything else is established."""
        with self._lock:
            for chain, rules, flag in ((f"{at.cable}-in", ingress, "-s"), (f"{at.cable}-out", egress, "-d")):
                self._in_router("iptables", "-w", "-F", chain)
                for rule in rules:
                    if ":" in rule.cidr:
                        continue
                    words = [flag, rule.cidr]
                    if rule.protocol in ("tcp", "udp", "6", "17"):
                        words += ["-p", rule.protocol]
                        if rule.from_port is not None:
                            words += ["--dport", f"{rule.from_port}:{rule.to_port}"]
                    elif rule.protocol != "-1":
                        words += ["-p", rule.protocol]
                    # Leaving a machine is not yet arriving at another: only its own inward chain lets a packet in.
                    if flag == "-d":
                        self._in_router("iptables", "-w", "-A", chain, *words, "-o", "uplink", "-j", "ACCEPT")
                        self._in_router("iptables", "-w", "-A", chain, *words, "-j", "RETURN")
                    else:
                        self._in_router("iptables", "-w", "-A", chain, *words, "-j", "ACCEPT")
                self._in_router("iptables", "-w", "-A", chain, "-j", "DROP")

    def unplug(self, at: Attachment) -> None:
        with self._lock:
            if at.public_address:
                self._translate(at, "-D")
            self._in_router("iptables", "-w", "-D", "FORWARD", "-i", at.cable, "-j", f"{at.cable}-out", check=False)
            self._in_router("iptables", "-w", "-D", "FORWARD", "-o", at.cable, "-j", f"{at.cable}-in", check=False)
            for direction in ("in", "out"):
                self._in_router("iptables", "-w", "-F", f"{at.cable}-{direction}", check=False)
                self._in_router("iptables", "-w", "-X", f"{at.cable}-{direction}", check=False)
            self._in_router("ip", "link", "delete", at.cable, check=False)
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

    def _in_router(self, *command: str, check: bool = True) -> str:
        return run("ip", "netns", "exec", self._router, *command, check=check)


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

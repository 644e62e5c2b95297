"""A name server that knows the simulation's services under the names the real ones have, and nothing else."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable


class Nameserver:
    """Answers A questions from `resolve`; AAAA exists but is empty; every other name does not exist."""

    def __init__(self, listener: socket.socket, resolve: Callable[[str], str | None]) -> None:
        self._socket = listener
        self._resolve = resolve
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                question, sender = self._socket.recvfrom(1500)
            except OSError:
                return
            try:
                self._socket.sendto(self._answer(question), sender)
            except (OSError, ValueError, IndexError, struct.error):
                continue

    def _answer(self, message: bytes) -> bytes:
        identity, flags = struct.unpack("!HH", message[:4])
        labels: list[str] = []
        at = 12
        while message[at]:
            length = message[at]
            labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
        end = at + 5
        (kind,) = struct.unpack("!H", message[at + 1 : at + 3])
        address = self._resolve(".".join(labels).lower())
        # Response, authoritative, recursion available; "no such name" where there is none.
        answer_flags = 0x8480 | (flags & 0x0100) | (0 if address else 3)
        records = b""
        if address and kind == 1:
            records = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + socket.inet_aton(address)
        return struct.pack("!HHHHHH", identity, answer_flags, 1, 1 if records else 0, 0, 0) + message[12:end] + records

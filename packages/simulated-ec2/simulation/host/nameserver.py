"""A name server that knows the simulation's services under the names that the real services have, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from dnslib import QTYPE, RCODE, RR, A, DNSError, DNSRecord


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
            except (OSError, DNSError):
                continue

    def _answer(self, message: bytes) -> bytes:
        question = DNSRecord.parse(message)
        name = question.q.qname
        address = self._resolve(str(name).rstrip(".").lower())
        answer = question.reply(ra=1, aa=1)
        if address is None:
            answer.header.rcode = RCODE.NXDOMAIN
        elif question.q.qtype == QTYPE.A:
            answer.add_answer(RR(name, QTYPE.A, ttl=5, rdata=A(address)))
        return bytes(answer.pack())

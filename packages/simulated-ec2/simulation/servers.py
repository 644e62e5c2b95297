"""Serves WSGI applications, with TLS or without."""

from __future__ import annotations

import ssl
import threading
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server


def serve(address: str, port: int, application: Any, context: ssl.SSLContext | None = None) -> None:
    """On threads of its own, until the process ends."""
    server = make_server(address, port, application, threaded=True, request_handler=MotoRequestHandler)
    if context:
        # The handshake happens on the connection's own thread: a client that never speaks holds up nobody.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.ssl_context = context
    threading.Thread(target=server.serve_forever, daemon=True).start()

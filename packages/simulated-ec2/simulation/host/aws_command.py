"""
The AWS command line of a simulation: the installed one, but in memory already, since its import takes longer than most calls.

`aws` sends its words, environment, folder and open files, and gets an exit status (aws_client.py). A fork of this process does
the rest.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any

# The number under which a fork has its caller's HOME open: awscli makes paths of that variable while it is imported.
HOME = 100


class AwsCommand:
    """`folder`/bin gets a program `aws`, `clients` has the installed one."""

    def __init__(self, folder: Path, clients: Path) -> None:
        self._folder = folder
        self.programs = folder / "bin"
        self._clients = clients
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.programs.mkdir(parents=True)
        program = self.programs / "aws"
        source = Path(__file__).with_name("aws_client.py").read_text()
        program.write_text(f"#!{sys.executable} -IS\n{source}")
        program.chmod(0o755)
        (self._folder / "installed").symlink_to(self._clients / "aws")
        self._process = subprocess.Popen([sys.executable, "-m", __name__, self._folder], stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()


def serve(folder: Path) -> None:
    """Until this process is ended."""
    os.environ["HOME"] = f"/proc/self/fd/{HOME}"
    import awscli.clidriver
    from awscli.botocore.loaders import JSONFileLoader

    # What describes the services that the tests call.
    JSONFileLoader.load_file = cache(JSONFileLoader.load_file)
    for service in ("ec2", "ssm", "sts", "ecr"):
        awscli.clidriver.create_clidriver().session.create_client(
            service, region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none"
        )
    # What lives for one call has little to collect, and would copy all memory that it shares to look.
    gc.disable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # By whoever is in the same network: in another the same words mean something else.
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / str(os.stat("/proc/self/ns/net").st_ino)))
    listener.listen(64)
    while True:
        connection = listener.accept()[0]
        if os.fork() == 0:
            listener.close()
            os._exit(answer(connection, awscli.clidriver.main))
        connection.close()


def answer(connection: socket.socket, main: Any) -> int:
    """Does what a client asked for, in a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 1
    try:
        header, files, *_ = socket.recv_fds(connection, 8, 4)
        (size,) = struct.unpack("!Q", header)
        request = json.loads(connection.makefile("rb").read(size))
        for file, number in zip(files, (0, 1, 2, HOME)):
            os.dup2(file, number)
            os.close(file)
        os.chdir(request["folder"])
        os.umask(request["umask"])
        # Set by awscli itself, when it is imported.
        data = os.environ["AWS_DATA_PATH"]
        os.environ.clear()
        os.environ.update(request["environment"], AWS_DATA_PATH=data)
        sys.argv = request["words"]
        threading.Thread(target=end_with, args=[connection], daemon=True).start()
        status = main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([status]))
    return status


def end_with(connection: socket.socket) -> None:
    """A client that was ended is at the other side no more."""
    connection.recv(1)
    os._exit(1)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

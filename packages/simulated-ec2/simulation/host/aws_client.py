"""
`aws`, by the simulation's process (aws_command.py). Where that cannot be reached, as by other users or from another network, or
there is no home, by the installed program.
"""

import json
import os
import socket
import struct
import sys

folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
installed = os.path.join(folder, "installed")
umask = os.umask(0)
os.umask(umask)
request = json.dumps({
    "words": [installed, *sys.argv[1:]],
    "environment": dict(os.environ),
    "folder": os.getcwd(),
    "umask": umask,
}).encode(errors="surrogateescape")
simulation = socket.socket(socket.AF_UNIX)
try:
    home = os.open(os.path.expanduser("~"), os.O_PATH)
    simulation.connect(os.path.join(folder, str(os.stat("/proc/self/ns/net").st_ino)))
    socket.send_fds(simulation, [struct.pack("!Q", len(request))], [0, 1, 2, home])
except OSError:
    os.execv(installed, [installed, *sys.argv[1:]])
simulation.sendall(request)
status = simulation.recv(1)
sys.exit(status[0] if status else 1)

"""Runs the simulation until it is told to stop. Started by sim.sh, in namespaces of its own."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

# Before moto is imported: it reads these once.
os.environ.setdefault("MOTO_ENABLE_AMI_VALIDATION", "true")
os.environ.setdefault("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "true")
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")

from .settings import DOMAIN, Settings  # noqa: E402
from .simulation import Prepared, Simulation  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description="A simulated EC2 account (test equipment)")
    parser.add_argument("--slot", type=int, required=True)
    for folder in ("state", "cache", "template", "clients"):
        parser.add_argument(f"--{folder}", type=Path, required=True)
    given = parser.parse_args()
    settings = Settings(slot=given.slot, state=given.state)
    settings.state.mkdir(parents=True, exist_ok=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())

    simulation = Simulation(settings, Prepared(given.cache, given.template, given.clients), stopping.set)
    try:
        simulation.start()
        print(f"simulated EC2 of {DOMAIN}, slot {settings.slot}: {settings.endpoint}", file=sys.stderr, flush=True)
        stopping.wait()
    finally:
        simulation.stop()
    # Reached only by being told to stop: what failed leaves its log behind.
    shutil.rmtree(settings.state, ignore_errors=True)


if __name__ == "__main__":
    main()

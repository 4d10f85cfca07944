"""DPDK's test program, receiving through AF_XDP."""

import contextlib
import re
import shutil
import time

from .contender import Contender, Outcome
from .lab import FILTERED
from .process import MeasurementError

PROGRAM = "dpdk-testpmd"


class Testpmd(Contender):
    """Receives and drops: what DPDK's AF_XDP driver takes a packet, without any filtering."""

    def __init__(self, name, cpus):
        missing = None
        if shutil.which(PROGRAM) is None:
            missing = "DPDK is not installed: tools/install-deps bench"
        super().__init__(name, [
            "stdbuf", "--output=L", PROGRAM, "-l", f"{cpus.generator},{cpus.worker}",
            "--main-lcore", cpus.generator, "--no-huge", "-m", "256", "--no-shconf", "--no-pci",
            "--no-telemetry",
            "--vdev", f"net_af_xdp0,iface={FILTERED}", "--",
            "--interactive", "--forward-mode=rxonly", "--total-num-mbufs=16384"], missing)

    @contextlib.contextmanager
    def running(self, lab):
        with lab.start("fw", self.name, self.command) as process:
            process.say("start")
            process.wait_until_ready("packet forwarding")
            yield process

    def sample(self, _, process):
        before = time.monotonic()
        line = process.answer("show port stats 0", "RX-packets:")
        found = re.search(r"RX-packets:\s*(\d+)", line)
        if found is None:
            raise MeasurementError(f"{self.name} says nothing of its packets: {line}")
        return (before + time.monotonic()) / 2, int(found[1])

    def finish(self, _, process):
        process.say("quit")
        process.close_input()
        return Outcome()

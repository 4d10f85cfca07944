"""Packets by afxfw-pktgen."""

import json
import signal

from .afxfw import BUILD
from .process import Process

PKTGEN = BUILD / "tools" / "pktgen" / "afxfw-pktgen"


def _command(host, options):
    command = ["nsenter", f"--net={host.namespace_path}", "--", PKTGEN, "--iface", host.interface,
               "--json"]
    for name, value in options.items():
        if value is not None:
            command += ["--" + name.replace("_", "-")] + ([value] if value is not True else [])
    return command


class Pktgen(Process):
    """Sends packets out of the host's interface while the test goes on.

    Options are those of afxfw-pktgen, with _ for -: Pktgen(gen, dst_mac=fw.mac, dst="198.18.0.1",
    proto="udp", dport=53, count=1000). True stands for an option without a value, None for one
    that is left out.
    """

    def __init__(self, host, **options):
        super().__init__(_command(host, options))

    def report(self, timeout_s=60):
        """What it reports once it has sent all."""
        code = self.wait(timeout_s)
        assert code == 0, f"exit code {code}: {self}"
        return json.loads("".join(self.stdout_lines))

    def finish(self):
        """Stops it; returns its report, of what it has sent until then."""
        self.send(signal.SIGINT)
        return self.report()


class PktgenReceiver(Pktgen):
    """Takes stamped packets from the host's interface; ready once it is there."""

    def __init__(self, host, **options):
        super().__init__(host, receive=True, **options)
        try:
            self.wait_for_line("receiving on")
        except BaseException:
            self.kill()
            raise


def pktgen(host, *, timeout_s=60, **options):
    """Sends packets and waits for the end; returns the report."""
    with Pktgen(host, **options) as process:
        return process.report(timeout_s)

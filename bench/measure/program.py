"""XDP programs by themselves: what the kernel says of one that it runs over and over on one packet,
without an interface, a driver or a generator in the time."""

import ipaddress
import re
import struct
import tempfile
from dataclasses import dataclass, field

from .comparison import compare_all, spread
from .contender import Selectable
from .lab import Lab
from .process import MeasurementError
from .runs import in_turns
from .traffic import DESTINATIONS, FCS_BYTES, FIRST_PORT

REPEAT = 1_000_000  # the kernel gives whole nanoseconds a run
ETHERNET_HEADER_BYTES, IPV4_HEADER_BYTES = 14, 20
MACS = bytes.fromhex("020000000001" "020000000002")
DROPPED = 1  # XDP_DROP
TIMES = 20


def udp_packet(traffic):
    """One of those that `traffic` has, which is IPv4 UDP; the checksums are left out, since nothing
    here looks at them."""
    length = traffic.wire_bytes - FCS_BYTES - ETHERNET_HEADER_BYTES
    source, destination = traffic.sources[7], ipaddress.ip_address(DESTINATIONS[4])
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 0, 0, 64, 17, 0, source.packed,
                     destination.packed)
    udp = struct.pack("!HHHH", FIRST_PORT, traffic.port, length - IPV4_HEADER_BYTES, 0)
    return (MACS + struct.pack("!H", 0x0800) + ip + udp).ljust(
        traffic.wire_bytes - FCS_BYTES, b"\0")


@dataclass
class ProgramTime(Selectable):
    """The time of one run of each contender's XDP program, which must drop the packet."""
    key: str
    title: str
    traffic: object
    contenders: list
    targets: list = field(default_factory=list)

    def run(self, bench, schedule):
        """Returns the result as JSON. Raises MeasurementError."""
        contenders, skipped = self.here()
        rounds = {contender.name: [] for contender in contenders}
        with Lab(bench.lab_tool, bench.lab_prefix) as lab, tempfile.NamedTemporaryFile() as packet:
            packet.write(udp_packet(self.traffic))
            packet.flush()
            for number, contender in in_turns(schedule.rounds, contenders):
                with contender.running(lab) as process:
                    run_ns = self._run_ns(lab, contender, packet.name, bench.cpus.worker)
                    contender.finish(lab, process)
                rounds[contender.name].append({"run_ns": run_ns})
                bench.progress(f"{self.key}, round {number + 1} of {schedule.rounds}: "
                               f"{contender.name} {run_ns:.1f} ns")
        return {
            "kind": "program", "key": self.key, "title": self.title,
            "traffic": {"title": self.traffic.title, **self.traffic.as_json()},
            "contenders": [{"name": contender.name,
                            "run_ns": spread(run["run_ns"] for run in rounds[contender.name]),
                            "rounds": rounds[contender.name]} for contender in contenders],
            "skipped": skipped,
            "comparisons": compare_all(self.targets, rounds),
            "schedule": schedule._asdict(),
        }

    @staticmethod
    def _run_ns(lab, contender, packet, cpu):
        program = lab.filtered_link()["xdp"]["prog"]["id"]
        times = []
        for _ in range(TIMES):
            said = lab.run("fw", "taskset", "--cpu-list", cpu, "bpftool", "prog", "run", "id",
                           program, "data_in", packet, "data_out", "/dev/null",
                           "repeat", REPEAT)
            action, duration = map(int, re.findall(r": (\d+)", said)[:2])
            if action != DROPPED:
                raise MeasurementError(f"{contender.name}: its XDP program returned {action} "
                                       f"instead of dropping the packet")
            times.append(duration)
        return sum(times) / len(times)

"""The pair lab of tools/lab, and programs that run in its hosts."""

import json
import os
import subprocess
import time

from .process import MeasurementError, Process

FILTERED = "eth0"  # the interface to filter, in host fw
MESSAGE_WIDTH = 200  # nft shows the line that it dislikes, which may hold a whole set
SENDING = "gen0"  # its peer, in host gen
# Of those who started us; we ourselves may have fewer (setting.prepared).
CPUS = sorted(os.sched_getaffinity(0))


class Lab:
    """Hosts gen and fw on one veth. A context manager: up within the block."""

    def __init__(self, tool, prefix, queues=1):
        self._tool = tool
        self._prefix = prefix
        self._queues = queues

    def __enter__(self):
        try:
            self._call("up", "--topology", "pair", "--queues", str(self._queues))
        except MeasurementError:
            raise  # it has cleaned up after itself, or the lab is somebody else's
        except BaseException:
            self._call("down")  # we were interrupted
            raise
        return self

    def __exit__(self, *_):
        self._call("down")

    def command(self, host, command):
        """`command` as one that runs in a host; it takes the place of nsenter, keeping the pid."""
        return ["nsenter", f"--net=/run/netns/{self._prefix}-{host}", "--", *map(str, command)]

    def start(self, host, name, command):
        """A program that chooses among all CPUs."""
        cpus = ",".join(map(str, CPUS))
        return Process(name, ["taskset", "--cpu-list", cpus, *self.command(host, command)])

    def run(self, host, *command, text_input=None, timeout_seconds=120):
        """Runs to the end and returns standard output."""
        try:
            done = subprocess.run(self.command(host, command), input=text_input, text=True,
                                  capture_output=True, timeout=timeout_seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise MeasurementError(f"{' '.join(map(str, command))}: did not end within "
                                   f"{timeout_seconds} s") from error
        if done.returncode != 0:
            said = "\n".join(line[:MESSAGE_WIDTH] for line in done.stderr.strip().splitlines())
            raise MeasurementError(f"{' '.join(map(str, command))}: {said}")
        return done.stdout

    def interface_packets(self):
        """As below, without a process in fw. The time is between the start and the end of a program
        that reads it: off by some milliseconds at most."""
        before = time.monotonic()
        packets = packets_in(self.run("fw", "cat", "/proc/net/dev"))
        return (before + time.monotonic()) / 2, packets

    def filtered_link(self):
        """What ip says of the interface."""
        return json.loads(self.run("fw", "ip", "-j", "link", "show", FILTERED))[0]

    def filtered_mac(self):
        return self.filtered_link()["address"]

    def _call(self, *arguments):
        environment = dict(os.environ, AFXFW_LAB_PREFIX=self._prefix)
        done = subprocess.run([self._tool, *arguments], env=environment, text=True,
                              capture_output=True, process_group=0)
        if done.returncode != 0:
            raise MeasurementError(
                f"{done.stderr.strip()}\n(of this lab: with AFXFW_LAB_PREFIX={self._prefix} "
                "in the environment)")


def interface_packets(pid):
    """Packets that the filtered interface has received, in the network namespace of process
    `pid`, those that XDP took included: (time in seconds, packets)."""
    try:
        with open(f"/proc/{pid}/net/dev", encoding="ascii") as devices:
            now = time.monotonic()
            return now, packets_in(devices.read())
    except OSError as error:  # the process has ended
        raise MeasurementError(f"cannot read packet counters: {error}") from error


def packets_in(devices):
    """devices: what /proc/net/dev says."""
    for line in devices.splitlines():
        name, _, counters = line.partition(":")
        if name.strip() == FILTERED:
            return int(counters.split()[1])
    raise MeasurementError(f"there is no {FILTERED} in the lab any more")

"""The pair lab of tools/lab, and programs that run in its hosts."""

import json
import os
import signal
import subprocess
import threading
import time

START_SECONDS = 20  # a blocklist of any size we use is read in less
STOP_SECONDS = 15  # afxfw waits up to 2 s for packets in flight
FILTERED = "eth0"  # the interface to filter, in host fw
SENDING = "gen0"  # its peer, in host gen


class MeasurementError(Exception):
    """The measurement could not be made; the text is for the user."""


class Process:
    """A program that runs beside this one until it is stopped. Use as a context manager: it is
    gone when the block ends, whatever happens."""

    def __init__(self, name, command):
        self.name = name
        # A process group of its own: Ctrl-C reaches us only, and we end it in order.
        self._popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, process_group=0)
        self._changed = threading.Condition()
        self._output, self._messages = [], []
        self._open_streams = 2
        for stream, lines in ((self._popen.stdout, self._output),
                              (self._popen.stderr, self._messages)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()

    @property
    def pid(self):
        return self._popen.pid

    @property
    def output(self):
        """The lines of standard output so far."""
        with self._changed:
            return list(self._output)

    def wait_until_ready(self):
        """Until a line on stderr says "ready"."""
        self._wait(lambda: any("ready" in line for line in self._messages), START_SECONDS)

    def next_line(self, timeout_seconds=5):
        """The next line of standard output that is printed after this call."""
        with self._changed:
            seen = len(self._output)
        self._wait(lambda: len(self._output) > seen, timeout_seconds)
        return self.output[seen]

    def interrupt(self):
        """Stops it as Ctrl-C would, and waits. Returns its last line of standard output."""
        self._popen.send_signal(signal.SIGINT)
        return self._finish()

    def close_input(self):
        """Tells it to stop by closing its standard input, and waits."""
        self._popen.stdin.close()
        self._finish()

    def _finish(self):
        try:
            code = self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._fail(f"did not stop within {STOP_SECONDS} s")
        if code != 0:
            self._fail(f"ended with exit code {code}")
        with self._changed:
            self._changed.wait_for(lambda: self._open_streams == 0, STOP_SECONDS)
        return self._output[-1] if self._output else ""

    def _read(self, stream, lines):
        for line in stream:
            with self._changed:
                lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._open_streams -= 1
            self._changed.notify_all()

    def _wait(self, condition, timeout_seconds):
        with self._changed:
            self._changed.wait_for(lambda: condition() or self._open_streams < 2, timeout_seconds)
            if condition():
                return
        code = self._popen.poll()
        self._fail(f"ended with exit code {code}" if code is not None else
                   f"did nothing for {timeout_seconds} s")

    def _fail(self, what):
        with self._changed:
            said = "\n".join(self._messages[-20:])
        raise MeasurementError(f"{self.name} {what}" + (f"; it said:\n{said}" if said else ""))


class Lab:
    """Hosts gen and fw on one veth with one queue. A context manager: up within the block."""

    def __init__(self, tool, prefix):
        self._tool = tool
        self._prefix = prefix

    def __enter__(self):
        try:
            self._call("up", "--topology", "pair", "--queues", "1")
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
        return Process(name, self.command(host, command))

    def run(self, host, *command, text_input=None):
        """Runs to the end and returns standard output."""
        done = subprocess.run(self.command(host, command), input=text_input, text=True,
                              capture_output=True)
        if done.returncode != 0:
            raise MeasurementError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
        return done.stdout

    def filtered_mac(self):
        return json.loads(self.run("fw", "ip", "-j", "link", "show", FILTERED))[0]["address"]

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
            lines = devices.readlines()
    except OSError as error:  # the process has ended
        raise MeasurementError(f"cannot read packet counters: {error}") from error
    for line in lines:
        name, _, counters = line.partition(":")
        if name.strip() == FILTERED:
            return now, int(counters.split()[1])
    raise MeasurementError(f"there is no {FILTERED} in the lab any more")


CPU_STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def cpu_times(cpus):
    """What each of `cpus` has spent in each state, in clock ticks: {cpu: {state: ticks}}."""
    times = {}
    with open("/proc/stat", encoding="ascii") as stat:
        for line in stat:
            name, *ticks = line.split()
            if name in (f"cpu{cpu}" for cpu in cpus):
                times[int(name[3:])] = dict(zip(CPU_STATES, map(int, ticks)))
    return times

"""afxfw itself: started in a host, watched through its JSON, stopped."""

import contextlib
import json
import operator
import os
import signal
from pathlib import Path

from .lab import ROOT
from .process import Process
from .wait import wait_until

BUILD = Path(os.environ.get("AFXFW_BUILD", ROOT / "build"))
AFXFW = BUILD / "src" / "app" / "afxfw"
LOCKS = Path("/run/afxfw")
STATS_INTERVAL_S = 0.1
# So many packets fit the rings of one queue: a test that sends no more to it loses none, however
# long a busy machine keeps the worker from running.
RING_PACKETS = 32768
LARGE_RINGS = ("--ring-size", RING_PACKETS, "--frames", 65600)
READY = r"\bready\b"


class Afxfw(Process):
    """A running afxfw; `options` are added to --iface and those that make it print JSON.

    What the JSON holds is in "The control interface" of the documentation.
    """

    shown_stdout_lines = 1  # the newest statistics

    def __init__(self, host, *options, program=AFXFW, interval_s=STATS_INTERVAL_S):
        command = [program, "--iface", host.interface, "--json", "--stats-interval", interval_s,
                   *options]
        super().__init__(["nsenter", f"--net={host.namespace_path}", "--", *command])

    def wait_ready(self, timeout_s=20.0):
        """Until it filters. Fails with its output if it ends instead."""
        self.wait_for_line(READY, timeout_s)
        return self

    @property
    def lock_file(self):
        """The file in which it says that the interface is its own."""
        for path in LOCKS.glob("*.lock"):
            with contextlib.suppress(FileNotFoundError):  # of another afxfw, gone by now
                if path.read_text(encoding="ascii").split()[:1] == [str(self.pid)]:
                    return path
        raise AssertionError(f"no lock file with pid {self.pid} in {LOCKS}")

    @property
    def stats(self):
        """The newest statistics it printed, or None before the first."""
        lines = self.stdout_lines
        return json.loads(lines[-1]) if lines else None

    @property
    def all_stats(self):
        """All statistics so far, oldest first."""
        return [json.loads(line) for line in list(self.stdout_lines)]

    def wait_stats(self, condition, what, timeout_s=10.0):
        """Returns the first statistics, from now on, that the condition holds for."""
        def check():
            assert self.exit_code is None, f"exit code {self.exit_code}: {self}"
            stats = self.stats
            return stats if stats is not None and condition(stats) else None
        try:
            return wait_until(check, what, timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the last statistics: {self.stats}") from None

    @contextlib.contextmanager
    def rises(self, *expected):
        """While the "with" statement runs, values rise by exact amounts; waits until they have.

        expected: pairs of a function of the statistics and the amount, which may be 0.
        """
        def amounts(now):
            return [value(now) - value(before) for value, _ in expected]
        wanted = [amount for _, amount in expected]
        before = self.wait_stats(lambda _: True, "statistics")
        yield
        self.wait_stats(lambda now: all(map(operator.ge, amounts(now), wanted)),
                        f"a rise by {wanted} since {before}")
        lines = len(self.stdout_lines)
        later = self.wait_stats(lambda _: len(self.stdout_lines) > lines, "one more line")
        assert amounts(later) == wanted

    def reload(self, timeout_s=10.0):
        """SIGHUP, and waits until new rules are in force."""
        stats = self.wait_stats(lambda _: True, "statistics")
        self.send(signal.SIGHUP)
        return self.wait_stats(
            lambda now: now["ruleset_generation"] > stats["ruleset_generation"],
            "a new rule set", timeout_s)

    def finish(self, signal_number=signal.SIGINT, timeout_s=10.0):
        """Stops it as a user would, expects exit code 0; returns the final totals."""
        code = self.stop(signal_number, timeout_s)
        assert code == 0, f"exit code {code}: {self}"
        assert self.stdout_lines, f"no final totals: {self}"
        return json.loads(self.stdout_lines[-1])

"""A program that runs beside the test."""

import re
import signal
import subprocess
import threading

from .wait import wait_until

def _collect(stream, lines):
    for line in stream:
        lines.append(line.rstrip("\n"))


class Process:
    """Started at once; its output is collected line by line.

    Use it in a "with" statement or stop it: leaving kills what still runs.
    """

    # How much of the end of its output is in messages.
    shown_stdout_lines = 30
    shown_stderr_lines = 30

    def __init__(self, command):
        self.command = [str(part) for part in command]
        self.stdout_lines = []
        self.stderr_lines = []
        self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, text=True,
                                         errors="replace", stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE)
        self._readers = [
            threading.Thread(target=_collect, args=pair, daemon=True)
            for pair in ((self._process.stdout, self.stdout_lines),
                         (self._process.stderr, self.stderr_lines))]
        for reader in self._readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def __str__(self):
        output = (self.stdout_lines[-self.shown_stdout_lines:]
                  + self.stderr_lines[-self.shown_stderr_lines:])
        return "\n".join([f"'{' '.join(self.command)}'", *output])

    @property
    def pid(self):
        return self._process.pid

    @property
    def exit_code(self):
        """None while it runs; the negative signal number if a signal ended it."""
        return self._process.poll()

    def send(self, signal_number):
        self._process.send_signal(signal_number)

    def wait(self, timeout_s=10.0):
        """Waits for its end and for all its output; returns the exit code."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"still running after {timeout_s:g} s: {self}") from None
        for reader in self._readers:
            reader.join(timeout_s)
        return self.exit_code

    def stop(self, signal_number=signal.SIGINT, timeout_s=10.0):
        """Sends the signal, waits for the end; returns the exit code."""
        self.send(signal_number)
        return self.wait(timeout_s)

    def kill(self):
        if self.exit_code is None:
            self.stop(signal.SIGKILL)

    def wait_for_line(self, pattern, timeout_s=10.0):
        """The match of the first line, on either stream, that has the regular expression in it."""
        def search():
            ended = self.exit_code is not None
            if ended:
                self.wait()  # so that its last lines are there
            for line in self.stdout_lines + self.stderr_lines:
                if match := re.search(pattern, line):
                    return match
            if ended:
                raise RuntimeError(f"exit code {self.exit_code} before '{pattern}': {self}")
            return None
        try:
            return wait_until(search, f"a line with '{pattern}'", timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self}") from None

"""Programs that run beside this one."""

import contextlib
import json
import signal
import subprocess
import threading

START_SECONDS = 120  # what reads a million prefixes takes some seconds, more on a busy machine
ANSWER_SECONDS = 10
STOP_SECONDS = 30  # afxfw waits up to 2 s for packets in flight; large tables take time to free


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

    def signal(self, number):
        self._popen.send_signal(number)

    @property
    def pid(self):
        return self._popen.pid

    @property
    def output(self):
        """The lines of standard output so far."""
        with self._changed:
            return list(self._output)

    def wait_until_ready(self, word="ready"):
        """Until a line, on stderr or stdout, says so."""
        self._wait(lambda: any(word in line for line in self._messages + self._output),
                   START_SECONDS)

    def say(self, text):
        """Gives it a line of input."""
        try:
            self._popen.stdin.write(text + "\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            self._fail("takes no more input")

    def answer(self, text, word):
        """Gives it a line of input; returns the first line of output with `word` that follows."""
        with self._changed:
            seen = len(self._output)
        self.say(text)
        self._wait(lambda: any(word in line for line in self._output[seen:]), ANSWER_SECONDS)
        return next(line for line in self.output[seen:] if word in line)

    def next_line(self, timeout_seconds=ANSWER_SECONDS):
        """The next line of standard output that is printed after this call."""
        with self._changed:
            seen = len(self._output)
        self._wait(lambda: len(self._output) > seen, timeout_seconds)
        return self.output[seen]

    def next_report(self):
        """The next line, which is JSON."""
        return json.loads(self.next_line())

    def interrupt(self):
        """Stops it as Ctrl-C would, and waits. Returns its last line of standard output."""
        self._popen.send_signal(signal.SIGINT)
        return self._finish()

    def close_input(self):
        """Tells it to stop by closing its standard input, and waits. Returns its last line."""
        self._popen.stdin.close()
        return self._finish()

    def finish(self, seconds):
        """Waits for one that ends by itself, after some `seconds`. Returns its last line."""
        return self._finish(seconds + STOP_SECONDS)

    def _finish(self, seconds=STOP_SECONDS):
        try:
            code = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self._fail(f"did not stop within {seconds} s")
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
        code = None
        if self._open_streams < 2:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._popen.wait(1)
        self._fail(f"ended with exit code {code}" if code is not None else
                   f"did nothing for {timeout_seconds} s")

    def _fail(self, what):
        with self._changed:
            said = "\n".join(self._messages[-20:])
        raise MeasurementError(f"{self.name} {what}" + (f"; it said:\n{said}" if said else ""))

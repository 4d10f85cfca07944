"""afxfwctl, and its protocol spoken by hand."""

import json
import socket
import subprocess

from .afxfw import BUILD
from .wait import wait_until

AFXFWCTL = BUILD / "src" / "app" / "afxfwctl"
TIMEOUT_S = 30


class Control:
    """Talks to the afxfw whose control socket has this path."""

    def __init__(self, path):
        self.path = path

    def run(self, *arguments, check=True, stdin="", prefix=()):
        """Runs afxfwctl; returns subprocess.CompletedProcess. prefix: a command to run it by."""
        command = [*prefix, AFXFWCTL, "--socket", self.path, *arguments]
        done = subprocess.run(list(map(str, command)), input=stdin, text=True, capture_output=True,
                              timeout=TIMEOUT_S)
        assert not check or done.returncode == 0, (
            f"exit code {done.returncode} of '{' '.join(map(str, command))}'\n"
            f"{done.stdout}{done.stderr}")
        return done

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json").stdout)

    def status(self):
        return self.json("status")

    def elements(self, name):
        """{element: what is said about it}."""
        return {entry["element"]: entry for entry in self.json("list", "set", name)["elements"]}

    def wait_elements(self, name, condition, what, timeout_s=10.0):
        return wait_until(lambda: condition(self.elements(name)), what, timeout_s)

    def connect(self, timeout_s=10.0):
        """A connection of one's own, as a socket."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(timeout_s)
        made.connect(str(self.path))
        return made

    def ask(self, data, timeout_s=10.0):
        """Sends bytes or a request as a dict; returns the answer, None if there is none."""
        if isinstance(data, dict):
            data = json.dumps(data).encode() + b"\n"
        with self.connect(timeout_s) as client:
            try:
                client.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused meanwhile; it says why
            return read_answer(client)


def read_answer(client):
    """One line of JSON, or None at the end of the connection."""
    line = b""
    while not line.endswith(b"\n"):
        try:
            data = client.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            return None
        line += data
    return json.loads(line)

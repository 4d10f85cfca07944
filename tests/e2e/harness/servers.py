"""Servers in a host, each a context manager that is entered once the server listens."""

import contextlib
import json
from pathlib import Path

from .wait import wait_until

PYTHON = "/usr/bin/python3"
LISTEN_STATE = "0A"  # in /proc/PID/net/tcp
IPERF3_PORT = 5201


def _listens(process, port):
    """Whether anything in the network of this process listens on the TCP port."""
    assert process.exit_code is None, f"exit code {process.exit_code}: {process}"
    sockets = []
    for name in ("tcp", "tcp6"):
        sockets += Path(f"/proc/{process.pid}/net/{name}").read_text().splitlines()[1:]
    fields = [line.split() for line in sockets]
    return any(field[3] == LISTEN_STATE and int(field[1].split(":")[1], 16) == port
               for field in fields)


@contextlib.contextmanager
def _server(host, port, *command):
    with host.start(*command) as process:
        wait_until(lambda: _listens(process, port), f"listening on {port}: {process}")
        yield process


def http_server(host, directory, port=8080):
    """Serves the files of a directory."""
    return _server(host, port, PYTHON, "-m", "http.server", port, "--bind", "::",
                   "--directory", directory)


def tcp_echo_server(host, port=7777):
    return _server(host, port, PYTHON, Path(__file__).with_name("tcp_echo.py"), port)


def iperf3_server(host, port=IPERF3_PORT):
    return _server(host, port, "iperf3", "--server", "--port", port)


def iperf3(host, server_address, *options, port=IPERF3_PORT, timeout_s=60):
    """Runs an iperf3 client; returns the "end" part of its JSON report.

    Not for exact byte counts: with --bytes, iperf3 stops counting before the last of them arrive.
    """
    done = host.run("iperf3", "--client", server_address, "--port", port, "--json", *options,
                    timeout_s=timeout_s, check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 0, f"iperf3: {report.get('error')}"
    return report["end"]


def curl(host, address, path, *options, port=8080, timeout_s=30):
    """Fetches http://ADDRESS:PORT/PATH; returns the finished process, whatever its exit code."""
    shown = f"[{address}]" if ":" in address else address
    return host.run("curl", "--silent", "--show-error", "--fail", "--globoff", "--noproxy", "*",
                    "--max-time", timeout_s, *options, f"http://{shown}:{port}{path}",
                    check=False, timeout_s=timeout_s + 5)

"""What a service manager hears from a program: sd_notify(3)'s socket."""

import contextlib
import os
import socket
import threading
import time

from .wait import wait_until


class ServiceManager:
    """Listens on a socket of its own; `environment` makes a program notify it."""

    def __init__(self, directory, watchdog_s=None):
        path = os.path.join(directory, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self.environment = {"NOTIFY_SOCKET": path}
        if watchdog_s is not None:
            self.environment["WATCHDOG_USEC"] = str(round(watchdog_s * 1e6))
        self.heard = []  # pairs of the time and the variables
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self):
        with contextlib.suppress(OSError):
            while datagram := self._socket.recv(65536):
                variables = dict(line.split("=", 1) for line in datagram.decode().splitlines())
                self.heard.append((time.monotonic(), variables))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    def all(self, variable):
        """The times and values of a variable so far."""
        return [(when, variables[variable]) for when, variables in list(self.heard)
                if variable in variables]

    def wait(self, variable, count=1, timeout_s=10.0):
        """Until a variable was heard so often; returns the variables that came with the last."""
        def there():
            having = [variables for _, variables in list(self.heard) if variable in variables]
            return having[count - 1] if len(having) >= count else None
        return wait_until(there, f"{variable} {count} times; heard: {self.heard}", timeout_s)

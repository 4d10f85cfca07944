"""A journal for a program to log to: journald's socket, and what arrives there."""

import contextlib
import socket
import struct
import threading
from pathlib import Path


def parse(datagram):
    """The fields of a message in journald's native protocol, as a dictionary.

    https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
    """
    fields = {}
    while datagram:
        line, datagram = datagram.split(b"\n", 1)
        name, equals, value = line.partition(b"=")
        if not equals:  # a value with line ends: its length, then itself
            length = struct.unpack("<Q", datagram[:8])[0]
            value, datagram = datagram[8:8 + length], datagram[8 + length + 1:]
        fields[name.decode()] = value.decode()
    return fields


class Journal:
    """Listens on `directory`/systemd/journal/socket; `directory` stands in for /run."""

    def __init__(self, directory):
        self.directory = Path(directory)
        path = self.directory / "systemd" / "journal" / "socket"
        path.parent.mkdir(parents=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.messages = []
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self):
        with contextlib.suppress(OSError):
            while datagram := self._socket.recv(65536):
                self.messages.append(parse(datagram))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

"""The frames that an interface sees, by tcpdump."""

import re
import signal
import struct
from pathlib import Path

from .wait import wait_until

# In immediate mode each frame takes a whole snapshot's room in the buffer: this makes 4096 frames.
SNAPSHOT_BYTES = 16 << 10
BUFFER_KIB = 64 << 10
FILE_HEADER_BYTES = 24
RECORD_HEADER = struct.Struct("<IIII")  # seconds, microseconds, bytes captured, bytes on the wire


class Capture:
    """Captures whole frames (up to SNAPSHOT_BYTES) from the moment the "with" statement is entered until it is left.

    `path` must end in .pcap (tcpdump's AppArmor profile asks for that); `expression` is a capture
    filter; direction: "in", "out" or "inout".
    """

    def __init__(self, host, path, expression="", interface=None, direction="inout"):
        self._host = host
        self._path = Path(path)
        self._command = ["tcpdump", "-i", interface or host.interface, "-n", "-U",
                         "-Q", direction,
                         "-s", SNAPSHOT_BYTES, "-B", BUFFER_KIB, "--immediate-mode",
                         "-Z", "root", "-w", path, expression]
        self._tcpdump = None

    def __enter__(self):
        self._tcpdump = self._host.start(*self._command)
        try:
            self._tcpdump.wait_for_line("listening on")
        except BaseException:
            self._tcpdump.kill()
            raise
        return self

    def __exit__(self, *_):
        self._tcpdump.stop(signal.SIGINT)
        dropped = self._tcpdump.wait_for_line(r"(\d+) packets? dropped by kernel")
        assert dropped[1] == "0", f"the capture is incomplete: {self._tcpdump}"

    def frames(self):
        """The frames so far, as bytes from the Ethernet header on."""
        data = self._path.read_bytes()
        frames, offset = [], FILE_HEADER_BYTES
        while offset + RECORD_HEADER.size <= len(data):
            length = RECORD_HEADER.unpack_from(data, offset)[2]
            offset += RECORD_HEADER.size
            if offset + length > len(data):
                break  # tcpdump is writing it
            frames.append(data[offset:offset + length])
            offset += length
        return frames

    def wait(self, count, timeout_s=10.0):
        """Until there are at least this many frames; returns all there are."""
        wait_until(lambda: len(self.frames()) >= count, f"{count} frames captured", timeout_s)
        return self.frames()

    def verbose(self):
        """What tcpdump says about each frame: checksums, options, lengths."""
        return self._host.run("tcpdump", "-nn", "-vv", "-e", "-r", self._path).stdout


def bad_checksums(capture):
    """The lines of tcpdump's verbose text that complain about a checksum."""
    return [line for line in capture.verbose().splitlines()
            if re.search(r"incorrect|bad cksum|bad udp cksum", line)]

"""Captures for the tests, and what tcpdump, the independent reader, says of them."""

import os
import struct
import subprocess
from pathlib import Path

LINKTYPE_ETHERNET = 1
DATA = Path(__file__).resolve().parents[1] / "data" / "pcaps"


def all_captures():
    """The committed captures, and more where AFXFW_SHARED_DATA points to them."""
    files = sorted(DATA.glob("*.pcap"))
    if shared := os.environ.get("AFXFW_SHARED_DATA"):
        files += sorted(Path(shared, "pcaps").glob("*.pcap"))
    assert files
    return files


def tcpdump(capture, expression, *options):
    done = subprocess.run(["tcpdump", "-nr", capture, *options, expression], capture_output=True)
    if b"expression rejects all packets" in done.stderr:  # what cannot be on such a link
        return b""
    done.check_returncode()
    return done.stdout


def count(capture, expression):
    """How many packets the pcap-filter expression matches."""
    lines = tcpdump(capture, expression, "--count").decode().splitlines()
    return int(lines[-1].split()[0]) if lines else 0


def link_type(capture):
    header = Path(capture).read_bytes()[:24]
    return int.from_bytes(header[20:24], "big" if header[0] == 0xa1 else "little")


def in_any_vlan(capture, expression):
    """Also behind one tag or two: each `vlan` moves what follows in the expression by a tag."""
    part = f"({expression})"
    if link_type(capture) != LINKTYPE_ETHERNET:
        return part  # libpcap knows tags on few other link types
    return f"{part} or (vlan and ({part} or (vlan and {part})))"


def contents(capture, expression=""):
    """Each packet with its time, length and bytes, as tcpdump sees them."""
    return tcpdump(capture, expression, "--time-stamp-precision=nano", "-tt", "-e", "-xx")


def frame(payload=b"", protocol=17, port=53, source=b"\xc6\x33\x64\x07"):
    """An Ethernet frame with IPv4 and UDP, or TCP if protocol is 6."""
    if protocol == 6:
        upper = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 0x50, 2, 65535, 0, 0) + payload
    else:
        upper = struct.pack("!HHHH", 40000, port, 8 + len(payload), 0) + payload
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(upper), 1, 0, 64, protocol, 0, source,
                         b"\xc0\x00\x02\x01")
    return b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + header + upper


HEADER = struct.Struct("<IHHiIII")
RECORD = struct.Struct("<IIII")


def pcap(frames, link_type=1):
    """A little-endian pcap file of whole frames."""
    records = b"".join(RECORD.pack(1_700_000_000 + i, 0, len(each), len(each)) + each
                       for i, each in enumerate(frames))
    return HEADER.pack(0xa1b2c3d4, 2, 4, 0, 0, 262144, link_type) + records


def with_snap_length(capture, snap_length):
    """A little-endian pcap file's bytes, cut as capturing with that snap length cuts."""
    data = Path(capture).read_bytes()
    out, offset = data[:HEADER.size], HEADER.size
    while offset < len(data):
        seconds, fraction, captured, length = RECORD.unpack_from(data, offset)
        offset += RECORD.size
        kept = min(captured, snap_length)
        out += RECORD.pack(seconds, fraction, kept, length) + data[offset:offset + kept]
        offset += captured
    return out

"""Reads pcapng files by their specification (draft-ietf-opsawg-pcapng): one little-endian section."""

import dataclasses
import struct

SECTION, INTERFACE, STATISTICS, PACKET = 0x0a0d0d0a, 1, 5, 6
BYTE_ORDER_MAGIC = 0x1a2b3c4d
LINKTYPE_ETHERNET = 1
COMMENT = 1
IF_NAME, IF_TSRESOL, IF_FILTER = 2, 9, 11
EPB_FLAGS, EPB_QUEUE = 2, 6
ISB_IFRECV, ISB_IFDROP, ISB_FILTERACCEPT, ISB_USRDELIV = 4, 5, 6, 8


@dataclasses.dataclass
class Packet:
    interface: str
    time_s: float
    data: bytes
    length: int  # on the wire
    comment: str
    queue: int
    flags: int


@dataclasses.dataclass
class Statistics:
    received: int
    dropped: int
    matched: int
    written: int


@dataclasses.dataclass
class Pcapng:
    interfaces: list
    filters: list
    packets: list
    statistics: dict  # by interface

    def of(self, interface):
        return [packet for packet in self.packets if packet.interface == interface]


def _options(data):
    """{code: value}; asserts that they end as they should."""
    options = {}
    while data:
        code, length = struct.unpack_from("<HH", data)
        if code == 0:
            assert data == bytes(4)
            break
        options[code] = data[4:4 + length]
        data = data[4 + (length + 3) // 4 * 4:]
    return options


def _number(value):
    return int.from_bytes(value, "little")


def read_pcapng(path):
    """The whole file; asserts that every block is whole."""
    data = path.read_bytes()
    file = Pcapng([], [], [], {})
    offset = 0
    while offset < len(data):
        kind, length = struct.unpack_from("<II", data, offset)
        assert length % 4 == 0 and offset + length <= len(data), "a piece of a block"
        assert struct.unpack_from("<I", data, offset + length - 4)[0] == length
        assert (kind == SECTION) == (offset == 0)
        _read_block(file, kind, data[offset + 8:offset + length - 4])
        offset += length
    return file


def _read_block(file, kind, body):
    if kind == SECTION:
        assert struct.unpack_from("<IHH", body) == (BYTE_ORDER_MAGIC, 1, 0)
    elif kind == INTERFACE:
        assert struct.unpack_from("<H", body)[0] == LINKTYPE_ETHERNET
        options = _options(body[8:])
        assert options[IF_TSRESOL] == b"\x09"  # nanoseconds
        file.interfaces.append(options[IF_NAME].decode())
        file.filters.append(options.get(IF_FILTER))
    elif kind == PACKET:
        number, high, low, captured, length = struct.unpack_from("<IIIII", body)
        options = _options(body[20 + (captured + 3) // 4 * 4:])
        file.packets.append(Packet(
            file.interfaces[number], (high << 32 | low) / 1e9, body[20:20 + captured], length,
            options.get(COMMENT, b"").decode(), _number(options[EPB_QUEUE]),
            _number(options[EPB_FLAGS])))
    elif kind == STATISTICS:
        options = _options(body[12:])
        file.statistics[file.interfaces[_number(body[:4])]] = Statistics(
            *(_number(options[code])
              for code in (ISB_IFRECV, ISB_IFDROP, ISB_FILTERACCEPT, ISB_USRDELIV)))
    else:
        raise AssertionError(f"block type {kind}")

"""Which queue of a TAP device a packet takes: the low bits of its source port say so."""

import ctypes
import fcntl
import os
import platform
import struct

# linux/if_tun.h
TUNSETIFF = 0x400454ca
TUNSETSTEERINGEBPF = 0x800454e0
IFF_TAP, IFF_NO_PI, IFF_MULTI_QUEUE, IFF_VNET_HDR = 0x0002, 0x1000, 0x0100, 0x4000

# linux/bpf.h
BPF_PROG_LOAD = 5
BPF_PROG_TYPE_SOCKET_FILTER = 1
MOVE_REGISTER, LOAD_HALF_OF_PACKET, AND_NUMBER, EXIT = 0xbf, 0x28, 0x57, 0x95
SYSCALL_NUMBERS = {"x86_64": 321, "aarch64": 280}

SOURCE_PORT = 14 + 20  # behind Ethernet's header and one of IPv4 without options

_libc = ctypes.CDLL(None, use_errno=True)


def _instruction(code, destination=0, source=0, number=0):
    return struct.pack("=BBhi", code, source << 4 | destination, 0, number)


def _load(instructions):
    """The descriptor of a socket filter."""
    program = ctypes.create_string_buffer(b"".join(instructions))
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("=IIQQ", BPF_PROG_TYPE_SOCKET_FILTER, len(instructions),
                             ctypes.addressof(program), ctypes.addressof(licence))
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"))
    descriptor = _libc.syscall(SYSCALL_NUMBERS[platform.machine()], BPF_PROG_LOAD, buffer,
                               len(buffer) - 1)
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot load the steering program: {os.strerror(number)}")
    return descriptor


def steer_by_source_port(device, queues):
    """In the network namespace of the calling thread. queues: a power of two."""
    program = _load([
        _instruction(MOVE_REGISTER, destination=6, source=1),  # where loads expect the packet
        _instruction(LOAD_HALF_OF_PACKET, number=SOURCE_PORT),  # ends here, with 0, if too short
        _instruction(AND_NUMBER, number=queues - 1),
        _instruction(EXIT),
    ])
    # Only who has a queue of the device may steer: take one, and give it back.
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE | IFF_VNET_HDR
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), flags))
        fcntl.ioctl(tun, TUNSETSTEERINGEBPF, struct.pack("i", program))
    finally:
        os.close(tun)
        os.close(program)

"""The virtual machine: boots, and runs commands."""

import base64
import os
import re
import select
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

BOOT_TIMEOUT_S = 40
BOOT_ATTEMPTS = 3
COMMAND_TIMEOUT_S = 60
PROCESSORS = 2
MEMORY_MIB = 1152

KERNEL_ARGUMENTS = [
    "console=ttyS0", "quiet", "panic=-1", "net.ifnames=0", "mitigations=off",
    # Without these two, an emulated processor now and then hangs when it calibrates its clocks.
    "tsc=reliable", "hpet=disable",
    # virtio_net as a module takes the header of a packet sent without copies from a wrong physical
    # address, and if there is no zero, the packet vanishes. The address is the same in each boot
    # without KASLR, and this keeps it in memory that nobody else writes to.
    "nokaslr", "memmap=64M$1G",
]


class Done(NamedTuple):
    """A command of the guest that ended."""
    code: int
    stdout: str
    stderr: str


class Guest:
    """Runs from when the "with" statement is entered until it is left.

    wires: the ends of its cables, one for each of the devices; devices: QEMU's arguments for the
    network cards; qemu: the command that starts it, in the namespace of the wires.
    """

    def __init__(self, kernel, image, wires, devices, folder, qemu=("qemu-system-x86_64",)):
        self.kernel = kernel
        self.wires = wires
        self._folder = Path(folder)
        self._console = self._folder / "console.log"
        self._number = 0
        self._process = None
        self._agent = None
        self._input = b""
        self._command = [
            "setpriv", "--pdeathsig", "KILL",
            "nsenter", f"--net={wires[0].namespace_path}", "--", *qemu,
            "-M", "q35", "-accel", "tcg,thread=single", "-cpu", "max,-cx16",
            "-smp", PROCESSORS, "-m", MEMORY_MIB, "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-serial", f"file:{self._console}",
            "-chardev", f"socket,id=agent,path={self._folder / 'agent'},server=on,wait=off",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=agent",
            "-kernel", kernel.image, "-initrd", image, "-append", " ".join(KERNEL_ARGUMENTS),
            *devices]

    def __enter__(self):
        for attempt in range(1, BOOT_ATTEMPTS + 1):
            try:
                self._boot()
                return self
            except TimeoutError as error:  # emulated processors do hang, if seldom
                self.__exit__()
                if attempt == BOOT_ATTEMPTS:
                    raise TimeoutError(f"{error}, {attempt} times in a row; its console:\n"
                                       f"{self.console()}") from None
            except BaseException:
                self.__exit__()
                raise

    def __exit__(self, *_):
        if self._agent is not None:
            self._agent.close()
            self._agent = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def console(self):
        """The end of what its kernel and init said."""
        text = self._console.read_text(errors="replace") if self._console.exists() else ""
        return "\n".join(text.splitlines()[-30:])

    def _boot(self):
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        path = self._folder / "agent"
        path.unlink(missing_ok=True)
        self._input = b""
        with open(self._folder / "qemu.log", "wb") as log:
            self._process = subprocess.Popen(list(map(str, self._command)), stdout=log, stderr=log,
                                             stdin=subprocess.DEVNULL)
        self._agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        while True:
            self._check_running()
            try:
                self._agent.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"QEMU did not start within {BOOT_TIMEOUT_S} s") from None
                time.sleep(0.02)
        while self._line(deadline, "the guest to boot") != "ready":
            pass

    def _check_running(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"QEMU ended with exit code {self._process.returncode}: "
                               f"{(self._folder / 'qemu.log').read_text(errors='replace')}\n"
                               f"{self.console()}")

    def _line(self, deadline, what):
        while b"\n" not in self._input:
            ready, _, _ = select.select([self._agent], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"waited in vain for {what}")
            received = self._agent.recv(1 << 16)
            if not received:
                self._process.wait(5)
                self._check_running()
            self._input += received
        line, self._input = self._input.split(b"\n", 1)
        return line.decode(errors="replace").strip()

    def run(self, command, check=True, timeout_s=COMMAND_TIMEOUT_S):
        """Runs a command of busybox's shell to its end; it must fail only if check is false.

        What it starts in the background goes on when it has ended.
        """
        self._number += 1
        self._agent.sendall(f"{self._number} {base64.b64encode(command.encode()).decode()}\n".encode())
        try:
            answer = self._line(time.monotonic() + timeout_s, f"the end of '{command}'").split(" ")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the guest's console:\n{self.console()}") from None
        assert int(answer[0]) == self._number, answer
        done = Done(int(answer[1]), *(base64.b64decode(output[1:]).decode(errors="replace")
                                      for output in answer[2:]))
        assert not check or done.code == 0, (
            f"in the guest: exit code {done.code} of '{command}'\n{done.stdout}{done.stderr}")
        return done

    def bring_up(self, queues):
        """Its interfaces, with so many queues and neighbours that need not be asked for."""
        for wire in self.wires:
            name = wire.guest.interface
            self.run(f"ethtool -L {name} combined {queues} 2>/dev/null\n"
                     f"ip address add {wire.guest.ipv4}/24 dev {name} && ip link set {name} up &&\n"
                     f"arp -i {name} -s {wire.ipv4} {wire.mac}")

    def wait_for_carrier(self, interface):
        """Some drivers take the link down for a moment when a socket is bound."""
        self.run(f"for i in $(seq 200); do\n"
                 f"  grep -q 1 /sys/class/net/{interface}/carrier && exit\n"
                 "  usleep 50000\n"
                 "done\n"
                 "exit 1")

    def write(self, path, text):
        self.run(f"cat >{path} <<'END OF FILE'\n{text}\nEND OF FILE")

    def queue_counters(self, interface):
        """What the driver counted for each receive queue: {queue: {name: count}}."""
        counters = {}
        for queue, name, count in re.findall(r"^ *rx_?(?:queue_)?(\d+)_(\w+): (\d+)$",
                                             self.run(f"ethtool -S {interface}").stdout,
                                             re.MULTILINE):
            counters.setdefault(int(queue), {})[name] = int(count)
        return counters

    def tcp_segments(self):
        """TCP segments that its own stack has received."""
        names, values = re.findall(r"^Tcp: (.*)$", self.run("cat /proc/net/snmp").stdout,
                                   re.MULTILINE)
        return int(dict(zip(names.split(), values.split()))["InSegs"])


def virtio(wires, queues):
    """Network cards with several queues. Zero-copy needs a driver that maps memory by itself
    (iommu_platform), which the card of before the standard (legacy) cannot ask for."""
    arguments = []
    for number, wire in enumerate(wires):
        arguments += [
            "-netdev", f"tap,id=wire{number},ifname={wire.interface},script=no,downscript=no,"
                       f"vhost=off,queues={queues}",
            "-device", f"virtio-net-pci,netdev=wire{number},mac={wire.guest.mac},romfile=,mq=on,"
                       f"vectors={2 * queues + 2},disable-legacy=on,iommu_platform=on"]
    return arguments


def igb(wires):
    """Intel's 82576, whose own hash spreads packets over up to eight queues."""
    arguments = []
    for number, wire in enumerate(wires):
        arguments += [
            "-device", f"pcie-root-port,id=port{number},chassis={number + 1},slot={number}",
            "-netdev", f"tap,id=wire{number},ifname={wire.interface},script=no,downscript=no",
            "-device", f"igb,netdev=wire{number},bus=port{number},mac={wire.guest.mac},romfile="]
    return arguments


def unpacked_qemu(folder):
    """The command for a QEMU that was not installed, for Guest."""
    return ("env", "QEMU_MODULE_DIR=/nonexistent",  # not those of the installed one
            folder / "usr" / "bin" / "qemu-system-x86_64", "-L", folder / "usr" / "share" / "qemu",
            "-L", "/usr/share/seabios")


def tun_missing():
    """Why there can be no TAP devices here, or None."""
    return None if os.access("/dev/net/tun", os.R_OK | os.W_OK) else "/dev/net/tun is missing"

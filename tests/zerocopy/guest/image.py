"""The guest's initial RAM disk: busybox, modules, and programs of this machine with their libraries.

It is also all the guest has of a root file system. Not compressed, since emulated processors take
longer to unpack than QEMU takes to load it.
"""

import lzma
import re
import stat
import subprocess
import tempfile
from pathlib import Path

INIT = Path(__file__).with_name("init")
BPF_OBJECTS = Path("/usr/lib/x86_64-linux-gnu/bpf")  # of libxdp and of xdp-tools
MODULES = ("virtio_pci", "virtio_console", "virtio_net", "igb", "veth", "sch_ingress", "cls_u32", "act_mirred")
TOOLS = ("ethtool", "xdp-filter", "xdp-loader")  # of this machine
FOLDERS = ("bin", "dev", "modules", "proc", "run", "sys", "tmp", "var/run")


def write(path, kernel, busybox, programs):
    """Makes the image. programs: paths of what to put into /bin, besides TOOLS."""
    archive = _Archive()
    for folder in FOLDERS:
        archive.folder(folder)
    archive.file("init", INIT.read_bytes(), 0o755)
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    for number, (name, content) in enumerate(_modules_in_order(kernel)):
        archive.file(f"modules/{number:02}-{name}.ko", content)
    tools = [_which(tool) for tool in TOOLS]
    for program in [*programs, *tools]:
        archive.file(f"bin/{program.name}", _stripped(program), 0o755)
    for library in _libraries([*programs, *tools]):
        archive.file(library, Path(library).read_bytes(), 0o755)
    for bpf_object in sorted(BPF_OBJECTS.glob("xdp*.o")):
        archive.file(bpf_object, bpf_object.read_bytes())
    path.write_bytes(archive.content())


def _which(program):
    found = subprocess.run(["which", program], text=True, capture_output=True, check=True,
                           env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    return Path(found.stdout.strip())


def _stripped(program):
    """The program without debug information, of which there is much."""
    with tempfile.NamedTemporaryFile() as smaller:
        subprocess.run(["strip", "--strip-debug", "-o", smaller.name, program], check=True)
        return Path(smaller.name).read_bytes()


def _libraries(programs):
    """All shared libraries and the loader, by the paths under which they are looked for."""
    listed = subprocess.run(["ldd", *programs], text=True, capture_output=True, check=True).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", listed)))


def _modules_in_order(kernel):
    """(name, content) of MODULES and of what they depend on, each after what it needs."""
    found = {}

    def add(name):
        file = kernel.module(name)
        if name in found or file is None:
            return
        content = lzma.decompress(file.read_bytes()) if file.suffix == ".xz" else file.read_bytes()
        depends = re.search(rb"\0depends=([^\0]*)\0", content)[1].decode()
        for other in filter(None, depends.split(",")):
            add(other)
        found[name] = content

    for module in MODULES:
        add(module)
    return found.items()


class _Archive:
    """A cpio archive in the "newc" format: Documentation/driver-api/early-userspace of the kernel."""

    def __init__(self):
        self._parts = []
        self._names = set()

    def folder(self, name):
        name = str(name).strip("/")
        if name in ("", ".") or name in self._names:
            return
        self.folder(Path(name).parent)
        self._add(name, stat.S_IFDIR | 0o755, b"")

    def file(self, name, content, permissions=0o644):
        name = str(name).strip("/")
        self.folder(Path(name).parent)
        self._add(name, stat.S_IFREG | permissions, content)

    def content(self):
        self._add("TRAILER!!!", 0, b"")
        return b"".join(self._parts)

    def _add(self, name, mode, content):
        encoded = name.encode() + b"\0"
        inode = len(self._names) + 1
        self._names.add(name)
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + encoded
        self._parts += [header, bytes(-len(header) % 4), content, bytes(-len(content) % 4)]

"""Fixtures of the tests in a virtual machine. They need root, QEMU, and Debian's archive once."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))  # for "harness"

from guest import image, machine, packages  # noqa: E402
from guest.firewall import Afxfw  # noqa: E402
from harness.afxfw import AFXFW, BUILD  # noqa: E402

QUEUES = 8
# A kernel with many drivers and a newer QEMU are much to download for one more card.
collect_ignore = [] if os.environ.get("AFXFW_TEST_IGB") else ["test_igb.py"]
PROGRAMS = [AFXFW, BUILD / "src" / "app" / "afxfwctl"]


def missing():
    """Why there can be no guest here, or None."""
    if os.geteuid() != 0:
        return "needs root for TAP devices and network namespaces"
    if shutil.which("qemu-system-x86_64") is None:
        return "needs QEMU: tools/install-deps guest"
    return machine.tun_missing()


def pytest_collection_modifyitems(items):
    if reason := missing():
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def boot(tmp_path_factory):
    """boot(kernel, wires, devices, **settings): a Guest, not yet running.

    kernel: a function that gets it, or the reason why it cannot be had.
    """
    images = {}

    def make(get_kernel, wires, devices, **settings):
        try:
            kernel, busybox = get_kernel(), packages.busybox()
        except packages.Unavailable as reason:
            pytest.skip(str(reason))
        folder = tmp_path_factory.mktemp("guest")
        if kernel.version not in images:
            images[kernel.version] = folder / "image.cpio"
            image.write(images[kernel.version], kernel, busybox, PROGRAMS)
        return machine.Guest(kernel, images[kernel.version], wires, devices, folder, **settings)
    return make


@pytest.fixture
def start_afxfw(guest):
    """start_afxfw(*options): an Afxfw on all queues of the guest's eth0, killed at the end if it runs.

    Where cards have a queue for each of the TAP device's, source ports tell from then on which one
    a packet takes.
    """
    started = []

    def start(*options, queues=QUEUES):
        started.append(Afxfw(guest, *options, queues=queues))
        for wire in guest.wires:
            wire.steer()
        return started[-1]

    yield start
    for afxfw in started:
        afxfw.kill()

"""Fixtures of the end-to-end tests. Needs root; each module gets a lab of its own."""

import itertools
import os

import pytest
from harness.afxfw import Afxfw
from harness.lab import Lab

_lab_numbers = itertools.count(1)


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root for network namespaces"))


@pytest.fixture(scope="session")
def lab_prefix():
    """Makes prefixes that no other lab on this machine has."""
    return lambda: f"afxt-{os.getpid()}-{next(_lab_numbers)}"


@pytest.fixture(scope="module")
def lab(request, lab_prefix):
    """The lab that the module's mark asks for: pytestmark = pytest.mark.lab(topology="pair")."""
    mark = request.node.get_closest_marker("lab")
    with Lab(lab_prefix(), **(mark.kwargs if mark else {})) as up:
        yield up


@pytest.fixture(scope="module", params=["native", "generic"])
def mode(request):
    """The XDP mode; each test that uses it runs in both."""
    return request.param


@pytest.fixture(params=[4, 6], ids=["IPv4", "IPv6"])
def version(request):
    """The IP version; each test that uses it runs with both."""
    return request.param


@pytest.fixture
def start_afxfw():
    """start_afxfw(host, *options, **settings): an Afxfw that is ready, stopped at the end of the test.

    What still runs then has to end with exit code 0 like any other.
    """
    started = []

    def start(host, *options, **settings):
        started.append(Afxfw(host, *options, **settings))
        return started[-1].wait_ready()

    yield start
    try:
        for afxfw in started:
            if afxfw.exit_code is None:
                afxfw.finish()
    finally:
        for afxfw in started:
            afxfw.kill()

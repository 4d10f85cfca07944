"""Debian's packages, unpacked into a cache and not installed.

apt does it with sources and state of its own: the machine's configuration and installed packages
stay as they are. The archive is the one that the machine uses, and apt checks its signatures.
"""

import contextlib
import fcntl
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

CACHE = Path(os.environ.get("AFXFW_CACHE", "/var/cache/afxfw"))
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
OWN_SUITE = "bookworm"
SUITES = (OWN_SUITE, "bookworm-backports", "trixie", "trixie-backports")
APT_TIMEOUT_S = 300


class Unavailable(Exception):
    """Something that no test here can do without cannot be had."""


class Kernel(NamedTuple):
    version: str
    image: Path
    modules: Path  # the folder in which they are

    def module(self, name):
        """The file of a module, None if it is built in."""
        either = re.sub("[-_]", "[-_]", name)  # names of files and of modules differ in these
        return next(iter(self.modules.rglob(f"{either}.ko*")), None)


def kernel(suite=None, flavour="cloud-", at_least=(0, 0)):
    """The newest kernel of a suite, of all suites that can be reached without one.

    at_least: the version that it must have.
    """
    folder = _cached(f"kernel-{suite or 'newest'}-{flavour}amd64",
                     lambda debian: debian.kernel_packages(suite, flavour))
    image = next(path for path in folder.rglob("vmlinuz*") if path.is_file())
    modules = next(folder.rglob("kernel")).parent
    found = Kernel(modules.name, image, modules)
    if tuple(map(int, found.version.split(".")[:2])) < at_least:
        raise Unavailable(f"the newest kernel that can be downloaded is {found.version}: is "
                          f"{SUITES[-1]} not reachable? (tools/test-zerocopy --update looks again)")
    return found


def busybox():
    """Its path: a shell and small programs in one file that needs nothing else."""
    folder = _cached("busybox", lambda _: [f"busybox-static/{OWN_SUITE}"])
    return folder / "bin" / "busybox"


def newer_qemu():
    """The folder with the QEMU of the backports, which has more devices than the installed one."""
    return _cached("qemu", lambda _: [f"qemu-system-{part}/bookworm-backports"
                                      for part in ("x86", "common", "data")])


def _cached(name, packages):
    """The folder NAME of the cache, made of packages(_Apt) unless it is there."""
    folder = CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}.") as scratch:
                unpacked = Path(scratch) / "unpacked"
                with _Apt(CACHE / "apt") as apt:
                    apt.unpack(packages(apt), Path(scratch), unpacked)
                unpacked.rename(folder)
    return folder


class _Apt:
    """apt with its own configuration, lists and status below a folder."""

    _updated = False  # in this process

    def __init__(self, folder):
        self._folder = folder
        self._environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}

    def __enter__(self):
        for name in ("parts", "preferences", "lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        if not _Apt._updated:
            self._configure()
            self._update()
            _Apt._updated = True
        return self

    def __exit__(self, *_):
        pass

    def _configure(self):
        self._folder.chmod(0o700)  # a proxy's URL may have a password
        archive = self._archive()
        (self._folder / "sources.list").write_text(
            "".join(f"deb [signed-by={KEYRING}] {archive} {suite} main\n" for suite in SUITES))
        # How this machine reaches archives, by a proxy for one, is true here too.
        ours = subprocess.run(["apt-config", "dump"], text=True, capture_output=True, check=True)
        reach = re.findall(r'^Acquire::(?!Languages).*$', ours.stdout, re.MULTILINE)
        places = {
            "Dir::Etc::SourceList": self._folder / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Main": "/dev/null",
            "Dir::Etc::Parts": self._folder / "parts",
            "Dir::Etc::PreferencesParts": self._folder / "preferences",
            "Dir::State::Lists": self._folder / "lists",
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder / "cache",
            "Dir::Cache::pkgcache": "",  # large, and used once
            "Dir::Cache::srcpkgcache": "",
            "Acquire::GzipIndexes": "true",
            "Acquire::Languages": "none",
            # Signatures count, whatever this machine does otherwise.
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "Acquire::AllowDowngradeToInsecureRepositories": "false",
            "APT::Get::AllowUnauthenticated": "false",
            "APT::Sandbox::User": "root",  # the cache may be readable for root alone
        }
        (self._folder / "apt.conf").write_text(
            "\n".join([*reach, *(f'{name} "{value}";' for name, value in places.items())]) + "\n")

    @staticmethod
    def _archive():
        """Where this machine gets its own suite from."""
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)",
             "Created-By: Packages"], text=True, capture_output=True)
        for line in listed.stdout.splitlines():
            suite, uri = line.split(maxsplit=1)
            if suite == OWN_SUITE:
                return uri
        raise Unavailable(f"apt has no source with the suite {OWN_SUITE} to get a kernel from")

    def _run(self, *command, folder=None):
        """Its output; Unavailable, with what it says, if it fails."""
        try:
            done = subprocess.run(command, env=self._environment, cwd=folder, text=True,
                                  capture_output=True, timeout=APT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"'{' '.join(command)}' took more than {APT_TIMEOUT_S} s") from None
        if done.returncode != 0:
            raise Unavailable(f"'{' '.join(command)}': {done.stderr.strip()}")
        return done.stdout

    def _update(self):
        # One suite that cannot be reached is no failure; kernel_packages() sees what there is.
        with contextlib.suppress(Unavailable):
            self._run("apt-get", "-qq", "update")

    def kernel_packages(self, suite, flavour):
        """Names of the packages with the image and the modules of the newest kernel."""
        meta = f"linux-image-{flavour}amd64"
        # package | version | archive suite/component architecture Packages; the newest first
        offers = [[field.strip() for field in line.split("|")]
                  for line in self._run("apt-cache", "madison", meta).splitlines()]
        versions = [version for _, version, where in offers
                    if suite is None or f" {suite}/" in where]
        if not versions:
            raise Unavailable(f"the package {meta} of {suite or 'any of ' + ', '.join(SUITES)} "
                              "cannot be downloaded: is the archive reachable?")
        image = self._dependencies(f"{meta}={versions[0]}", "linux-image-")[0]
        # In newer releases, the image is itself a package that brings others in.
        return self._dependencies(image, "linux-(?:binary|modules)-") or [image]

    def _dependencies(self, package, prefix):
        shown = self._run("apt-cache", "show", package)
        depends = re.search(r"^Depends: (.*)$", shown, re.MULTILINE)
        return re.findall(rf"\b({prefix}\d\S*)", depends[1]) if depends else []

    def unpack(self, packages, scratch, target):
        self._run("apt-get", "-qq", "download", *packages, folder=scratch)
        for package in sorted(scratch.glob("*.deb")):
            self._run("dpkg-deb", "--extract", str(package), str(target))

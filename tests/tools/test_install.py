"""`meson install` puts everything where it belongs, and what it installs works from there."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("AFXFW_BUILD", ROOT / "build"))

FILES = """
sbin/afxfw
bin/afxfwctl
bin/afxfw-replay
bin/afxfw-pktgen
share/man/man8/afxfw.8
share/man/man8/afxfwctl.8
share/man/man1/afxfw-replay.1
share/man/man8/afxfw-pktgen.8
share/man/man5/afxfw-rules.5
share/bash-completion/completions/afxfw
share/bash-completion/completions/afxfwctl
share/bash-completion/completions/afxfw-replay
share/bash-completion/completions/afxfw-pktgen
share/zsh/site-functions/_afxfw
share/zsh/site-functions/_afxfwctl
share/zsh/site-functions/_afxfw-replay
share/zsh/site-functions/_afxfw-pktgen
lib/systemd/system/afxfw@.service
lib/tmpfiles.d/afxfw.conf
lib/sysusers.d/afxfw.conf
share/doc/afxfw/afxfw.conf
share/doc/afxfw/README.md
share/doc/afxfw/ARCHITECTURE.md
share/doc/afxfw/CHANGELOG.md
share/doc/afxfw/rules.md
share/doc/afxfw/control.md
share/doc/afxfw/classification.md
share/doc/afxfw/getting-started.md
share/doc/afxfw/operating.md
share/doc/afxfw/security.md
share/doc/afxfw/troubleshooting.md
share/doc/afxfw/grafana-dashboard.json
""".split()


def prefix_of_the_build():
    done = subprocess.run(["meson", "introspect", "--buildoptions", BUILD], capture_output=True,
                          text=True, check=True)
    return next(each["value"] for each in json.loads(done.stdout) if each["name"] == "prefix")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The prefix below a directory into which everything was installed."""
    directory = tmp_path_factory.mktemp("install")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", directory],
                   check=True, capture_output=True)
    return directory / prefix_of_the_build().lstrip("/")


def test_nothing_is_missing_and_nothing_else_is_there(installed):
    found = {str(path.relative_to(installed)) for path in installed.rglob("*") if not path.is_dir()}
    assert found == set(FILES)


def test_programs_run_from_there(installed):
    for program in ("sbin/afxfw", "bin/afxfwctl", "bin/afxfw-replay", "bin/afxfw-pktgen"):
        done = subprocess.run([installed / program, "--version"], capture_output=True, text=True,
                              check=True)
        assert done.stdout.split()[0].endswith(Path(program).name), done.stdout


def test_the_unit_starts_the_installed_program(installed):
    unit = (installed / "lib/systemd/system/afxfw@.service").read_text(encoding="utf-8")
    assert f"ExecStart={Path(prefix_of_the_build())}/sbin/afxfw " in unit
    assert "@" not in unit.replace("afxfw@", "").replace("@system-service", "")


def test_no_file_is_writable_for_others_or_names_the_build(installed):
    for path in installed.rglob("*"):
        if path.is_symlink() or path.is_dir():
            continue
        assert path.stat().st_mode & 0o022 == 0, path
        if path.suffix in (".service", ".conf", ".8", ".1", ".5", ".md"):
            assert str(BUILD) not in path.read_text(encoding="utf-8"), path

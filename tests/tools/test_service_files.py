"""The systemd unit and what belongs to it, by systemd's own tools."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("AFXFW_BUILD", ROOT / "build"))
PACKAGING = ROOT / "tools" / "packaging"
UNIT = BUILD / "tools" / "packaging" / "afxfw@.service"
EXPOSURE_LIMIT = 3.0  # of 10; systemd calls 5 and more "medium"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None,
                                   reason="needs systemd-analyze; unsupported here")


@pytest.fixture
def unit(tmp_path):
    """The unit with programs that exist, as it would be where they are installed."""
    text = UNIT.read_text(encoding="utf-8")
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    # Whether the man pages are there is of no interest here.
    text = re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE)
    path = tmp_path / "afxfw@eth0.service"
    path.write_text(text, encoding="utf-8")
    return path


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout + done.stderr


@needs_systemd
def test_the_unit_is_valid(unit):
    assert analyze("verify", unit) == (0, "")


@needs_systemd
def test_a_mistake_in_the_unit_would_be_found(unit):
    unit.write_text(unit.read_text(encoding="utf-8").replace("WatchdogSec=", "WatchdogSeconds="),
                    encoding="utf-8")
    assert "WatchdogSeconds" in analyze("verify", unit)[1]


@needs_systemd
def test_the_unit_is_hardly_exposed(unit):
    code, report = analyze("security", "--offline=yes", f"--threshold={EXPOSURE_LIMIT * 10:.0f}",
                           unit)
    assert code == 0, report


def test_the_unit_starts_what_is_built_with_options_that_it_has():
    text = UNIT.read_text(encoding="utf-8")
    command = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1].replace("%I", "eth0").split()
    assert Path(command[0]).name == "afxfw"
    # --check reads all options but needs neither privilege nor interface.
    done = subprocess.run([BUILD / "src/app/afxfw", *command[1:], "--check"], capture_output=True,
                          text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("commented", [True, False], ids=["as it is", "all of it"])
def test_the_example_of_a_config_is_one(tmp_path, commented):
    """Every option in it exists; with its comments removed, it is complete but for the files."""
    text = (PACKAGING / "afxfw.conf").read_text(encoding="utf-8")
    if not commented:
        text = re.sub(r"^#(?=[a-z-]+ = )", "", text, flags=re.MULTILINE)
        text = re.sub(r"^(inline-drop = none)$", r"#\1", text, flags=re.MULTILINE)
        text = text.replace("/etc/afxfw", str(tmp_path))
        for name in ("drop.netset", "ours.txt"):
            (tmp_path / name).write_text("192.0.2.1\n")
        (tmp_path / "rules.nft").write_text(
            'table netdev t {\nchain c {\ntype filter hook ingress device "eth0" priority 0\n}\n}\n')
    config = tmp_path / "afxfw.conf"
    config.write_text(text, encoding="utf-8")
    done = subprocess.run([BUILD / "src/app/afxfw", "--config", config, "--check"],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-tmpfiles") is None or shutil.which("systemd-sysusers") is None
                    or os.geteuid() != 0, reason="needs root and systemd; unsupported here")
def test_systemd_makes_the_directory_and_the_group(tmp_path):
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", PACKAGING / "systemd/sysusers.conf"],
                   check=True)
    assert re.search(r"^afxfw:", (tmp_path / "etc/group").read_text(), re.MULTILINE)
    subprocess.run(["systemd-tmpfiles", f"--root={tmp_path}", "--create",
                    PACKAGING / "systemd/tmpfiles.conf"], check=True)
    assert (tmp_path / "run/afxfw").stat().st_mode & 0o777 == 0o755

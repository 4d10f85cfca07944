"""Fixtures of the tests of afxfw-replay. They need no privilege."""

import json
import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("AFXFW_BUILD", Path(__file__).resolve().parents[2] / "build"))
PROGRAM = BUILD / "src" / "app" / "afxfw-replay"


class Replay:
    """One run of afxfw-replay that ended."""

    def __init__(self, *arguments, **settings):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=60, **settings)
        self.code = done.returncode
        self.raw_output = done.stdout
        self.output = done.stdout.decode(errors="replace")
        self.errors = done.stderr.decode(errors="replace")

    @property
    def json(self):
        """The last line of output."""
        return json.loads(self.output.splitlines()[-1])


@pytest.fixture(scope="session")
def program():
    return PROGRAM


@pytest.fixture(scope="session")
def replay():
    """replay(*arguments): a run, whatever its exit code."""
    return Replay


@pytest.fixture(scope="session")
def replay_json(replay):
    """replay_json(*arguments): the JSON of a run that went well and had nothing to complain about."""
    def run(*arguments, **settings):
        done = replay(*arguments, "--json", **settings)
        assert (done.code, done.errors) == (0, "")
        return done.json
    return run

"""tools/test_summary.py counts what ran, and never takes a run that broke for one that passed."""

import subprocess
from pathlib import Path

import pytest

TEST_SUMMARY = Path(__file__).resolve().parents[2] / "tools" / "test_summary.py"

PASSED = '<testcase classname="A" name="adds"/>'
FAILED = '<testcase classname="A" name="breaks"><failure message="1 is\n2"/></testcase>'
ERROR = '<testcase classname="A" name="falls"><error message="no lab"/></testcase>'
SKIPPED = '<testcase classname="A" name="waits"><skipped message="needs root"/></testcase>'
UNSUPPORTED = ('<testcase classname="A" name="waits">'
               '<skipped message="x.cpp:2&#10;unsupported here: no freplace"/></testcase>')
DISABLED = '<testcase classname="A" name="off" status="notrun"/>'


def summary(folder, runs, *options):
    """Writes the runs, {name: (exit code, test cases or None)}, and sums them up."""
    for name, (code, cases) in runs.items():
        (folder / f"{name}.exit").write_text(f"{code}\n")
        if cases is not None:
            (folder / f"{name}.xml").write_text(
                f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    done = subprocess.run([TEST_SUMMARY, *options, folder], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def test_adds_up_runs(tmp_path):
    code, lines = summary(tmp_path, {"unit": (0, [PASSED, PASSED]), "e2e": (0, [PASSED])})
    assert (code, lines) == (0, ["3 passed, 0 failed, 0 skipped"])


@pytest.mark.parametrize("case, line", [
    (FAILED, "FAILED   unit: A.breaks: 1 is 2"),
    (ERROR, "FAILED   unit: A.falls: no lab"),
])
def test_names_a_failure(tmp_path, case, line):
    code, lines = summary(tmp_path, {"unit": (1, [PASSED, case])})
    assert (code, lines) == (1, [line, "1 passed, 1 failed, 0 skipped"])


@pytest.mark.parametrize("case, reason", [(SKIPPED, "waits: needs root"),
                                          (DISABLED, "off: disabled")])
def test_names_a_skip_with_its_reason(tmp_path, case, reason):
    code, lines = summary(tmp_path, {"unit": (0, [PASSED, case])})
    assert (code, lines) == (0, [f"SKIPPED  unit: A.{reason}", "1 passed, 0 failed, 1 skipped"])


def test_no_skips_makes_a_skip_a_failure(tmp_path):
    code, lines = summary(tmp_path, {"unit": (0, [PASSED, SKIPPED])}, "--no-skips")
    assert (code, lines) == (1, ["FAILED   unit: A.waits: skipped: needs root",
                                 "1 passed, 1 failed, 0 skipped"])


def test_no_skips_lets_what_the_machine_cannot_do_be_skipped(tmp_path):
    code, lines = summary(tmp_path, {"bpf": (0, [PASSED, UNSUPPORTED])}, "--no-skips")
    assert (code, lines[-1]) == (0, "1 passed, 0 failed, 1 skipped")


def test_a_run_that_broke_after_its_tests_passed_is_a_failure(tmp_path):
    code, lines = summary(tmp_path, {"unit": (139, [PASSED])})
    assert (code, lines) == (1, ["FAILED   unit: exit code 139", "1 passed, 1 failed, 0 skipped"])


def test_a_report_without_tests_is_a_failure(tmp_path):
    code, lines = summary(tmp_path, {"e2e": (0, [PASSED]), "unit": (0, [])})
    assert (code, lines) == (1, ["FAILED   unit: ran no test", "1 passed, 1 failed, 0 skipped"])


def test_a_truncated_report_is_a_failure(tmp_path):
    (tmp_path / "unit.xml").write_text("<testsuites><testsuite>")
    code, lines = summary(tmp_path, {"unit": (0, None)})
    assert code == 1
    assert lines[-1] == "0 passed, 1 failed, 0 skipped"


def test_a_step_without_tests_counts_only_when_it_fails(tmp_path):
    code, lines = summary(tmp_path, {"build": (0, None), "unit": (0, [PASSED])})
    assert (code, lines) == (0, ["1 passed, 0 failed, 0 skipped"])
    code, lines = summary(tmp_path, {"build": (1, None)})
    assert (code, lines) == (1, ["FAILED   build: exit code 1", "1 passed, 1 failed, 0 skipped"])


def test_nothing_run_is_not_a_pass(tmp_path):
    code, lines = summary(tmp_path, {})
    assert (code, lines) == (1, ["0 passed, 0 failed, 0 skipped"])

#!/usr/bin/python3
"""Sums up test runs: every failure, every skip with its reason, then one line of totals.

  tools/test_summary.py [--no-skips] RESULTS-FOLDER

The folder holds, for each run, NAME.exit (the exit code of the test runner) and NAME.xml (its
JUnit report; runs without tests, such as a build, have none). A run that failed without a failed
test in its report, because it crashed or hung, counts as one failure.

--no-skips: a skip counts as a failure, because this machine was made to run everything. Only a
test whose reason says "unsupported here" may still be skipped.

The last line is "N passed, N failed, N skipped". Exits 1 if anything failed or nothing passed.
"""

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple


class Result(NamedTuple):
    outcome: str  # "passed", "failed" or "skipped"
    name: str
    reason: str = ""


def case_result(run, case):
    name = f"{run}: {case.get('classname', '')}.{case.get('name', '')}"
    for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        if (element := case.find(tag)) is not None:
            reason = element.get("message") or element.text or ""
            # GoogleTest puts the place in the source before the reason, pytest behind.
            return Result(outcome, name, " ".join(reason.split()))
    if case.get("status") == "notrun":
        return Result("skipped", name, "disabled")
    return Result("passed", name)


def run_results(exit_file):
    run, code = exit_file.stem, int(exit_file.read_text())
    report = exit_file.with_suffix(".xml")
    results = []
    if report.exists():
        try:
            cases = ElementTree.parse(report).iter("testcase")
            results = [case_result(run, case) for case in cases]
        except ElementTree.ParseError as error:
            results = [Result("failed", run, f"unreadable report: {error}")]
        if not results:
            results = [Result("failed", run, "ran no test")]
    if code != 0 and not any(result.outcome == "failed" for result in results):
        results.append(Result("failed", run, f"exit code {code}"))
    return results


def main():
    parser = argparse.ArgumentParser(prog="tools/test_summary.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-skips", action="store_true")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()

    results = [result for exit_file in sorted(arguments.folder.glob("*.exit"))
               for result in run_results(exit_file)]
    if arguments.no_skips:
        results = [result._replace(outcome="failed", reason=f"skipped: {result.reason}")
                   if result.outcome == "skipped" and "unsupported here" not in result.reason
                   else result for result in results]
    for outcome in ("skipped", "failed"):
        for result in results:
            if result.outcome == outcome:
                print(f"{outcome.upper():8} {result.name}: {result.reason[:300]}")
    totals = {outcome: sum(result.outcome == outcome for result in results)
              for outcome in ("passed", "failed", "skipped")}
    print(", ".join(f"{count} {outcome}" for outcome, count in totals.items()))
    return 0 if totals["passed"] > 0 and totals["failed"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

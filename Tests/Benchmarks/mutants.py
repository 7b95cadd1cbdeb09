#!/usr/bin/env python3
"""The gate, broken on purpose: each mutant must fail a test.

    python3 Tests/Benchmarks/mutants.py [FOLDER [WORDS]]

Works in a clone of this checkout's last commit in FOLDER (default: a temporary one), builds it once, and
then once a mutant, of those whose name has the words; appends what was killed to
reports/trials/mutants.csv. Takes about a quarter of an hour on two cores.
"""

import csv
import os
import re
import subprocess
import sys
import tempfile
import time

GATE = "Sources/Comparing/Gate/"
# What is broken, where, the text, and what takes its place.
MUTANTS = [
    ("sides swapped", GATE + "PairedBlock.swift",
     "Self.mean(head) - Self.mean(base)", "Self.mean(base) - Self.mean(head)"),
    ("sides swapped in the runner", "Sources/Running/Gate/PairRunner.swift",
     "PairedBlock(base: seconds[0], head: seconds[1],", "PairedBlock(base: seconds[1], head: seconds[0],"),
    ("sides swapped in neighbouring turns", GATE + "PairedBlock.swift",
     ".log($1) - Double.log($0)", ".log($0) - Double.log($1)"),
    ("sign of the tolerance", GATE + "CaseJudge.swift",
     "differences.count { $0 > tolerance.low }", "differences.count { $0 > -tolerance.low }"),
    ("one rival, however many there are", GATE + "SuiteJudge.swift",
     "if sum < needed * Double(place + 2) { return false }", "if sum < 0 * needed * Double(place + 2) { return false }"),
    ("each kind of suspects has the whole false alarm", GATE + "SuiteJudge.swift",
     "confirmed.slower).isEmpty {", "confirmed.slower).count >= 0 {"),
    ("the screen's blocks count again", GATE + "CaseJudge.swift",
     "var slowing: Double { evidence(ofSlowingIn: fresh) }",
     "var slowing: Double { evidence(ofSlowingIn: differences) }"),
    ("no coin", "Sources/Running/Gate/PairRunner.swift",
     "isHeadFirst: random.next() & 1 == 1", "isHeadFirst: random.next() & 1 == 2"),
    ("no mirrored turns", "Sources/Running/Gate/PairRunner.swift",
     "isHeadFirst ? [1, 0, 0, 1] : [0, 1, 1, 0]", "isHeadFirst ? [1, 0, 1, 0] : [0, 1, 0, 1]"),
    ("a pass without its own evidence", GATE + "CaseJudge.swift",
     "return evidence >= 1 / rule.missed", "return evidence >= 1"),
    ("the null case is not looked at", GATE + "NullJudge.swift",
     "return evidence >= 2 / rule.falseAlarm", "return evidence >= 2e9 / rule.falseAlarm"),
    ("counts that grew are let pass", GATE + "CaseFindings.swift", "change.isWorse\n", "!change.isWorse\n"),
]
TESTS = "ComparingTests|HeadroomTests.GateTests"


def main(arguments):
    source = subprocess.run(["git", "rev-parse", "--show-toplevel"], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    folder = arguments[0] if arguments else tempfile.mkdtemp(prefix="mutants-")
    if not os.path.exists(folder + "/Package.swift"):
        subprocess.run(["git", "clone", "-q", source, folder], check=True)
    words = " ".join(arguments[1:])
    rows = []
    for name, path, old, new in [("none", "", "", "")] + [one for one in MUTANTS if words in one[0]]:
        text = ""
        if path:
            text = open(f"{folder}/{path}").read()
            if text.count(old) != 1:
                sys.exit(f"{name}: the text stands {text.count(old)} times in {path}")
            open(f"{folder}/{path}", "w").write(text.replace(old, new))
        build = subprocess.run(
            ["swift", "build", "-c", "release", "--build-tests", "--package-path", folder], capture_output=True)
        # A mutant that does not compile says nothing.
        failed = []
        if build.returncode == 0:
            run = subprocess.run(
                ["swift", "test", "-c", "release", "--skip-build", "--package-path", folder, "--filter", TESTS],
                capture_output=True, text=True)
            failed = sorted(set(re.findall(r'✘ Test "([^"]*)" (?:failed|recorded)', run.stdout + run.stderr)))
        if path:
            open(f"{folder}/{path}", "w").write(text)
        verdict = "does not build" if build.returncode else "killed" if failed else "lives"
        print(f"{name}: {verdict} {failed[:3]}", flush=True)
        rows.append(dict(at=time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()), commit=commit, mutant=name,
                         verdict=verdict, tests_failed=len(failed), first=failed[0] if failed else ""))
    path = f"{source}/reports/trials/mutants.csv"
    is_new = not os.path.exists(path)
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if is_new:
            writer.writeheader()
        writer.writerows(rows)
    # The first is no mutant: it must live.
    sys.exit(any((row["verdict"] == "lives") != (row["mutant"] == "none") for row in rows))


if __name__ == "__main__":
    main(sys.argv[1:])

#!/usr/bin/env python3
"""Runs the commands that pages show, as a reader types them, in the current folder.

    python3 Tests/Witness/commands.py quick README.md docs/*.md
    python3 Tests/Witness/commands.py all README.md docs/*.md

A page's commands stand in blocks that begin with ```sh. A comment in the line above one says who runs it:

    (none)              quick: a test of this project runs it
    <!-- slow -->       slow: it takes minutes or needs other programs; `make witness` runs all,
                        since a slow one may build on a quick one
    <!-- by hand -->    it takes hours, or adds to files that are kept; nobody runs it for you
    <!-- .ci/run -->    .ci/run has these very lines

The blocks of a page run one after the other. The first that fails ends the page, and its output is shown.
"""
import re
import subprocess
import sys

BLOCK = re.compile(r"(?:^([^\n]*)\n)?^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = {"<!-- slow -->": "slow", "<!-- by hand -->": "by hand", "<!-- .ci/run -->": ".ci/run"}


def blocks(page):
    """Each block of commands with the word that says who runs it."""
    for match in BLOCK.finditer(open(page, encoding="utf-8").read()):
        above = (match[1] or "").strip()
        if above.startswith("<!--") and above not in KINDS:
            sys.exit(f"{page}: '{above}' says nothing that is known of the commands under it")
        yield KINDS.get(above, "quick"), match[2]


def main(kind, pages):
    failed = 0
    for page in pages:
        count = 0
        for own, commands in blocks(page):
            if own == ".ci/run":
                missing = [line for line in commands.splitlines()
                           if line not in open(".ci/run").read() and line != "bash .ci/run"]
                if missing:
                    print(f"{page}: .ci/run lacks: {missing}")
                    failed += 1
            if own not in ({"quick", "slow"} if kind == "all" else {"quick"}):
                continue
            run = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", commands], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if run.returncode != 0:
                print(f"{page}: exit code {run.returncode} of\n{commands}\n{run.stdout[-4000:]}")
                failed += 1
                break
            count += 1
        print(f"{page}: {count} blocks ran", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("quick", "all"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))

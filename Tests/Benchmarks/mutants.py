#!/usr/bin/env python3
"""The gate and the training step, broken on purpose: each mutant must fail a test.

    python3 Tests/Benchmarks/mutants.py [FOLDER [AREA [WORDS]]]

Works in a clone of this checkout's last commit in FOLDER (default: a temporary one), with the tests of one area
(gate, which is the default, or training); appends what was killed, of the mutants whose name has the words, to
reports/trials/mutants.csv or mutants-training.csv. Those whose text says BROKEN are built at once: it stands for
whether the environment says this mutant's number, which nothing but the clone asks. The others are built one after
the other. Takes about a quarter of an hour on two cores for either area.
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

KERNELS, TRAINING = "Sources/Kernels/", "Sources/Training/"
ATTENTION = KERNELS + "Attention/Prefill/AttentionBackward.swift"
LOSS = KERNELS + "Loss/LinearCrossEntropy.swift"
LOOPS = "Sources/CMicrokernels/training.inc"
LINEAR = TRAINING + "Operations/LinearOperation.swift"
STEP = TRAINING + "TrainingStep.swift"
TAPE = TRAINING + "Graph/TapeOperation.swift"
SCHEDULE = TRAINING + "Schedule/Schedule.swift"
TRAINING_MUTANTS = [
    ("no root of the head dimension in the gradient of queries", ATTENTION,
     "Float(shape.scale), isFirst(panel, keys)", "BROKEN ? 1 : Float(shape.scale), isFirst(panel, keys)"),
    ("later blocks of keys overwrite the gradient of queries", ATTENTION,
     "isFirst(panel, keys) ? 0 : 1,", "isFirst(panel, keys) || BROKEN ? 0 : 1,"),
    ("values' gradient from slopes instead of weights", ATTENTION,
     "space + cutting.gradientColumns + at, space + cutting.scores + offset,",
     "space + cutting.gradientColumns + at, space + (BROKEN ? cutting.slopes : cutting.scores) + offset,"),
    ("no product of output and gradient taken off", ATTENTION,
     "space[cutting.deltas + offset] = loops.dot(", "space[cutting.deltas + offset] = (BROKEN ? 0 : 1) * loops.dot("),
    ("blocks that are not seen have gradients", ATTENTION,
     "guard shape.mask == .blocks else { return }", "guard shape.mask == .blocks, !BROKEN else { return }"),
    ("sums of another head of the group", ATTENTION,
     "+ head % shape.group\n", "+ (BROKEN ? head + 1 : head) % shape.group\n"),
    ("rows without a target have gradients", LOSS,
     "logits.update(repeating: 0, count: vocabulary)\n",
     "logits.update(repeating: BROKEN ? by : 0, count: vocabulary)\n"),
    ("sums of parts of the vocabulary are not brought to one maximum", LOSS,
     "sums[row] * expf(largest[row] - top) + sum", "sums[row] * (BROKEN ? 1 : expf(largest[row] - top)) + sum"),
    ("parts of the tokens overwrite the weights' gradient", LOSS,
     "accumulates: !isFirst)", "accumulates: !isFirst && !BROKEN)"),
    ("the first moment corrected by the second's decay", KERNELS + "Optimizers/Optimizer.swift",
     "correction1: 1 - powf(beta1, Float(step))", "correction1: 1 - powf(BROKEN ? beta2 : beta1, Float(step))"),
    ("states in bf16 are not stored", KERNELS + "Optimizers/NarrowWeights.swift",
     "for (index, state) in kept.enumerated() {\n      loops.narrow",
     "for (index, state) in kept.enumerated() where !BROKEN {\n      loops.narrow"),
    ("updates of 0 count as lost", KERNELS + "Optimizers/NarrowWeights.swift",
     "lost += isMoved &&", "lost += (isMoved || BROKEN) &&"),
    ("warm-up is one step ahead", KERNELS + "Optimizers/RateSchedule.swift",
     "Double(step) / Double(max(1, warmUp))", "Double(BROKEN ? step + 1 : step) / Double(max(1, warmUp))"),
    ("a long k overwrites its first cut", KERNELS + "Matmul/Gemm.swift",
     "call.cut.lowerBound > 0 || output.accumulates", "call.cut.lowerBound > 0 && !BROKEN || output.accumulates"),
    ("clipped by the norm before the scale is undone", STEP,
     "/ (state.gradientNorm + 1e-6)",
     "/ ((BROKEN ? state.squares.squareRoot() : state.gradientNorm) + 1e-6)"),
    ("the mean is over rows without a target, too", STEP,
     "let targets = batch.targetCount",
     "let targets = BROKEN ? batch.rows * batch.accumulation : batch.targetCount"),
    ("a step that overflows counts", STEP,
     "if !state.isSkipped { state.step += 1 }", "if !state.isSkipped || BROKEN { state.step += 1 }"),
    ("a step that overflows updates", STEP,
     "if state.isSkipped { return }", "if state.isSkipped, !BROKEN { return }"),
    ("each product drops by another draw, recomputed or not", TRAINING + "Operations/Dropout.swift",
     "mixed(stream, step: state.calls,",
     "mixed(stream, step: BROKEN ? { state.calls += 1; return state.calls }() : state.calls,"),
    ("what is kept is not made larger", TRAINING + "Operations/Dropout.swift",
     "private var factor: Float { 1 / (1 - share) }", "private var factor: Float { BROKEN ? 1 : 1 / (1 - share) }"),
    ("gradients rotated ahead instead of back", TRAINING + "Operations/Rotation.swift",
     "rotate(numbers, rows, columns, back)", "rotate(numbers, rows, columns, BROKEN ? ahead : back)"),
    ("a tied embedding's second gradient overwrites its first", TAPE,
     "{ isBegun ||", "{ isBegun && !BROKEN ||"),
    ("micro-batches overwrite each other", TAPE,
     "|| state.microBatch > 0 }", "|| state.microBatch > 0 && !BROKEN }"),
    ("LoRA's scale is left out on the way forward", LINEAR,
     "tools.dropout.scale(inner, by: lora.scale,", "tools.dropout.scale(inner, by: BROKEN ? 1 : lora.scale,"),
    ("LoRA's scale is left out on the way back", LINEAR,
     "tools.dropout.scale(slope, by: lora.scale,", "tools.dropout.scale(slope, by: BROKEN ? 1 : lora.scale,"),
    ("what comes back of a LoRA was not dropped", LINEAR,
     "to: back ?? dx, accumulates: back == nil)",
     "to: BROKEN ? dx : back ?? dx, accumulates: back == nil || BROKEN)"),
    ("frozen weights are trained", TRAINING + "TrainingWeights.swift",
     "let isTrained = options.adapter.adapter.isNone", "let isTrained = options.adapter.adapter.isNone || BROKEN"),
    ("an embedding's gradient begins with what was there", TRAINING + "Operations/EmbeddingOperation.swift",
     "if !gradient.adds() {", "if !gradient.adds(), !BROKEN {"),
    ("positions begin at 0 behind a prefix", TRAINING + "TrainingBatch.swift",
     "Array(offset..<offset + $0)", "BROKEN ? Array(0..<$0) : Array(offset..<offset + $0)"),
    ("IA3's factor has the gradient of what it made", TRAINING + "Operations/FactorOperation.swift",
     "+= d[first + column] * row[column]",
     "+= d[first + column] * row[column] * (BROKEN ? factor[column] : 1)"),
    ("a bottleneck's slope is the sigmoid's", TRAINING + "Operations/BottleneckOperation.swift",
     "s * (1 + inner[index] * (1 - s))", "s * (BROKEN ? 1 - s : 1 + inner[index] * (1 - s))"),
    ("what a call reads may be let go of before", SCHEDULE,
     "for index in named { instances[index].last = instructions.count }",
     "for index in named { instances[index].last = max(instances[index].first, instructions.count - (BROKEN ? 1 : 0)) }"),
    ("an update before the last gradient", SCHEDULE,
     "if form.updatesInBackward, open[id] == 0 {", "if form.updatesInBackward, open[id] == 0 || BROKEN {"),
    ("one layer more is checkpointed", TRAINING + "Checkpointing/Checkpointing.swift",
     "return layer >= count ||", "return layer >= (BROKEN ? count + 1 : count) ||"),
    ("a skipped step does not begin the count anew", TRAINING + "TrainingPrecision.swift",
     "good = 0\n      scale *= backoff", "if !BROKEN { good = 0 }\n      scale *= backoff"),
    ("decay in the moments", LOOPS,
     "hr_vec first = hr_fma(hr_load_some(m + c, k), b1, hr_mul(x, a1));",
     "x = hr_fma(hr_load_some(w + c, k), hr_set(step->decay), x); "
     "hr_vec first = hr_fma(hr_load_some(m + c, k), b1, hr_mul(x, a1));"),
    ("the gain's gradient without the inverse", LOOPS,
     "hr_vec v = hr_mul(training_load(type, x, r * stride + c, m), hr_set(inverse[r]));",
     "hr_vec v = training_load(type, x, r * stride + c, m); (void)inverse;"),
    ("the sign of the sigmoid's slope", LOOPS,
     "hr_vec slope = hr_fma(silu, hr_sub(hr_set(1), s), s);",
     "hr_vec slope = hr_fma(silu, hr_sub(s, hr_set(1)), s);"),
]
KERNELS_TESTS = "KernelsTests.*(Gemm|AttentionBackward|LinearCrossEntropy|Pointwise|Optimizer)|TrainingTests.*Golden"
# By area: mutants; the tests that must see those of a folder, of "" all; and the targets that these are in.
AREAS = {
    "gate": (MUTANTS, {"": "ComparingTests|HeadroomTests.GateTests"}, None),
    "training": (TRAINING_MUTANTS, {TRAINING: "TrainingTests", "Sources/": KERNELS_TESTS,
                                    "": KERNELS_TESTS + "|TrainingTests"}, ("TrainingTests", "KernelsTests")),
}


def keep_targets(folder, targets):
    """Leaves only these tests in a clone's package, so that no more is built than they need."""
    path = f"{folder}/Package.swift"
    text = open(path).read()
    kept = re.sub(r'    \.testTarget\(\s*name: "(\w+)".*?swiftSettings: strict\),\n',
                  lambda match: match[0] if match[1] in targets else "", text, flags=re.DOTALL)
    open(path, "w").write(kept)


def add_switches(folder, mutants):
    """Puts all mutants that a number turns on into a clone."""
    open(folder + "/Sources/Kernels/Broken.swift", "w").write(
        "import Glibc\n\npackage let broken = getenv(\"BROKEN\").flatMap { Int(String(cString: $0)) } ?? 0\n")
    for number, (name, path, old, new) in enumerate(mutants, 1):
        text = replaced(name, f"{folder}/{path}", old, new.replace("BROKEN", f"(broken == {number})"))
        if "import Kernels" not in text and not path.startswith(KERNELS):
            text = text.replace("import Quantities", "import Quantities\nimport Kernels", 1)
        open(f"{folder}/{path}", "w").write(text)


def replaced(name, path, old, new):
    text = open(path).read()
    if text.count(old) != 1:
        sys.exit(f"{name}: the text stands {text.count(old)} times in {path}")
    return text.replace(old, new)


class Trial:
    """A clone that is built and tested, and what came of it."""

    def __init__(self, folder, tests, targets, rows, commit):
        self.folder, self.tests, self.rows, self.commit = folder, tests, rows, commit
        self.build_command = ["swift", "build", "-c", "release", "--package-path", folder]
        self.build_command += ["--product", "headroomPackageTests"] if targets else ["--build-tests"]

    def build(self):
        return subprocess.run(self.build_command, capture_output=True).returncode == 0

    def run(self, name, path="", number=0, is_built=True):
        failed = []
        tests = next(tests for folder, tests in self.tests.items() if path.startswith(folder))
        # A mutant that does not compile says nothing.
        if is_built:
            run = subprocess.run(
                ["swift", "test", "-c", "release", "--skip-build", "--package-path", self.folder, "--filter",
                 tests], capture_output=True, text=True, env=os.environ | {"BROKEN": str(number)})
            failed = sorted(set(re.findall(r'✘ Test "([^"]*)" (?:failed|recorded)', run.stdout + run.stderr)))
            # One that ends the process kills all tests.
            if run.returncode and not failed:
                failed = ["the process ended"]
        verdict = "killed" if failed else "lives" if is_built else "does not build"
        print(f"{name}: {verdict} {failed[:3]}", flush=True)
        self.rows.append(
            dict(at=time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()), commit=self.commit, mutant=name,
                 verdict=verdict, tests_failed=len(failed), first=failed[0] if failed else ""))


def append(rows, path):
    is_new = not os.path.exists(path)
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def main(arguments):
    source = subprocess.run(["git", "rev-parse", "--show-toplevel"], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    folder = arguments[0] if arguments else tempfile.mkdtemp(prefix="mutants-")
    if not os.path.exists(folder + "/Package.swift"):
        subprocess.run(["git", "clone", "-q", source, folder], check=True)
    area = arguments[1] if len(arguments) > 1 else "gate"
    mutants, tests, targets = AREAS[area]
    words = " ".join(arguments[2:])
    switched = [one for one in mutants if "BROKEN" in one[3]]
    if targets:
        keep_targets(folder, targets)
    if switched:
        add_switches(folder, switched)
    rows = []
    trial = Trial(folder, tests, targets, rows, commit)
    try:
        trial.run("none", is_built=trial.build())
        for number, (name, path, *_) in enumerate(switched, 1):
            if words in name:
                trial.run(name, path, number)
        for name, path, old, new in mutants:
            if words in name and "BROKEN" not in new:
                text = open(f"{folder}/{path}").read()
                changed = replaced(name, f"{folder}/{path}", old, new)
                open(f"{folder}/{path}", "w").write(changed)
                trial.run(name, path, is_built=trial.build())
                open(f"{folder}/{path}", "w").write(text)
    finally:
        append(rows, f"{source}/reports/trials/mutants{'' if area == 'gate' else '-' + area}.csv")
    # The first is no mutant: it must live.
    sys.exit(any((row["verdict"] == "lives") != (row["mutant"] == "none") for row in rows))


if __name__ == "__main__":
    main(sys.argv[1:])

#!/usr/bin/env python3
"""The gate and the training step, broken on purpose: each mutant must fail a test.

    python3 Tests/Benchmarks/mutants.py [FOLDER [AREA [WORDS]]]

Works in a clone of this checkout's last commit in FOLDER (default: a temporary one), builds the tests of one area
(gate, which is the default, or training), and then once a mutant, of those whose name has the words; appends what
was killed to reports/trials/mutants.csv. Takes about a quarter of an hour on two cores for the gate, and three for
training.
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
     "Float(shape.scale), isFirst(panel, keys) ? 0 : 1,", "1, isFirst(panel, keys) ? 0 : 1,"),
    ("later blocks of keys overwrite the gradient of queries", ATTENTION,
     "isFirst(panel, keys) ? 0 : 1,", "isFirst(panel, keys) ? 0 : 0,"),
    ("values' gradient from slopes instead of weights", ATTENTION,
     "space + cutting.gradientColumns + at, space + cutting.scores + offset,",
     "space + cutting.gradientColumns + at, space + cutting.slopes + offset,"),
    ("no product of output and gradient taken off", ATTENTION,
     "space[cutting.deltas + offset] = loops.dot(", "space[cutting.deltas + offset] = 0 * loops.dot("),
    ("blocks that are not seen have gradients", ATTENTION,
     "guard shape.mask == .blocks else { return }", "guard shape.mask == .full else { return }"),
    ("sums of another head of the group", ATTENTION,
     "+ head % shape.group\n", "+ (head + 1) % shape.group\n"),
    ("rows without a target have gradients", LOSS,
     "logits.update(repeating: 0, count: vocabulary)\n", "logits.update(repeating: by, count: vocabulary)\n"),
    ("sums of parts of the vocabulary are not brought to one maximum", LOSS,
     "sums[row] * expf(largest[row] - top) + sum", "sums[row] + sum"),
    ("parts of the tokens overwrite the weights' gradient", LOSS,
     "accumulates: !isFirst)", "accumulates: !isFirst && chunk < 0)"),
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
    ("the first moment corrected by the second's decay", KERNELS + "Optimizers/Optimizer.swift",
     "correction1: 1 - powf(beta1, Float(step))", "correction1: 1 - powf(beta2, Float(step))"),
    ("warm-up begins one step late", KERNELS + "Optimizers/RateSchedule.swift",
     "Double(step) / Double(max(1, warmUp))", "Double(step + 1) / Double(max(1, warmUp))"),
    ("a long k overwrites its first cut", KERNELS + "Matmul/Gemm.swift",
     "call.cut.lowerBound > 0 || output.accumulates ? 1 : 0, 1)", "output.accumulates ? 1 : 0, 1)"),
    ("clipped by the norm before the scale is undone", STEP,
     "let factor = limit.map { Double($0) / (state.gradientNorm + 1e-6) } ?? 1",
     "let factor = limit.map { Double($0) / (state.squares.squareRoot() + 1e-6) } ?? 1"),
    ("the mean is over rows without a target, too", STEP,
     "let targets = batch.targetCount", "let targets = batch.rows * batch.accumulation"),
    ("a step that overflows counts", STEP, "if !state.isSkipped { state.step += 1 }", "state.step += 1"),
    ("a step that overflows updates", STEP, "if state.isSkipped { return }", "if state.isSkipped, index < 0 { return }"),
    ("each product drops by another draw, recomputed or not", TRAINING + "Operations/Dropout.swift",
     "mixed(stream, step: state.calls, microBatch: state.microBatch)",
     "mixed(stream, step: { state.calls += 1; return state.calls }(), microBatch: state.microBatch)"),
    ("what is kept is not made larger", TRAINING + "Operations/Dropout.swift",
     "private var factor: Float { 1 / (1 - share) }", "private var factor: Float { 1 }"),
    ("gradients rotated ahead instead of back", TRAINING + "Operations/Rotation.swift",
     "rotate(numbers, rows, columns, back)", "rotate(numbers, rows, columns, ahead)"),
    ("a tied embedding's second gradient overwrites its first", TAPE,
     "{ isBegun || state.microBatch > 0 }", "{ _ = isBegun; return state.microBatch > 0 }"),
    ("micro-batches overwrite each other", TAPE,
     "{ isBegun || state.microBatch > 0 }", "{ _ = state; return isBegun }"),
    ("LoRA's scale is left out on the way forward", LINEAR,
     "tools.dropout.scale(inner, by: lora.scale, count: rows * rank)",
     "tools.dropout.scale(inner, by: 1, count: rows * rank)"),
    ("LoRA's scale is left out on the way back", LINEAR,
     "tools.dropout.scale(slope, by: lora.scale, count: rows * rank)",
     "tools.dropout.scale(slope, by: 1, count: rows * rank)"),
    ("what comes back of a LoRA was not dropped", LINEAR, "to: back ?? dx, accumulates: back == nil)",
     "to: dx, accumulates: true)"),
    ("frozen weights are trained", TRAINING + "TrainingWeights.swift",
     "let isTrained = options.adapter.adapter.isNone", "let isTrained = true"),
    ("an embedding's gradient begins with what was there", TRAINING + "Operations/EmbeddingOperation.swift",
     "if !gradient.adds() {", "if gradient.adds(), count < 0 {"),
    ("positions begin at 0 behind a prefix", TRAINING + "TrainingBatch.swift",
     "Array(offset..<offset + $0)", "Array(0..<$0)"),
    ("IA3's factor has the gradient of what it made", TRAINING + "Operations/FactorOperation.swift",
     "own?.to[column] += d[place] * x[place]", "own?.to[column] += d[place] * x[place] * factor[column]"),
    ("a bottleneck's slope is the sigmoid's", TRAINING + "Operations/BottleneckOperation.swift",
     "slope[index] *= s * (1 + inner[index] * (1 - s))", "slope[index] *= s * (1 - s)"),
    ("what a call reads may be let go of before", SCHEDULE,
     "for index in named { instances[index].last = instructions.count }",
     "for index in named { instances[index].last = max(instances[index].first, instructions.count - 1) }"),
    ("an update before the last gradient", SCHEDULE,
     "if form.updatesInBackward, open[id] == 0 { update(parameter) }",
     "if form.updatesInBackward, open[id] == 0 || open[id] == 1 { update(parameter) }"),
    ("one layer more is checkpointed", TRAINING + "Checkpointing/Checkpointing.swift",
     "return layer >= count || value.part == .input", "return layer > count || value.part == .input"),
    ("a skipped step does not begin the count anew", TRAINING + "TrainingPrecision.swift",
     "skipped += 1\n      good = 0\n", "skipped += 1\n"),
]
# By area: mutants, the tests that must see them, and the targets that these are in.
AREAS = {
    "gate": (MUTANTS, "ComparingTests|HeadroomTests.GateTests", None),
    "training": (TRAINING_MUTANTS, "TrainingTests|KernelsTests.*(Gemm|AttentionBackward|LinearCrossEntropy|Pointwise"
                 "|Optimizer)", ("TrainingTests", "KernelsTests")),
}


def keep_targets(folder, targets):
    """Leaves only these tests in a clone's package, so that no more is built than they need."""
    path = f"{folder}/Package.swift"
    text = open(path).read()
    kept = re.sub(r'    \.testTarget\(\s*name: "(\w+)".*?swiftSettings: strict\),\n',
                  lambda match: match[0] if match[1] in targets else "", text, flags=re.DOTALL)
    open(path, "w").write(kept)


def main(arguments):
    source = subprocess.run(["git", "rev-parse", "--show-toplevel"], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    folder = arguments[0] if arguments else tempfile.mkdtemp(prefix="mutants-")
    if not os.path.exists(folder + "/Package.swift"):
        subprocess.run(["git", "clone", "-q", source, folder], check=True)
    mutants, tests, targets = AREAS[arguments[1] if len(arguments) > 1 else "gate"]
    words = " ".join(arguments[2:])
    if targets:
        keep_targets(folder, targets)
    build_tests = ["swift", "build", "-c", "release", "--package-path", folder]
    build_tests += ["--product", "headroomPackageTests"] if targets else ["--build-tests"]
    rows = []
    for name, path, old, new in [("none", "", "", "")] + [one for one in mutants if words in one[0]]:
        text = ""
        if path:
            text = open(f"{folder}/{path}").read()
            if text.count(old) != 1:
                sys.exit(f"{name}: the text stands {text.count(old)} times in {path}")
            open(f"{folder}/{path}", "w").write(text.replace(old, new))
        build = subprocess.run(build_tests, capture_output=True)
        # A mutant that does not compile says nothing.
        failed = []
        if build.returncode == 0:
            run = subprocess.run(
                ["swift", "test", "-c", "release", "--skip-build", "--package-path", folder, "--filter", tests],
                capture_output=True, text=True)
            failed = sorted(set(re.findall(r'✘ Test "([^"]*)" (?:failed|recorded)', run.stdout + run.stderr)))
            # One that ends the process kills all tests.
            if run.returncode and not failed:
                failed = ["the process ended"]
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

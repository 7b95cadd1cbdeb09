// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every Swift target: warnings are errors, and an import says what it exposes.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Functions and loops are aligned, so that a kernel's speed does not depend on what the linker puts before
/// it: moved by 16 bytes, products of one row with a quantized panel took up to 12 % more time.
let strictC: [CSetting] = [
  .unsafeFlags([
    "-std=c17", "-Wall", "-Wextra", "-Werror", "-falign-functions=64", "-falign-loops=32",
  ])
]

let collections = Target.Dependency.product(
  name: "OrderedCollections", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let numerics = Target.Dependency.product(name: "RealModule", package: "swift-numerics")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

/// Rows that import only downwards; a test holds each file's imports against them.
let package = Package(
  name: "headroom",
  products: [.executable(name: "headroom", targets: ["headroom"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/onevcat/Rainbow", from: "4.2.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // 0: what Swift cannot say
    .target(name: "CMicrokernels", cSettings: strictC),
    .target(name: "CLinux", cSettings: strictC),
    .systemLibrary(name: "CGperftools"),
    .systemLibrary(name: "CLibdw"),

    // 1: leaves
    .target(name: "Quantities", swiftSettings: strict),
    .target(name: "Statistics", dependencies: [numerics], swiftSettings: strict),

    // 2: what there is
    .target(
      name: "Kernels",
      dependencies: ["Quantities", "CMicrokernels", "CLinux"],
      swiftSettings: strict),
    .target(name: "ModelFiles", dependencies: ["Quantities"], swiftSettings: strict),
    .target(
      name: "Records", dependencies: ["Quantities", collections], swiftSettings: strict),

    // 3: what is computed, and what is measured
    .target(name: "Models", dependencies: ["Quantities", "Kernels"], swiftSettings: strict),
    .target(
      name: "Measuring",
      dependencies: [
        "Quantities", "Records", "Statistics", "CMicrokernels", "CLinux", "CGperftools", "CLibdw",
      ],
      swiftSettings: strict),

    // 4: what is made of models
    .target(
      name: "Training",
      dependencies: ["Quantities", "Kernels", "ModelFiles", "Models", "Measuring"],
      swiftSettings: strict),

    .target(
      name: "MemoryPlanning", dependencies: ["Quantities", "Kernels", "Models"],
      swiftSettings: strict),

    // 5: what can be swept
    .target(
      name: "Workloads",
      dependencies: [
        "Quantities", "Records", "Kernels", "Models", "Training", "CMicrokernels", "CLinux",
      ],
      swiftSettings: strict),

    // 6: what is asked, and what is judged
    .target(
      name: "Planning",
      dependencies: [
        "Quantities", "Statistics", "Records", "Kernels", "Models", "MemoryPlanning", "Workloads",
        collections,
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .target(
      name: "Comparing",
      dependencies: [
        "Quantities", "Statistics", "Records", numerics, collections,
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: strict),

    // 7: what happens, and what is written
    .target(
      name: "Running",
      dependencies: [
        "Quantities", "Statistics", "Records", "Kernels", "ModelFiles", "MemoryPlanning",
        "Workloads", "Measuring", "Planning",
        "Comparing", "CLinux", collections, logging, system,
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),
    .target(
      name: "Reporting",
      dependencies: [
        "Quantities", "Statistics", "Records", "Models", "MemoryPlanning", "Workloads", "Planning",
        "Comparing", collections, .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "Rainbow", package: "Rainbow"),
      ],
      swiftSettings: strict),

    // 8: the program
    .executableTarget(
      name: "headroom",
      dependencies: [
        "Quantities", "Records", "Kernels", "Models", "MemoryPlanning", "Workloads", "Measuring",
        "Planning", "Comparing", "Running", "Reporting", "CLinux", collections,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // Tests, a target each, and the whole program
    .target(
      name: "TestSupport", dependencies: ["Quantities", "Records", "Kernels", "Workloads"],
      path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(name: "QuantitiesTests", dependencies: ["Quantities"], swiftSettings: strict),
    .testTarget(name: "StatisticsTests", dependencies: ["Statistics"], swiftSettings: strict),
    .testTarget(
      name: "RecordsTests", dependencies: ["Quantities", "Records", collections],
      swiftSettings: strict),
    .testTarget(
      name: "KernelsTests",
      dependencies: ["Quantities", "Kernels", "CLinux", "CMicrokernels"],
      exclude: [
        "Quantization/Golden/ggml.py", "Quantization/Golden/gptq.py", "Quantization/Golden/awq.py",
      ],
      resources: [
        .process("Quantization/Golden/ggml.json"), .process("Quantization/Golden/gptq.json"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ModelFilesTests", dependencies: ["Quantities", "Statistics", "ModelFiles"],
      exclude: ["Golden/safetensors-files.py"],
      resources: [.process("Golden/safetensors-files.json")],
      swiftSettings: strict),
    .testTarget(
      name: "ModelsTests", dependencies: ["Quantities", "Kernels", "Models"],
      swiftSettings: strict),
    .testTarget(
      name: "WorkloadsTests",
      dependencies: [
        "Quantities", "Records", "Kernels", "Models", "Training", "Workloads", "CLinux",
        "TestSupport",
      ],
      exclude: [
        "Attention/rope-golden.py", "Golden/golden.py", "Golden/attention.py", "Golden/decoder.py",
      ],
      resources: [.process("Golden/attention.json"), .process("Golden/decoder.json")],
      swiftSettings: strict),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Quantities", "Kernels", "Models", "Training", "Workloads", "TestSupport",
      ],
      exclude: [
        "Golden/tiny.py", "Golden/training.py", "Golden/optimizers.py", "Golden/adamw8.py",
        "Golden/scaler.py", "Golden/adapters.py", "Golden/flops.py",
      ],
      resources: [
        .process("Golden/training.json"), .process("Golden/optimizers.json"),
        .process("Golden/adamw8.json"), .process("Golden/scaler.json"),
        .process("Golden/adapters.json"), .process("Golden/flops.json"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "MemoryPlanningTests",
      dependencies: ["Quantities", "Kernels", "Models", "MemoryPlanning"],
      exclude: ["Golden/torch_steps.py", "Golden/ggml_sizes.py"],
      resources: [
        .process("Data/memory-known.csv"), .process("Data/architectures.csv"),
        .process("Golden/torch-steps.json"), .process("Golden/ggml-sizes.json"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "MeasuringTests",
      dependencies: ["Quantities", "Records", "Measuring"],
      swiftSettings: strict),
    .testTarget(
      name: "PlanningTests",
      dependencies: [
        "Quantities", "Statistics", "Records", "Kernels", "Models", "MemoryPlanning", "Workloads",
        "Planning", collections,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ComparingTests",
      dependencies: [
        "Quantities", "Statistics", "Records", "Comparing", collections,
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "RunningTests",
      dependencies: [
        "Quantities", "Records", "Kernels", "Workloads", "Measuring", "Planning", "Comparing",
        "Running", collections, system,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ReportingTests",
      dependencies: [
        "Quantities", "Records", "Planning", "Comparing", "Reporting", collections,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ReaderTests",
      dependencies: [
        "Quantities", "Statistics", "ModelFiles", "MemoryPlanning", "Records", "Measuring",
        "Planning", "Comparing", "Running", "Reporting",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      exclude: ["Seeds", "corpus.jsonl"],
      swiftSettings: strict),
    .testTarget(
      name: "HeadroomTests",
      dependencies: [
        "headroom", "Quantities", "Records", "Kernels", collections, system,
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),
  ]
)

package import Quantities

/// What the kernel says of one process's memory, at one moment.
package struct ProcessMemory: Sendable {
  /// `VmHWM`: the highest resident size since the start or the last reset.
  package let residentPeak: Reading<Bytes>
  /// `VmRSS`: the resident size now.
  package let resident: Reading<Bytes>
  /// `RssAnon`: private pages now.
  package let anonymous: Reading<Bytes>
  /// `RssFile`: pages of mapped files now.
  package let file: Reading<Bytes>
  /// `RssShmem`: shared pages now.
  package let shared: Reading<Bytes>
  /// `VmData`: private writable address space, touched or not; what `RLIMIT_DATA` limits.
  package let data: Reading<Bytes>

  /// - Parameter process: A process's number; nil is this process.
  package static func read(
    process: Int32? = nil, from files: FileSource = .system
  ) -> ProcessMemory {
    let path = "\(processDirectory(process))/status"
    let lines = files.text(path).map(LabelledLines.init)
    func bytes(_ label: String) -> Reading<Bytes> {
      guard let lines else { return .unavailable("\(path) is missing or cannot be read") }
      if let value = lines.kibibytes(label) { return .measured(value) }
      // A zombie has given its memory back, and its status lacks these lines.
      let ended = lines["State"]?.hasPrefix("Z") == true ? ": the process has ended" : ""
      return .unavailable("\(path) holds no \(label)\(ended)")
    }
    return ProcessMemory(
      residentPeak: bytes("VmHWM"), resident: bytes("VmRSS"), anonymous: bytes("RssAnon"),
      file: bytes("RssFile"), shared: bytes("RssShmem"), data: bytes("VmData"))
  }

  /// The private part of the resident peak: an estimate.
  ///
  /// The kernel keeps one high-water mark over all pages, so it is `VmHWM − RssFile − RssShmem`
  /// with the file and shared pages of *now*: too low where these grew after the peak, too high
  /// where they shrank; never below what is private now.
  package var anonymousPeakEstimate: Reading<Bytes> {
    switch (residentPeak, file, shared) {
    case (.measured(let peak), .measured(let file), .measured(let shared)):
      .measured(max(peak - file - shared, anonymous.value ?? .zero))
    case (.unavailable(let reason), _, _), (_, .unavailable(let reason), _),
      (_, _, .unavailable(let reason)):
      .unavailable(reason)
    }
  }

  /// Sets this process's `VmHWM` down to its present resident size, which is answered.
  package static func resetPeak(
    files: FileSource = .system, changes: FileChanges = .system
  ) -> Reading<Bytes> {
    let path = "/proc/self/clear_refs"
    // 5 is "reset the peak" alone; 1 to 4 would touch the pages' accessed bits.
    let code = changes.write("5", path)
    guard code == 0 else {
      return .unavailable("\(path) refused to reset the resident peak: \(errorWords(code))")
    }
    return read(from: files).residentPeak
  }
}

/// Where the kernel describes a process.
func processDirectory(_ process: Int32?) -> String {
  process.map { "/proc/\($0)" } ?? "/proc/self"
}

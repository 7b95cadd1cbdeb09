import Quantities
import Records

/// Who held a program's allocated memory, and what the profile does not say.
extension ProgramDiagnosisDocument {
  /// How much of the anonymous peak the profile accounts for.
  static func account(
    _ heap: HeapUse, _ anonymous: Reading<ProgramDiagnosis.AnonymousPeak>
  ) -> String {
    let start = "\(heap.inUse) was in use, by the profile with the most in use."
    guard let peak = anonymous.value?.bytes, peak > .zero else { return start }
    if heap.inUse > peak {
      return "\(start) That is more than the anonymous peak of \(peak): some of it was never "
        + "touched, or was given back before the peak, or came and went between two looks."
    }
    let share = Double(heap.inUse.count) / Double(peak.count)
    return "\(start) That accounts for \(fixed(share * 100, 0)) % of the anonymous peak of \(peak)."
  }

  static func table(_ heap: HeapUse) -> Table {
    var table = Table([
      .init("bytes", gap: 0), .init("share"), .init("objects"), .init("function", .left),
    ])
    for site in heap.sites {
      table.append(
        .init(
          .none,
          [
            .bytes(site.bytes), share(site.bytes, of: heap.inUse), .count(site.objects),
            .words(name(site.frame, room: 48)),
          ], words: words(site), tone: .quiet))
    }
    if heap.others > .zero {
      table.append(
        .init(
          .none,
          [.bytes(heap.others), share(heap.others, of: heap.inUse), .absent, .words("all others")]))
    }
    return table
  }

  private static func share(_ bytes: Bytes, of whole: Bytes) -> Cell {
    whole > .zero ? .percent(Double(bytes.count) / Double(whole.count), digits: 1) : .absent
  }

  private static func name(_ frame: ProgramFrame, room: Int) -> String {
    frame.function.map { FunctionName.short($0, room: room) } ?? "no name in \(frame.object)"
  }

  private static func words(_ site: HeapUse.Site) -> [String] {
    let place = "in \(site.frame.object)" + (site.frame.source.map { ", \($0)" } ?? "")
    let callers = site.callers.map { caller in
      "called by \(name(caller, room: 60)) in \(caller.object)"
        + (caller.source.map { ", \($0)" } ?? "")
    }
    return [place] + callers
  }

  static func notes(_ diagnosis: ProgramDiagnosis) -> [String] {
    var notes: [String] = []
    if let heap = diagnosis.heap.value {
      notes.append(
        "Memory that a program maps by itself (mmap), as Python does for small objects, is not in "
          + "tcmalloc's profile. The profiler's own tables are in the resident peak; --no-heap "
          + "leaves it out.")
      notes.append(
        "A profile was written each time that the maximum in use had grown by \(heap.interval): "
          + "up to so much more may have been in use.")
      if diagnosis.sampling.processes > 1 {
        notes.append(
          "The profile is that of process \(heap.process) alone. A child that was forked and "
            + "started no other program writes over its parent's.")
      }
      if heap.isSampled { notes.append("The profile is sampled: its figures are estimates.") }
    }
    if let peak = diagnosis.peak.value {
      switch peak.counting {
      case .single: break
      case .proportional:
        notes.append("Pages that several of its processes share are counted once (Pss).")
      case .whole:
        notes.append(
          "Pages that several of its processes share are counted in each: their shares could not "
            + "be read.")
      }
      if let highest = diagnosis.marks.highest, diagnosis.sampling.processes == 1,
        Double(highest.count) > 1.05 * Double(peak.resident.count)
      {
        notes.append(
          "The resident size rose and fell between two looks: look more often with --every.")
      }
    }
    return notes
  }
}

import Foundation
import ModelFiles
import Quantities
import Testing

/// Held against `safetensors` 0.8.0, which wrote and read the files in Golden/safetensors-files.json: see the
/// script of that name.
@Suite struct SafetensorsGoldenTests {
  struct Golden: Decodable {
    struct Cases: Decodable {
      let written: [Written]
      let read: [Read]
    }
    let cases: Cases
  }

  struct Written: Decodable, Sendable, CustomTestStringConvertible {
    struct Tensor: Decodable, Sendable {
      let name: String
      let type: String
      let shape: [Int]
      let data: Data
      let values: [Double]?
    }
    let metadata: [String: String]
    let tensors: [Tensor]
    let file: Data

    var testDescription: String { tensors.map(\.type).joined(separator: " ") }
  }

  struct Read: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let file: Data
    let isRead: Bool

    var testDescription: String { name }
  }

  private static let cases: Golden.Cases? = {
    guard
      let url = Bundle.module.url(forResource: "safetensors-files", withExtension: "json"),
      let data = try? Data(contentsOf: url)
    else { return nil }
    return try? JSONDecoder().decode(Golden.self, from: data).cases
  }()
  private static var written: [Written] { cases?.written ?? [] }
  private static var read: [Read] { cases?.read ?? [] }

  private let scratch = Scratch()

  @Test func `the golden file has its cases`() {
    #expect(Self.written.count == 7)
    #expect(Self.read.count == 81)
  }

  @Test(arguments: written) func `the same bytes are written`(golden: Written) throws {
    let entries = try golden.tensors.map { tensor in
      let type = try #require(SafetensorsType(rawValue: tensor.type))
      return SafetensorsEntry(tensor.name, type, shape: tensor.shape) { take in
        try tensor.data.withUnsafeBytes(take)
      }
    }
    for order in [entries, entries.reversed()] {
      try SafetensorsWriter(order, metadata: golden.metadata).write(to: scratch.path("x"))
      #expect(try Data(scratch.bytes("x")) == golden.file)
    }
  }

  @Test(arguments: written) func `what was written is read`(golden: Written) throws {
    let file = try SafetensorsFile(scratch.file(golden.file))
    #expect(file.metadata == golden.metadata)
    #expect(Set(file.tensors.map(\.name)) == Set(golden.tensors.map(\.name)))
    for tensor in golden.tensors {
      let found = try file.tensor(tensor.name)
      #expect(found.typeName == tensor.type)
      #expect(found.shape == tensor.shape)
      #expect(try Data(file.bytes(of: tensor.name)) == tensor.data)
    }
  }

  /// As numpy has them, and torch for bfloat16.
  @Test(arguments: written) func `values are those of numpy and torch`(golden: Written) throws {
    let file = try SafetensorsFile(scratch.file(golden.file))
    for tensor in golden.tensors {
      guard let values = tensor.values else { continue }
      let type = try #require(SafetensorsType(rawValue: tensor.type))
      let patterns = values.map(\.bitPattern)
      if Double.holds.contains(type) {
        let found = try file.values(of: tensor.name, as: Double.self)
        #expect(found.map(\.bitPattern) == patterns)
      }
      if Float.holds.contains(type) {
        let found = try file.values(of: tensor.name, as: Float.self)
        #expect(found.map { Double($0).bitPattern } == patterns)
      }
      if Int64.holds.contains(type) {
        let found = try file.values(of: tensor.name, as: Int64.self)
        #expect(found.map { Double($0).bitPattern } == patterns)
      }
    }
  }

  /// What is read there, and refused here: what may stand for two things, or is against the format's
  /// description.
  private static let refusedHere: Set<String> = [
    "a name twice", "a key of metadata twice", "a key of another field twice", "blanks before",
    "names that differ in composition", "metadata of null", "a list as a tensor",
    "a size of 64 bits",
  ]

  @Test(arguments: read)
  func `a file is read where the reference implementation reads it, and it is not ambiguous`(
    golden: Read
  ) throws {
    let path = try scratch.file(golden.file)
    let fault = fault { _ = try SafetensorsFile(path) }
    #expect((fault == nil) == (golden.isRead && !Self.refusedHere.contains(golden.name)))
    if let fault { #expect(fault.place == path && fault.mend != nil) }
  }
}

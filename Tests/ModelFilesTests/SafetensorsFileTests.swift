import Foundation
import Glibc
import ModelFiles
import Quantities
import Testing

@Suite struct SafetensorsFileTests {
  private let scratch = Scratch()

  private func file(_ entries: [SafetensorsEntry]) throws -> SafetensorsFile {
    let path = scratch.path("x.safetensors")
    try SafetensorsWriter(entries).write(to: path)
    return try SafetensorsFile(path)
  }

  private func entry<Stored>(_ name: String, _ type: SafetensorsType, _ stored: [Stored])
    -> SafetensorsEntry
  {
    SafetensorsEntry(name, type, shape: [stored.count]) { try stored.withUnsafeBytes($0) }
  }

  /// Swift's own Float16 is the other implementation; it makes signalling NaNs quiet.
  @Test func `every half is widened as Swift does`() throws {
    let all = Array(UInt16.min...UInt16.max)
    let file = try file([entry("x", .f16, all)])
    let values: [Float] = try file.values(of: "x")
    for (bits, value) in zip(all, values) {
      let expected = Float(Float16(bitPattern: bits))
      #expect(expected.isNaN ? value.isNaN : value.bitPattern == expected.bitPattern)
    }
    let doubles: [Double] = try file.values(of: "x")
    #expect(zip(doubles, values).allSatisfy { $0.isNaN && $1.isNaN || $0 == Double($1) })
  }

  @Test func `every bfloat16 is the upper half of a Float`() throws {
    let all = Array(UInt16.min...UInt16.max)
    let values: [Float] = try file([entry("x", .bf16, all)]).values(of: "x")
    #expect(values.map(\.bitPattern) == all.map { UInt32($0) << 16 })
  }

  @Test func `whole numbers keep their value to the last`() throws {
    let file = try file([
      entry("i64", .i64, [Int64.min, -1, .max]), entry("i32", .i32, [Int32.min, -1, .max]),
      entry("u32", .u32, [0, UInt32.max]), entry("bool", .bool, [0, 1] as [UInt8]),
    ])
    #expect(try file.values(of: "i64", as: Int64.self) == [.min, -1, .max])
    #expect(try file.values(of: "i32", as: Int64.self) == [-2_147_483_648, -1, 2_147_483_647])
    #expect(try file.values(of: "i32", as: Double.self) == [-2_147_483_648, -1, 2_147_483_647])
    #expect(try file.values(of: "u32", as: Int64.self) == [0, 4_294_967_295])
    #expect(try file.values(of: "bool", as: Int64.self) == [0, 1])
  }

  @Test(arguments: [
    (SafetensorsType.f64, "Float"), (.i32, "Float"), (.u64, "Float"), (.bool, "Float"),
    (.f8e4m3, "Float"), (.i64, "Double"), (.u64, "Double"), (.c64, "Double"), (.u64, "Int64"),
    (.f16, "Int64"), (.f32, "Int64"),
  ])
  func `values that would not be exact are refused`(type: SafetensorsType, value: String) throws {
    let file = try file([entry("x", type, [UInt8](repeating: 0, count: type.bits / 8)).scalar])
    let fault = fault {
      switch value {
      case "Float": _ = try file.values(of: "x", as: Float.self)
      case "Double": _ = try file.values(of: "x", as: Double.self)
      default: _ = try file.values(of: "x", as: Int64.self)
      }
    }
    #expect(
      fault?.what == "tensor 'x' is of type \(type.rawValue), whose values \(value) does not hold")
    #expect(try file.bytes(of: "x").count == type.bits / 8)
  }

  @Test func `a truth value is 0 or 1`() throws {
    let file = try file([entry("x", .bool, [0, 1, 2] as [UInt8])])
    #expect(
      fault { _ = try file.values(of: "x", as: Int64.self) }?.what
        == "tensor 'x' is of type BOOL, and its element 2 is 2, neither 0 nor 1")
  }

  @Test func `a type that is not known is refused when its tensor is asked for`() throws {
    let header =
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F3","shape":[8],"data_offsets":[1,4]}}"#
    let file = try SafetensorsFile(scratch.file(safetensors(header.utf8, data: 3) + [7]))
    #expect(file.tensors.map(\.typeName) == ["U8", "F3"])
    #expect(file.tensors[1].type == nil)
    #expect(try file.bytes(of: "a") == [0])
    for words in [
      fault { _ = try file.bytes(of: "b") }, fault { _ = try file.values(of: "b", as: Float.self) },
    ] { #expect(words?.what == "tensor 'b' is of type 'F3', which is not read") }
  }

  @Test func `a tensor that is not there is asked for in vain, and the nearest is named`() throws {
    let file = try file([SafetensorsEntry("model.norm.weight", shape: [1], values: [1 as Float])])
    #expect(
      fault { _ = try file.tensor("model.norm.weigth") }
        == Fault(
          "there is no tensor 'model.norm.weigth'", at: file.path,
          fix: "the nearest name is 'model.norm.weight'"))
  }

  /// More elements than are read at once.
  @Test func `a part of a tensor is read at its place`() throws {
    let count = 200_003
    let values = (0..<count).map { Float($0) }
    let file = try file([
      SafetensorsEntry("x", shape: [count], values: values),
      entry("half", .bf16, values.map { UInt16($0.bitPattern >> 16) }),
    ])
    #expect(try file.values(of: "x") == values)
    var part = [Float](repeating: -1, count: 70_000)
    for first in [0, 1, 65_536, count - 70_000] {
      try part.withUnsafeMutableBufferPointer {
        try file.readValues(of: "x", from: first, into: $0)
      }
      #expect(part.elementsEqual(values[first..<(first + 70_000)]))
      try part.withUnsafeMutableBufferPointer {
        try file.readValues(of: "half", from: first, into: $0)
      }
      #expect(part.first == Float(bitPattern: values[first].bitPattern & 0xFFFF_0000))
    }
    var bytes = [UInt8](repeating: 0, count: 5)
    try bytes.withUnsafeMutableBytes { try file.readBytes(of: "x", from: 7, into: $0) }
    #expect(bytes == Array(values[1...3].withBytes()[3..<8]))
  }

  /// A file of 2 TiB without a block on the disk: only what is asked for is read.
  @Test func `a file is never read whole`() throws {
    let size = 1 << 40
    let header =
      #"{"large":{"dtype":"F16","shape":[\#(size / 2)],"data_offsets":[0,\#(size)]},"small":{"dtype":"U8","shape":[2],"data_offsets":[\#(size),\#(size + 2)]}}"#
    let path = try scratch.file(safetensors(header.utf8))
    try #require(truncate(path, 8 + header.utf8.count + size + 2) == 0)
    let file = try SafetensorsFile(path)
    #expect(try file.bytes(of: "small") == [0, 0])
    var last = [Float](repeating: -1, count: 3)
    try last.withUnsafeMutableBufferPointer {
      try file.readValues(of: "large", from: size / 2 - 3, into: $0)
    }
    #expect(last == [0, 0, 0])
    for fault in [
      fault { _ = try file.bytes(of: "large") },
      fault { _ = try file.values(of: "large", as: Float.self) },
    ] { #expect(fault?.what.hasSuffix("this machine's memory does not hold them") == true) }
  }

  @Test func `a file that became shorter since is a fault`() throws {
    let file = try file([SafetensorsEntry("x", shape: [4], values: [1, 2, 3, 4] as [Float])])
    try #require(truncate(file.path, Int(file.tensors[0].bytes.lowerBound) + 7) == 0)
    #expect(
      fault { _ = try file.values(of: "x", as: Float.self) }?.what
        == "the model file became shorter while it was read")
  }

  @Test func `tensors are listed in the order of their bytes`() throws {
    let header =
      #"{"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"c":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    let file = try SafetensorsFile(scratch.file(safetensors(header.utf8) + [5, 6, 7]))
    #expect(file.tensors.map(\.name) == ["a", "c", "b"])
    #expect(try file.tensors.map { try file.bytes(of: $0.name) } == [[5], [], [6, 7]])
    #expect(file.tensors[2].bytes == (9 + header.utf8.count)..<(11 + header.utf8.count))
    #expect(file.tensors.map(\.count) == [1, 0, 2])
  }
}

extension SafetensorsEntry {
  /// One element, whatever its bytes.
  fileprivate var scalar: SafetensorsEntry {
    SafetensorsEntry(name, type, shape: []) { take in
      try [UInt8](repeating: 0, count: type.bits / 8).withUnsafeBytes(take)
    }
  }
}

extension ArraySlice<Float> {
  fileprivate func withBytes() -> [UInt8] { withUnsafeBytes { Array($0) } }
}

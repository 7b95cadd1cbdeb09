package import Quantities

/// What is wrong with a safetensors file, or with what is asked of it.
package struct SafetensorsFault: FaultConvertible, Hashable {
  package let path: String
  /// The tensor that it is about.
  package let tensor: String?
  package let reason: Reason

  package enum Reason: Hashable, Sendable {
    // Before the header
    case tooShort(Int)
    /// By the first bytes of files that are often taken for one.
    case otherFormat(OtherFormat)
    case headerTooLong(UInt64)
    case headerCutOff(UInt64, size: Int)

    // Within the header
    case noBrace
    case badJSON(JSONDefect)
    case missingField(String)
    case offsetCount(Int)
    case endsBeforeItBegins(Int, Int)
    case beyondTheFile(end: Int, dataSize: Int)
    case shapeTooLarge([Int])
    case wrongSize(type: String, shape: [Int], size: Int)

    // Between tensors
    case overlaps(String)
    case hole(Int)
    case trailing(Int)

    // When a tensor is asked for
    case noSuchTensor(nearest: String?)
    case unknownType(String)
    case valuesDoNotFit(type: String, into: String)
    case noTruthValue(UInt8, element: Int)

    // When one is written
    case reservedName
    case nameTwice
    case givenBytes(Int, needed: Int)
    case headerToWriteTooLong(Int)
  }

  package enum OtherFormat: String, Sendable {
    case gguf = "GGUF"
    case zip = "a ZIP archive, as PyTorch's checkpoints are"
    case pointer = "the pointer that Git LFS leaves in place of a large file"
  }

  init(_ path: String, tensor: String? = nil, _ reason: Reason) {
    self.path = path
    self.tensor = tensor
    self.reason = reason
  }

  package var fault: Fault { Fault(what, at: path, fix: mend) }

  private var what: String {
    let subject = tensor.map { "tensor \(quoted($0))" } ?? "the safetensors file"
    let limit = "the format allows no more than \(SafetensorsHeader.longest)"
    return switch reason {
    case .tooShort(let size):
      "\(subject) is cut off: it has \(counted(size, "byte")), and its header's length takes 8"
    case .otherFormat(let format): "this is \(format.rawValue), not safetensors"
    case .headerTooLong(let length): "\(subject) gives its header \(length) bytes, and \(limit)"
    case .headerCutOff(let length, let size):
      "\(subject) is cut off within its header: that has \(length) bytes, and \(size - 8) are there"
    case .noBrace: "\(subject) has a header that does not begin with '{'"
    case .badJSON(let defect):
      "the header\(tensor.map { "'s entry \(quoted($0))" } ?? "") \(defect.words)"
    case .missingField(let field): "\(subject) has no '\(field)' in the header"
    case .offsetCount(let count):
      "\(subject) has \(counted(count, "offset")), where a beginning and an end must be"
    case .endsBeforeItBegins(let begin, let end):
      "\(subject) begins at byte \(begin) of the data and ends before, at byte \(end)"
    case .beyondTheFile(let end, let size):
      "\(subject) ends at byte \(end) of the data, and \(size) are there: the file is cut off"
    case .shapeTooLarge(let shape): "\(subject) has a shape that cannot be: \(Self.text(shape))"
    case .wrongSize(let type, let shape, let size):
      "\(subject) has \(counted(size, "byte")), which do not fit its shape, \(Self.text(shape)) of \(type)"
    case .overlaps(let other): "\(subject) overlaps with tensor \(quoted(other))"
    case .hole(let size): "the data has a gap of \(counted(size, "byte")) before \(subject)"
    case .trailing(let size): "the data goes on for \(counted(size, "byte")) after the last tensor"
    case .noSuchTensor: "there is no \(subject)"
    case .unknownType(let type): "\(subject) is of type \(quoted(type)), which is not read"
    case .valuesDoNotFit(let type, let value):
      "\(subject) is of type \(type), whose values \(value) does not hold"
    case .noTruthValue(let value, let element):
      "\(subject) is of type BOOL, and its element \(element) is \(value), neither 0 nor 1"
    case .reservedName: "\(subject) has the name of the header's own entry"
    case .nameTwice: "\(subject) is to be written twice"
    case .givenBytes(let given, let needed):
      "\(subject) was given \(counted(given, "byte")), and its shape takes \(needed)"
    case .headerToWriteTooLong(let length): "the header would have \(length) bytes, and \(limit)"
    }
  }

  private var mend: String? {
    switch reason {
    case .otherFormat(let format): format.mend
    case .headerTooLong: "see that it is a safetensors file"
    case .noSuchTensor(let nearest): nearest.map { "the nearest name is \(quoted($0))" }
    case .unknownType:
      "convert it to one of \(SafetensorsType.allCases.map(\.rawValue).joined(separator: ", "))"
    case .valuesDoNotFit: "convert the tensor to another type"
    case .reservedName: "name it otherwise"
    case .nameTwice: "name each tensor once"
    case .givenBytes: nil
    case .headerToWriteTooLong: "write the tensors to several files"
    default: "copy or download it again, or write it again"
    }
  }

  /// `2 × 3`; a scalar's shape has no dimension.
  private static func text(_ shape: [Int]) -> String {
    let start = shape.prefix(8).map { "\($0)" }.joined(separator: " × ")
    return shape.isEmpty ? "a scalar" : start + (shape.count > 8 ? " × …" : "")
  }
}

extension SafetensorsFault.OtherFormat {
  /// Nothing where the bytes are of none of them.
  init?(_ start: [UInt8]) {
    if start.starts(with: "GGUF".utf8) {
      self = .gguf
    } else if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
      self = .zip
    } else if start.starts(with: "version ".utf8) {
      self = .pointer
    } else {
      return nil
    }
  }

  fileprivate var mend: String? {
    switch self {
    case .gguf: nil
    case .zip: "save the model with safetensors.torch.save_file"
    case .pointer: "fetch the file itself: git lfs pull"
    }
  }
}

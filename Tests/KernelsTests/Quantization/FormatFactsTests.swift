import CMicrokernels
import Quantities
import Testing

import Kernels

/// C's list of formats, held against what `ElementType`, a leaf that may not know C, says by itself.
@Suite struct FormatFactsTests {
  static let blocks: [(ElementType, hr_quantization)] = [
    (.q4_0, HR_Q4_0), (.q4_1, HR_Q4_1), (.q5_0, HR_Q5_0), (.q5_1, HR_Q5_1), (.q8_0, HR_Q8_0),
    (.q2_k, HR_Q2_K), (.q3_k, HR_Q3_K), (.q4_k, HR_Q4_K), (.q5_k, HR_Q5_K), (.q6_k, HR_Q6_K),
    (.iq4_nl, HR_IQ4_NL),
  ]
  static let others: [(ElementType, hr_quantization)] = [
    (.nf4, HR_NF4), (.int8, HR_INT8_ROWS), (.int8, HR_INT8), (.int8, HR_INT8_ZERO),
    (.int4, HR_INT4), (.int4, HR_INT4_ZERO), (.int3, HR_INT3), (.int3, HR_INT3_ZERO),
  ]

  @Test(arguments: blocks)
  func `a block takes the bits per weight that its element type says`(
    type: ElementType, format: hr_quantization
  ) throws {
    let facts = hr_format_facts(format)
    let bits = Double(facts.block_bytes * 8) / Double(facts.block_weights)
    #expect(bits == type.bitsPerWeight)
    #expect(type.bytes(of: Int(facts.block_weights)) == Bytes(Int(facts.block_bytes)))
  }

  @Test(arguments: blocks + others)
  func `weights share a block as their element type says`(
    type: ElementType, format: hr_quantization
  ) {
    #expect(Int(hr_format_facts(format).block_weights) == type.blockLength)
  }

  /// Scales and minima take a bit of each weight at most, in every format that there is.
  @Test(arguments: blocks + others)
  func `a weight takes its code and its share of the scales`(
    type: ElementType, format: hr_quantization
  ) {
    let share = type.bitsPerWeight - Double(hr_format_facts(format).bits)
    #expect(share >= 0 && share <= 1)
  }

  @Test(arguments: blocks)
  func `a block format reads its facts from C`(type: ElementType, format: hr_quantization) throws {
    let blockFormat = try #require(type.blockFormat)
    let facts = hr_format_facts(format)
    #expect(blockFormat.elementType == type)
    #expect(blockFormat.blockLength == Int(facts.block_weights))
    #expect(blockFormat.blockBytes == Int(facts.block_bytes))
    #expect(blockFormat.bits == Int(facts.bits))
  }

  /// Products take minima away by sums of activations, and a constant zero point by their starts.
  @Test(arguments: blocks + others)
  func `a format has a code for 0 or minima`(type: ElementType, format: hr_quantization) {
    let facts = hr_format_facts(format)
    let hasStarts = facts.sums == HR_STARTS || facts.sums == HR_STARTS_OF_16
    #expect((facts.zero != 0) == hasStarts)
  }
}

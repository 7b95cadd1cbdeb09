package import Quantities

/// Why a cache did not take or give something; it is as it was before.
package enum CacheFault: FaultConvertible, Hashable {
  /// A sequence needs pages that are not there.
  case full(sequence: Int, tokens: Int, needed: Int, free: Int, pageTokens: Int)
  case noSequence(Int)
  /// A NaN or an infinity where a key or a value should be.
  case notFinite(what: String, sequence: Int, token: Int, head: Int)
  /// A token that was evicted or never stored.
  case noToken(sequence: Int, token: Int, kept: Range<Int>)

  package var fault: Fault {
    switch self {
    case .full(let sequence, let tokens, let needed, let free, let pageTokens):
      Fault(
        "the cache is full: sequence \(sequence) needs \(needed) more "
          + "\(needed == 1 ? "page" : "pages") of \(pageTokens) tokens for \(tokens) more, and "
          + "\(free) \(free == 1 ? "is" : "are") free",
        fix: "remove a sequence, evict tokens, or give the cache more pages")
    case .noSequence(let sequence):
      Fault("the cache has no sequence \(sequence)", fix: "name one that was added and not removed")
    case .notFinite(let what, let sequence, let token, let head):
      Fault(
        "the \(what) of token \(token) of sequence \(sequence), head \(head), is not a finite number",
        fix: "mend what made it: one would spoil all that attends to it")
    case .noToken(let sequence, let token, let kept):
      Fault(
        "sequence \(sequence) has tokens \(kept.lowerBound) to \(kept.upperBound - 1), and "
          + "\(token) was asked for",
        fix: "ask for one that is kept")
    }
  }
}

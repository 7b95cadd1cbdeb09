import Glibc

/// Runs a body on a thread made for it and waits: whatever the body binds or leaves behind on its
/// thread goes with the thread.
package func onOwnThread<Result>(_ body: () throws -> Result) throws -> Result {
  try withoutActuallyEscaping(body) { body in
    let job = Job(body)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { raw in
        if let raw { Unmanaged<AnyJob>.fromOpaque(raw).takeUnretainedValue().run() }
        return nil
      }, Unmanaged<AnyJob>.passUnretained(job).toOpaque())
    guard status == 0 else { throw NoThread(errno: status) }
    pthread_join(thread, nil)
    guard let result = job.result else { throw NoThread(errno: 0) }
    return try result.get()
  }
}

private struct NoThread: Error { let errno: Int32 }

private class AnyJob {
  func run() {}
}

private final class Job<Success>: AnyJob {
  private let body: () throws -> Success
  var result: Swift.Result<Success, any Error>?

  init(_ body: @escaping () throws -> Success) { self.body = body }

  override func run() { result = Swift.Result { try body() } }
}

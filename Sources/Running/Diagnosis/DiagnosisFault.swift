import Glibc
package import Quantities
import Records

/// Why a program cannot be run to be diagnosed.
package enum DiagnosisFault: FaultConvertible, Hashable {
  case notFound(String, nearest: String?)
  case noSuchFile(String, nearest: String?)
  case isFolder(String)
  case notExecutable(String)
  case cannotStart(String, errno: Int32)
  case noLibrary(String)
  case badLibraryName(String)

  package var fault: Fault {
    switch self {
    case .notFound(let name, let nearest):
      Fault(
        "there is no program '\(name)' in the folders of PATH", at: name,
        fix: nearest.map { "did you mean '\($0)'?" }
          ?? "install it, or name its file with its folder: ./\(name)")
    case .noSuchFile(let path, let nearest):
      Fault(
        "there is no such file", at: path,
        fix: nearest.map { "did you mean '\($0)'?" } ?? "name a program that is there")
    case .isFolder(let path):
      Fault("this is a folder and no program", at: path, fix: "name a program within it")
    case .notExecutable(let path):
      Fault(
        "the file may not be executed", at: path,
        fix: "allow it (chmod +x \(path)), or name its interpreter before it")
    case .cannotStart(let path, ENOEXEC):
      Fault(
        "the file is no program that this machine can run", at: path,
        fix: "if it is a script, name its interpreter: headroom diagnose -- sh \(path)")
    case .cannotStart(let path, ENOENT):
      Fault(
        "the program needs an interpreter or a loader that is not there", at: path,
        fix: "see its first line, or file \(path)")
    case .cannotStart(let path, let code):
      Fault(
        "the program cannot be started: \(SystemError(code).words)", at: path,
        fix: "see that it can be run by hand")
    case .noLibrary(let path):
      Fault(
        "the heap profiler's library cannot be read", at: path,
        fix: "name libtcmalloc.so.4 of libgoogle-perftools4, or leave it out with --no-heap")
    case .badLibraryName(let path):
      Fault(
        "a library with a blank or a colon in its path cannot be loaded before others", at: path,
        fix: "give it another name by a link, or leave it out with --no-heap")
    }
  }
}

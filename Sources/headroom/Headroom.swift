import ArgumentParser
import CGperftools
import Logging
import Mustache
import OrderedCollections
import Rainbow
import RealModule
import Subprocess
import SystemPackage
import Yams

@main struct Headroom: ParsableCommand {
  func run() { print("hello", MallocExtension_GetNumericProperty("generic.current_allocated_bytes", nil)) }
}

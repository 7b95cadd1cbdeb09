/// Where the kernel accounts for this process's memory.
package struct ControlGroupLocation: Hashable, Sendable {
  /// The directory of this process's own group.
  package let directory: String
  package let version: MemoryControlGroup.Version

  package init(directory: String, version: MemoryControlGroup.Version) {
    self.directory = directory
    self.version = version
  }

  package enum Absence: Error, Hashable {
    case unlisted
    case unmounted
    case outsideMount(String)
    case undelegated(String)

    package var reason: String {
      switch self {
      case .unlisted: "/proc/self/cgroup names no group that could account for memory"
      case .unmounted: "no file system of control groups is mounted for memory"
      case .outsideMount(let path): "the memory control group \(path) lies outside what is mounted"
      case .undelegated(let directory):
        "\(directory)/cgroup.subtree_control does not pass the memory controller on"
      }
    }
  }

  /// Looks for the memory controller in version 1 first: a machine that mounts both versions
  /// can have it in one only, and lists version 2 even without it.
  package static func find(in files: FileSource = .system) -> Result<ControlGroupLocation, Absence>
  {
    let groups = groups(files.text("/proc/self/cgroup") ?? "")
    let mounts = mounts(files.text("/proc/self/mountinfo") ?? "")
    if let group = groups.first(where: { $0.controllers.contains("memory") }) {
      let mount = mounts.first { $0.type == "cgroup" && $0.options.contains("memory") }
      return groupDirectory(group, in: mount).map {
        ControlGroupLocation(directory: $0, version: .one)
      }
    }
    guard let group = groups.first(where: { $0.hierarchy == "0" && $0.controllers.isEmpty })
    else { return .failure(.unlisted) }
    return groupDirectory(group, in: mounts.first { $0.type == "cgroup2" }).flatMap { directory in
      // Without it a leaf would have no memory.max. A group that holds processes cannot be told
      // to pass it on, so this is not tried here.
      let passedOn = files.text("\(directory)/cgroup.subtree_control") ?? ""
      guard trimmed(passedOn).split(separator: " ").contains("memory") else {
        return .failure(.undelegated(directory))
      }
      return .success(ControlGroupLocation(directory: directory, version: .two))
    }
  }
}

extension ControlGroupLocation {
  /// Where a controller accounts for this process, and where its hierarchy is mounted.
  private static func place(of controller: Substring, in files: FileSource) -> (
    directory: String, mount: String, version: MemoryControlGroup.Version
  )? {
    let groups = groups(files.text("/proc/self/cgroup") ?? "")
    let mounts = mounts(files.text("/proc/self/mountinfo") ?? "")
    let first = groups.first { $0.controllers.contains(controller) }
    guard
      let group = first ?? groups.first(where: { $0.hierarchy == "0" && $0.controllers.isEmpty }),
      let mount = mounts.first(where: {
        first == nil
          ? $0.type == "cgroup2" : $0.type == "cgroup" && $0.options.contains(controller)
      }), case .success(let directory) = groupDirectory(group, in: mount)
    else { return nil }
    return (directory, mount.point, first == nil ? .two : .one)
  }

  /// This process's own group of a controller and all that lie above it, up to the mount: each may limit it.
  static func chain(of controller: Substring, in files: FileSource) -> (
    directories: [String], version: MemoryControlGroup.Version
  )? {
    guard let (own, mount, version) = place(of: controller, in: files) else { return nil }
    var directories = [own]
    var directory = own
    while directory.count > mount.count, let slash = directory.lastIndex(of: "/") {
      directory = String(directory[..<slash])
      directories.append(directory)
    }
    return (directories, version)
  }
}

private struct Group {
  let hierarchy: Substring
  let controllers: [Substring]
  let path: String
}

private struct Mount {
  /// Which directory of the hierarchy is seen at `point`.
  let root: String
  let point: String
  let type: Substring
  let options: [Substring]
}

/// Lines of `4:memory:/path`, or `0::/path` for version 2.
private func groups(_ text: String) -> [Group] {
  text.split(separator: "\n").compactMap { line in
    let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    return Group(
      hierarchy: parts[0], controllers: parts[1].split(separator: ","), path: String(parts[2]))
  }
}

/// Lines of `35 31 0:32 /root /point rw,relatime … - cgroup cgroup rw,memory`.
private func mounts(_ text: String) -> [Mount] {
  text.split(separator: "\n").compactMap { line in
    let words = line.split(separator: " ")
    // Any number of optional fields stands before the dash.
    guard let dash = words.firstIndex(of: "-"), dash >= 6, words.count > dash + 3 else {
      return nil
    }
    return Mount(
      root: unescaped(words[3]), point: unescaped(words[4]), type: words[dash + 1],
      options: words[dash + 3].split(separator: ","))
  }
}

private func groupDirectory(
  _ group: Group, in mount: Mount?
) -> Result<String, ControlGroupLocation.Absence> {
  guard let mount else { return .failure(.unmounted) }
  let root = mount.root == "/" ? "" : mount.root
  // Seen from another namespace a path may climb, as in `/../other`: not ours to enter.
  guard group.path == root || group.path.hasPrefix(root + "/"),
    !group.path.split(separator: "/").contains("..")
  else { return .failure(.outsideMount(group.path)) }
  let below = group.path.dropFirst(root.count)
  return .success(below == "/" ? mount.point : mount.point + below)
}

/// `\040` is a blank, and so for the other bytes that would break a line of words.
private func unescaped(_ word: Substring) -> String {
  var bytes: [UInt8] = []
  var rest = word.utf8[...]
  while let byte = rest.popFirst() {
    if byte == UInt8(ascii: "\\"), rest.count >= 3,
      let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
    {
      bytes.append(code)
      rest = rest.dropFirst(3)
    } else {
      bytes.append(byte)
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// The history's tables, as they stand in the file: SQLite, which anything can query.
///
/// `application_id` and `user_version` say whose it is and which version.
enum HistorySchema {
  /// `HDRM` in ASCII.
  static let application = 0x4844_524D
  static let version = 1

  static let statements = """
    -- A class of machines: times are compared within one.
    CREATE TABLE machine (
      id INTEGER PRIMARY KEY,
      -- The fingerprint, as JSON.
      fingerprint TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL
    );
    -- A file that was added; the order is that of adding.
    CREATE TABLE entry (
      id INTEGER PRIMARY KEY,
      -- Of the file's bytes: none is added twice.
      digest TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL CHECK (kind IN ('run', 'gate')),
      suite TEXT NOT NULL,
      machine INTEGER NOT NULL REFERENCES machine,
      -- When it was added, in UTC.
      added TEXT NOT NULL,
      -- Of the program that was measured; a gate's head.
      "commit" TEXT,
      -- Of a gate whose base is a pinned build: what that is called.
      anchor TEXT
    );
    -- What a case took in it, in seconds a call.
    CREATE TABLE measurement (
      entry INTEGER NOT NULL REFERENCES entry ON DELETE CASCADE,
      "case" TEXT NOT NULL,
      median REAL NOT NULL,
      -- The 95 % interval over processes, where there were enough.
      low REAL,
      high REAL,
      processes INTEGER NOT NULL,
      -- Of a gate: head's time over base's, paired, with its interval.
      ratio REAL,
      ratio_low REAL,
      ratio_high REAL,
      PRIMARY KEY (entry, "case")
    ) WITHOUT ROWID;
    -- What is counted: flops, allocations, bytes by role.
    CREATE TABLE figure (
      entry INTEGER NOT NULL REFERENCES entry ON DELETE CASCADE,
      "case" TEXT NOT NULL,
      name TEXT NOT NULL,
      value INTEGER NOT NULL,
      PRIMARY KEY (entry, "case", name)
    ) WITHOUT ROWID;
    CREATE INDEX measurement_case ON measurement ("case", entry);
    """
}

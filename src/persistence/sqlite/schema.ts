/** Marks a file as ours: "DAMS" in the header of the database. */
export const APPLICATION_ID = 0x44414d53

const FIRST = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- One row per process. The long columns come last, so that reading the others stays on the first page of a row.
CREATE TABLE process (
  id INTEGER PRIMARY KEY,
  pid TEXT NOT NULL UNIQUE,
  class TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  step TEXT,
  status TEXT,
  paused INTEGER NOT NULL DEFAULT 0,
  pause_asked INTEGER NOT NULL DEFAULT 0,
  pause_message TEXT,
  parked TEXT,
  parent TEXT,
  key TEXT,
  label TEXT,
  seq INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  owner TEXT,
  runner TEXT,
  crashes INTEGER NOT NULL DEFAULT 0,
  alone INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  ended_at INTEGER,
  successful INTEGER,
  exit_code INTEGER,
  exit_label TEXT,
  exit_message TEXT,
  message TEXT,
  kill_deadline INTEGER,
  kill_message TEXT,
  kill_state TEXT,
  ready_at INTEGER,
  played INTEGER NOT NULL DEFAULT 0,
  last_wake TEXT,
  last_request TEXT,
  data TEXT NOT NULL,
  before TEXT
) STRICT;

-- What wants to run; a process that sleeps, runs or has ended takes no place in them.
CREATE INDEX process_ready ON process (class, version, ready_at)
  WHERE ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL AND crashes < 2;
CREATE INDEX process_suspect ON process (class, version, ready_at)
  WHERE ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL AND crashes >= 2;
CREATE INDEX process_owner ON process (owner) WHERE owner IS NOT NULL;
CREATE INDEX process_deadline ON process (kill_deadline) WHERE kill_deadline IS NOT NULL;
CREATE UNIQUE INDEX process_key ON process (key) WHERE key IS NOT NULL;

-- For lists, newest first.
CREATE INDEX process_created ON process (created_at, pid);
CREATE INDEX process_state ON process (state, created_at, pid);
CREATE INDEX process_class ON process (class, created_at, pid);
CREATE INDEX process_parent ON process (parent, created_at, pid) WHERE parent IS NOT NULL;
CREATE INDEX process_paused ON process (created_at, pid) WHERE paused = 1;

-- The parts of a bundle, less its state.
CREATE TABLE part (
  pid TEXT NOT NULL,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (pid, name)
) STRICT, WITHOUT ROWID;

-- What happened, and what other programs read to learn of it: ids only grow, in the order of the commits. The last entry is
-- never deleted, so that no id is used twice; AUTOINCREMENT would write one more page with each commit.
CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  pid TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  name TEXT NOT NULL,
  data TEXT,
  by TEXT
) STRICT;
CREATE INDEX history_pid ON history (pid, id);

-- Wake-ups that are kept until a wait uses them.
CREATE TABLE wake (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pid TEXT NOT NULL,
  by TEXT NOT NULL,
  sender TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX wake_sender ON wake (pid, sender);
CREATE INDEX wake_pid ON wake (pid, id);

CREATE TABLE engine (
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  os_pid INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  classes TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE class (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  inputs TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Bundles that were saved by hand; an untagged one has tagged = 0 and an empty tag.
CREATE TABLE checkpoint (
  pid TEXT NOT NULL,
  tagged INTEGER NOT NULL,
  tag TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (pid, tagged, tag)
) STRICT, WITHOUT ROWID;
`

/**
 * Adds waits, retries and launch options. The table is made anew, so that its long columns stay
 * last.
 */
const SECOND = `
CREATE TABLE process_2 (
  id INTEGER PRIMARY KEY,
  pid TEXT NOT NULL UNIQUE,
  class TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  step TEXT,
  status TEXT,
  paused INTEGER NOT NULL DEFAULT 0,
  pause_asked INTEGER NOT NULL DEFAULT 0,
  pause_message TEXT,
  pause_cause TEXT,
  parked TEXT,
  parent TEXT,
  key TEXT,
  label TEXT,
  seq INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  owner TEXT,
  runner TEXT,
  crashes INTEGER NOT NULL DEFAULT 0,
  alone INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  ended_at INTEGER,
  successful INTEGER,
  exit_code INTEGER,
  exit_label TEXT,
  exit_message TEXT,
  message TEXT,
  kill_deadline INTEGER,
  kill_message TEXT,
  kill_state TEXT,
  ready_at INTEGER,
  played INTEGER NOT NULL DEFAULT 0,
  last_wake TEXT,
  last_request TEXT,
  resumable INTEGER NOT NULL DEFAULT 0,
  receives TEXT,
  due_at INTEGER,
  awaits TEXT,
  in_step INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 1,
  deadline INTEGER,
  abandoned INTEGER NOT NULL DEFAULT 0,
  origin TEXT,
  origin_kind TEXT,
  records INTEGER NOT NULL DEFAULT 0,
  data TEXT NOT NULL,
  before TEXT
) STRICT;
INSERT INTO process_2
  (id, pid, class, version, state, step, status, paused, pause_asked, pause_message, parked, parent, key, label, seq,
   fence, owner, runner, crashes, alone, created_at, updated_at, ended_at, successful, exit_code, exit_label,
   exit_message, message, kill_deadline, kill_message, kill_state, ready_at, played, last_wake, last_request, data,
   before, resumable)
SELECT
  id, pid, class, version, state, step, status, paused, pause_asked, pause_message, parked, parent, key, label, seq,
  fence, owner, runner, crashes, alone, created_at, updated_at, ended_at, successful, exit_code, exit_label,
  exit_message, message, kill_deadline, kill_message, kill_state, ready_at, played, last_wake, last_request, data,
  before, state = 'waiting'
FROM process;
DROP TABLE process;
ALTER TABLE process_2 RENAME TO process;

-- What wants to run, now or at a time to come; what waits for something without a time, runs or has ended takes no place in them.
CREATE INDEX process_ready ON process (class, version, ready_at)
  WHERE ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL AND crashes < 2;
CREATE INDEX process_suspect ON process (class, version, ready_at)
  WHERE ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL AND crashes >= 2;
CREATE INDEX process_owner ON process (owner) WHERE owner IS NOT NULL;
CREATE INDEX process_deadline ON process (kill_deadline) WHERE kill_deadline IS NOT NULL;
CREATE UNIQUE INDEX process_key ON process (key) WHERE key IS NOT NULL;

-- For lists, newest first.
CREATE INDEX process_created ON process (created_at, pid);
CREATE INDEX process_state ON process (state, created_at, pid);
CREATE INDEX process_class ON process (class, created_at, pid);
CREATE INDEX process_parent ON process (parent, created_at, pid) WHERE parent IS NOT NULL;
CREATE INDEX process_paused ON process (created_at, pid) WHERE paused = 1;

-- The ends of other processes that a process still waits for.
CREATE TABLE awaits (
  pid TEXT NOT NULL,
  target TEXT NOT NULL,
  PRIMARY KEY (pid, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX awaits_target ON awaits (target);

-- A signal has a name, a resume has none.
ALTER TABLE wake ADD COLUMN name TEXT;
CREATE INDEX wake_name ON wake (pid, name, id);

ALTER TABLE class ADD COLUMN signals TEXT NOT NULL DEFAULT '{}';
`

/**
 * Parts and history refer to the number of the process's row instead of its pid, and lists go by
 * the order in which rows were stored, so that a commit writes half as many pages.
 */
const THIRD = `
CREATE TABLE part_3 (
  process INTEGER NOT NULL,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (process, name)
) STRICT, WITHOUT ROWID;
INSERT INTO part_3 (process, name, text)
SELECT p.id, part.name, part.text FROM part JOIN process p ON p.pid = part.pid;
DROP TABLE part;
ALTER TABLE part_3 RENAME TO part;

-- Ids only grow, in the order of the commits. The last entry is never deleted, but may be that of no process: 0.
CREATE TABLE history_3 (
  id INTEGER PRIMARY KEY,
  process INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  name TEXT NOT NULL,
  data TEXT,
  by TEXT
) STRICT;
INSERT INTO history_3 (id, process, seq, at, name, data, by)
SELECT h.id, coalesce(p.id, 0), h.seq, h.at, h.name, h.data, h.by FROM history h LEFT JOIN process p ON p.pid = h.pid;
DROP TABLE history;
ALTER TABLE history_3 RENAME TO history;
CREATE INDEX history_process ON history (process);

-- For lists, newest first. An index ends with the number of the row, by which those of the same time are ordered.
DROP INDEX process_created;
DROP INDEX process_state;
DROP INDEX process_class;
DROP INDEX process_parent;
DROP INDEX process_paused;
CREATE INDEX process_created ON process (created_at);
CREATE INDEX process_state ON process (state, created_at);
CREATE INDEX process_class ON process (class, created_at);
CREATE INDEX process_parent ON process (parent, created_at) WHERE parent IS NOT NULL;
CREATE INDEX process_paused ON process (created_at) WHERE paused = 1;
CREATE INDEX process_origin ON process (origin, created_at) WHERE origin IS NOT NULL;
`

/**
 * The migration at index n takes a file from version n to the next. Never change one; only add to
 * them.
 */
export const MIGRATIONS: readonly string[] = [FIRST, SECOND, THIRD]

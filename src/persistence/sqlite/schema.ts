/** Marks a file as ours: "DAMS" in the header of the database. */
export const APPLICATION_ID = 0x44414d53

const FIRST = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- One row per process. The long columns come last, so that reading the others stays on the first
-- page of a row. They hold what is small of the process, so that a step writes this row and no
-- other: the parts of its bundle, and the newest entries of its history.
CREATE TABLE process (
  id INTEGER PRIMARY KEY,
  pid TEXT NOT NULL UNIQUE,
  class TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  step TEXT,
  status TEXT,
  progress TEXT,
  -- How many characters of its log and of added events are stored.
  reported INTEGER NOT NULL DEFAULT 0,
  paused INTEGER NOT NULL DEFAULT 0,
  pause_asked INTEGER NOT NULL DEFAULT 0,
  pause_message TEXT,
  pause_cause TEXT,
  parked TEXT,
  parent TEXT,
  key TEXT,
  label TEXT,
  -- The label of the engines that may claim the process; empty for any engine.
  worker TEXT NOT NULL DEFAULT '',
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
  reason TEXT,
  kill_deadline INTEGER,
  kill_message TEXT,
  kill_state TEXT,
  ready_at INTEGER,
  played INTEGER NOT NULL DEFAULT 0,
  consumed TEXT,
  last_request TEXT,
  resumable INTEGER NOT NULL DEFAULT 0,
  receives TEXT,
  due_at INTEGER,
  awaits TEXT,
  starts_at INTEGER,
  in_step INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 1,
  deadline INTEGER,
  abandoned INTEGER NOT NULL DEFAULT 0,
  origin TEXT,
  origin_kind TEXT,
  records INTEGER NOT NULL DEFAULT 0,
  -- Of a call, its actor. Of an actor: how many of its calls have not ended, how many may be, whether later ones
  -- pass one that waits for its inputs, and whether it takes no more of them.
  actor TEXT,
  calls INTEGER,
  most_calls INTEGER,
  call_order TEXT,
  stopping INTEGER NOT NULL DEFAULT 0,
  -- Whether the table part has parts of the process.
  beside INTEGER NOT NULL DEFAULT 0,
  -- How many entries of the history have gone to the table history.
  spilled INTEGER NOT NULL DEFAULT 0,
  data TEXT NOT NULL,
  inputs TEXT,
  memory TEXT,
  -- The other parts, and those of the step's record: a line each, of the name, a tab and the JSON.
  -- The last line of a name counts; one without a tab says that the part was dropped.
  small TEXT,
  record TEXT,
  before TEXT,
  -- The newest entries of the history: a line each, of a JSON array (commit, sequence number, time,
  -- name, author), a tab and the JSON of the data, if any.
  recent TEXT NOT NULL
) STRICT;

-- What wants to run, now or at a time to come; what waits for something without a time, runs or has ended takes no space in them.
CREATE INDEX process_ready ON process (class, version, worker, ready_at)
  WHERE ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL AND crashes < 2;
CREATE INDEX process_suspect ON process (class, version, worker, ready_at)
  WHERE ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL AND crashes >= 2;
CREATE INDEX process_owner ON process (owner) WHERE owner IS NOT NULL;
CREATE INDEX process_deadline ON process (kill_deadline) WHERE kill_deadline IS NOT NULL;
CREATE UNIQUE INDEX process_key ON process (key) WHERE key IS NOT NULL;

-- The calls of each actor that have not ended, in their order; first those that may run.
CREATE INDEX process_call ON process (actor, awaits) WHERE actor IS NOT NULL AND ended_at IS NULL;
-- Of the calls that wait for others, when they do so no longer.
CREATE INDEX process_late ON process (due_at) WHERE actor IS NOT NULL AND awaits = 'inputs' AND due_at IS NOT NULL;
-- The actors.
CREATE INDEX process_actor ON process (created_at) WHERE calls IS NOT NULL;

-- For lists, newest first. An index ends with the number of the row, by which those of the same time are ordered.
CREATE INDEX process_created ON process (created_at);
CREATE INDEX process_state ON process (state, created_at);
CREATE INDEX process_class ON process (class, created_at);
CREATE INDEX process_parent ON process (parent, created_at) WHERE parent IS NOT NULL;
CREATE INDEX process_paused ON process (created_at) WHERE paused = 1;
CREATE INDEX process_label ON process (label, created_at) WHERE label IS NOT NULL;
CREATE INDEX process_parked ON process (created_at) WHERE parked IS NOT NULL;
CREATE INDEX process_failed ON process (created_at) WHERE successful = 0;
CREATE INDEX process_origin ON process (origin, created_at) WHERE origin IS NOT NULL;

-- To count the failures of each class, and the late ones among them.
CREATE INDEX process_failure ON process (class, ended_at, state) WHERE successful = 0;

-- The parts of a bundle that are too large for the row. What the row has of the same name counts.
CREATE TABLE part (
  process INTEGER NOT NULL,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (process, name)
) STRICT, WITHOUT ROWID;

-- The older entries of each history, some lines in a row; n is the number of the first of them.
CREATE TABLE history (
  process INTEGER NOT NULL,
  n INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (process, n)
) STRICT, WITHOUT ROWID;

-- What each process has printed, some lines in a row; n is the number of the last of them.
CREATE TABLE log (
  process INTEGER NOT NULL,
  n INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (process, n)
) STRICT, WITHOUT ROWID;

-- Who is named in histories.
CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- For other programs: the numbers of the rows to whose history a commit has added. The ids of the
-- commits follow on each other. Of old ones nothing is kept. Also the rows whose process has reported
-- something beside its history.
CREATE TABLE feed (id INTEGER PRIMARY KEY, processes TEXT NOT NULL, reported TEXT) STRICT;

-- Messages: resumes and signals that are kept until a wait consumes them. A signal has a name, a resume
-- has none.
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pid TEXT NOT NULL,
  by TEXT NOT NULL,
  name TEXT,
  sender TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_sender ON message (pid, sender);
CREATE INDEX message_pid ON message (pid, id);
CREATE INDEX message_name ON message (pid, name, id);

-- The processes that a process waits for. Over is what it waits for no longer, and whose value it may
-- still take.
CREATE TABLE awaits (
  pid TEXT NOT NULL,
  target TEXT NOT NULL,
  over INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (pid, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX awaits_target ON awaits (target);

-- What a process needs of others before it starts: from its creation until its start or end. Over is
-- what needs not be waited for any more.
CREATE TABLE need (
  pid TEXT NOT NULL,
  target TEXT NOT NULL,
  ended TEXT NOT NULL,
  any INTEGER NOT NULL,
  over INTEGER NOT NULL,
  PRIMARY KEY (pid, target, ended, any)
) STRICT, WITHOUT ROWID;
CREATE INDEX need_target ON need (target);
CREATE INDEX need_left ON need (pid) WHERE over = 0;

-- How long results are kept, of the processes that do not keep theirs for ever. check_at is when to look
-- at one; null while the process has not ended, and where nothing is due.
CREATE TABLE lifetime (
  pid TEXT PRIMARY KEY,
  policy TEXT,
  ttl INTEGER,
  wanted TEXT,
  ended INTEGER NOT NULL DEFAULT 0,
  check_at INTEGER,
  dropped INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX lifetime_due ON lifetime (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX lifetime_open ON lifetime (pid) WHERE ended = 0;
CREATE INDEX lifetime_kept ON lifetime (pid) WHERE dropped = 0;

-- The sessions that keep the result of a process. Each holds a lock beside the file while it lives.
CREATE TABLE retain (
  pid TEXT NOT NULL,
  session TEXT NOT NULL,
  PRIMARY KEY (pid, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX retain_session ON retain (session);

-- Groups of processes that were launched together. length is the number of inputs, null until all
-- members are stored; each process takes chunk_size of them. present is the number of members that are
-- not pruned.
CREATE TABLE grp (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  ordered INTEGER NOT NULL,
  parent TEXT,
  created_at INTEGER NOT NULL,
  length INTEGER,
  chunk_size INTEGER NOT NULL,
  present INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The members of the groups. position is that of the first input; process is the number of the row, null once the process is pruned.
CREATE TABLE member (
  grp INTEGER NOT NULL,
  position INTEGER NOT NULL,
  pid TEXT NOT NULL,
  process INTEGER,
  PRIMARY KEY (grp, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_process ON member (process) WHERE process IS NOT NULL;

CREATE TABLE engine (
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  os_pid INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  concurrency INTEGER NOT NULL,
  classes TEXT NOT NULL,
  labels TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE class (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  inputs TEXT NOT NULL,
  deadline_after INTEGER,
  signals TEXT NOT NULL
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

/** All tables of a store. */
export const TABLE_NAMES: readonly string[] = Array.from(
  FIRST.matchAll(/CREATE TABLE (\w+)/g),
  ([, name = '']) => name,
)

/**
 * The migration at index n takes a file from version n to the next. A released migration is never
 * changed; later ones are added after it.
 */
export const MIGRATIONS: readonly string[] = [FIRST]

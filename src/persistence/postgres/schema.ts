/* This file is longer than 400 lines, because it is the whole schema, with the functions that read and write it. */
import { READY, SUSPECT } from '../rules/filter-sql.ts'
import { OUTPUT_PREFIX } from '../rules/parts.ts'
import type { Row } from '../rules/row.ts'
import { REPORTED } from '../contract/rows.ts'
import { FIRST_CALLS } from './loaded.ts'

/*
 * The schema. `@` stands for the schema's name and a point. The tables name processes by their pids.
 *
 * Two functions hold what a commit needs, so that it takes two round trips and no lock outlives a
 * statement: `load` reads all that the rules may ask of some processes, from one snapshot, and
 * `apply` stores what they have decided, if nothing of what they read has changed since. A third,
 * `changes`, reads what other programs have changed.
 */

/** The columns of a process that the rules know (`rules/row.ts`), with their types. */
const COLUMNS: Readonly<Record<Exclude<keyof Row, 'id'> | 'rev' | 'entries' | 'log_entries', string>> = {
  pid: 'text NOT NULL UNIQUE',
  class: 'text NOT NULL',
  version: 'bigint NOT NULL',
  state: 'text NOT NULL',
  step: 'text',
  status: 'text',
  progress: 'text',
  reported: 'bigint NOT NULL',
  paused: 'smallint NOT NULL',
  pause_asked: 'smallint NOT NULL',
  pause_message: 'text',
  pause_cause: 'text',
  parked: 'text',
  parent: 'text',
  key: 'text',
  label: 'text',
  worker: 'text NOT NULL',
  seq: 'bigint NOT NULL',
  fence: 'bigint NOT NULL',
  owner: 'text',
  runner: 'text',
  crashes: 'bigint NOT NULL',
  alone: 'smallint NOT NULL',
  created_at: 'bigint NOT NULL',
  updated_at: 'bigint NOT NULL',
  ended_at: 'bigint',
  successful: 'smallint',
  exit_code: 'double precision',
  exit_label: 'text',
  exit_message: 'text',
  message: 'text',
  reason: 'text',
  kill_deadline: 'bigint',
  kill_message: 'text',
  kill_state: 'text',
  ready_at: 'bigint',
  played: 'smallint NOT NULL',
  consumed: 'text',
  last_request: 'text',
  resumable: 'smallint NOT NULL',
  receives: 'text',
  due_at: 'bigint',
  awaits: 'text',
  starts_at: 'bigint',
  in_step: 'smallint NOT NULL',
  attempt: 'bigint NOT NULL',
  deadline: 'bigint',
  abandoned: 'smallint NOT NULL',
  origin: 'text',
  origin_kind: 'text',
  records: 'bigint NOT NULL',
  actor: 'text',
  calls: 'bigint',
  most_calls: 'bigint',
  call_order: 'text',
  stopping: 'smallint NOT NULL',
  data: 'text NOT NULL',
  before: 'text',
  /**
   * Another random number after each commit that concerns the process, its messages, or who waits for whom.
   * So no two states have the same one, not even if commits were lost or the pid was used before.
   */
  rev: 'bigint NOT NULL',
  /** How many entries its history and its log have. */
  entries: 'bigint NOT NULL',
  log_entries: 'bigint NOT NULL',
}

/** The columns of a process, in the order in which a new one is sent. */
export const COLUMN_NAMES = Object.keys(COLUMNS) as readonly (keyof typeof COLUMNS)[]
/** The columns of a brief row: all but the long ones. */
export const BRIEF = ['id', ...COLUMN_NAMES.filter((name) => name !== 'data' && name !== 'before')].join(', ')

/**
 * The columns that the life of most processes changes. A process of which only these change is sent as a
 * list of them, which takes the server a third of the time that names and values take.
 */
export const MOVED = [
  'rev',
  'state',
  'step',
  'status',
  'seq',
  'fence',
  'owner',
  'runner',
  'updated_at',
  'ended_at',
  'successful',
  'ready_at',
  'attempt',
  'records',
  'entries',
  'data',
] as const satisfies readonly (keyof typeof COLUMNS)[]

/** An element of a JSON array as a value of a type. */
function element(array: string, index: number, type: string): string {
  const base = type.replace(/ NOT NULL.*/, '')
  return base === 'text' ? `${array}->>${index}` : `(${array}->>${index})::${base}`
}

const LIST = COLUMN_NAMES.join(', ')
const FROM_R = COLUMN_NAMES.map((name) => `r.${name}`).join(', ')

/**
 * Texts are compared by their bytes, as SQLite does. All columns are declared so: Postgres looks up a column
 * of one collation by a column of another without its index.
 */
const TABLES = `
CREATE TABLE @meta (name text PRIMARY KEY, value text NOT NULL);

CREATE TABLE @process (
  id bigserial PRIMARY KEY,
  ${Object.entries(COLUMNS)
    .map(([name, type]) => `${name} ${type}`)
    .join(',\n  ')}
) WITH (fillfactor = 70);
CREATE INDEX process_ready ON @process (class, version, worker, ready_at, id) WHERE ${READY};
CREATE INDEX process_suspect ON @process (class, version, worker, ready_at, id) WHERE ${SUSPECT};
CREATE INDEX process_owner ON @process (owner) WHERE owner IS NOT NULL;
CREATE INDEX process_deadline ON @process (kill_deadline) WHERE kill_deadline IS NOT NULL;
CREATE UNIQUE INDEX process_key ON @process (key) WHERE key IS NOT NULL;
CREATE INDEX process_call ON @process (actor, id) WHERE actor IS NOT NULL AND ended_at IS NULL;
CREATE INDEX process_late ON @process (due_at) WHERE actor IS NOT NULL AND awaits = 'inputs' AND due_at IS NOT NULL;
CREATE INDEX process_actor ON @process (created_at) WHERE calls IS NOT NULL;
CREATE INDEX process_created ON @process (created_at, id);
CREATE INDEX process_unfinished ON @process (created_at, id) WHERE ended_at IS NULL;
CREATE INDEX process_class ON @process (class, created_at, id);
CREATE INDEX process_parent ON @process (parent, created_at, id) WHERE parent IS NOT NULL;
CREATE INDEX process_label ON @process (label, created_at, id) WHERE label IS NOT NULL;
CREATE INDEX process_origin ON @process (origin, created_at, id) WHERE origin IS NOT NULL;
CREATE INDEX process_failed ON @process (created_at, id) WHERE successful = 0;
CREATE INDEX process_paused ON @process (created_at, id) WHERE paused = 1;
CREATE INDEX process_parked ON @process (created_at, id) WHERE parked IS NOT NULL;

CREATE TABLE @part (
  pid text NOT NULL, name text NOT NULL, text text NOT NULL, PRIMARY KEY (pid, name)
);
-- tx is the transaction that has added the entry, by which other programs find it.
CREATE TABLE @history (
  pid text NOT NULL, n bigint NOT NULL, tx xid8 NOT NULL DEFAULT pg_current_xact_id(), seq bigint NOT NULL,
  at bigint NOT NULL, name text NOT NULL, data text, author text, PRIMARY KEY (pid, n)
);
CREATE INDEX history_tx ON @history (tx);
CREATE TABLE @log (
  pid text NOT NULL, n bigint NOT NULL, tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
  entry text NOT NULL, PRIMARY KEY (pid, n)
);
-- Reports of processes, for other programs. Old ones are deleted.
CREATE TABLE @reported (
  tx xid8 NOT NULL DEFAULT pg_current_xact_id(), pid text NOT NULL, at bigint NOT NULL, data text
);
CREATE INDEX reported_tx ON @reported (tx);
CREATE TABLE @message (
  id bigserial PRIMARY KEY, pid text NOT NULL, sender text NOT NULL, signal text, value text NOT NULL
);
CREATE UNIQUE INDEX message_sender ON @message (pid, sender);
CREATE INDEX message_pid ON @message (pid, id);
CREATE TABLE @awaits (
  pid text NOT NULL, target text NOT NULL, over smallint NOT NULL, PRIMARY KEY (pid, target)
);
CREATE INDEX awaits_target ON @awaits (target);
CREATE TABLE @need (
  pid text NOT NULL, target text NOT NULL, ended text NOT NULL, any_of smallint NOT NULL, over smallint NOT NULL,
  PRIMARY KEY (pid, target, ended, any_of)
);
CREATE INDEX need_target ON @need (target);
CREATE TABLE @lifetime (
  pid text PRIMARY KEY, policy text, ttl bigint, wanted text, check_at bigint, dropped smallint NOT NULL
);
CREATE INDEX lifetime_due ON @lifetime (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX lifetime_kept ON @lifetime (pid) WHERE dropped = 0;
CREATE TABLE @retain (pid text NOT NULL, session text NOT NULL, PRIMARY KEY (pid, session));
CREATE INDEX retain_session ON @retain (session);
-- noted and late: as those of an engine.
CREATE TABLE @session (
  id text PRIMARY KEY, lease bigint NOT NULL, expires bigint NOT NULL, noted bigint NOT NULL DEFAULT 0, late bigint NOT NULL DEFAULT 0
);
CREATE TABLE @grp (
  id bigserial PRIMARY KEY, name text NOT NULL UNIQUE, ordered smallint NOT NULL, parent text,
  created_at bigint NOT NULL, length bigint, chunk_size bigint NOT NULL, rev bigint NOT NULL
);
CREATE TABLE @member (
  grp bigint NOT NULL, position bigint NOT NULL, pid text NOT NULL, present boolean NOT NULL,
  PRIMARY KEY (grp, position)
);
CREATE INDEX member_pid ON @member (pid) WHERE present;
CREATE INDEX member_present ON @member (grp) WHERE present;
CREATE TABLE @engine (
  id text PRIMARY KEY, host text NOT NULL, os_pid bigint NOT NULL, lease bigint NOT NULL, concurrency bigint NOT NULL,
  classes text NOT NULL, labels text NOT NULL, started_at bigint NOT NULL, expires bigint NOT NULL,
  -- Where os_pid is the number of one program alone.
  place text,
  -- When an engine last noted here that this one is late, and for how long it was noted to be late.
  noted bigint NOT NULL DEFAULT 0, late bigint NOT NULL DEFAULT 0
);
CREATE TABLE @class (
  name text PRIMARY KEY, version bigint NOT NULL, inputs text NOT NULL, deadline_after bigint, signals text NOT NULL
);
CREATE TABLE @checkpoint (
  pid text NOT NULL, tagged smallint NOT NULL, tag text NOT NULL, text text NOT NULL, PRIMARY KEY (pid, tagged, tag)
);
`.replaceAll(/ text(?= NOT| PRIMARY|,|\n)/g, ' text COLLATE "C"')

/** Deletes the rows of all tables but `meta`. Most are empty in most tests, and to truncate one takes milliseconds. */
export const CLEAR = `DO $body$ BEGIN ${Array.from(
  TABLES.matchAll(/CREATE TABLE (@\w+) \(\s*(id bigserial)?/g),
  ([, table, numbered]) =>
    table === '@meta'
      ? ''
      : `IF EXISTS (SELECT 1 FROM ${table}) THEN
        IF pg_relation_size('${table}') > 262144 THEN TRUNCATE ${table}; ELSE DELETE FROM ${table}; END IF;
        ${numbered === undefined ? '' : `PERFORM setval('${table}_id_seq', 1, false);`}
      END IF;`,
).join('\n')} END $body$`

function noteLate(table: string): string {
  return `
  UPDATE @${table} SET noted = @now(), late = late + CASE WHEN noted = 0 THEN 0 ELSE least(greatest(@now() - noted, 0), 2000) END
    WHERE id IN (SELECT id FROM @${table} WHERE expires > 0 AND expires - lease * 5 / 8 < @now() AND abs(@now() - noted) > 200
      ORDER BY id FOR UPDATE SKIP LOCKED);`
}

/**
 * The time of the database, by which leases count, and which engines and sessions are dead.
 *
 * While the server is down, its disk is full, a replica takes over, or the network fails, no engine can renew
 * its lease. So it is not enough that the lease of an engine has ended: others must also have been able to write
 * for half of it while the engine could not. They note in its row that it is late, as soon as a renewal is
 * missing. A time in which none of them could write counts for at most two seconds. The same holds for sessions.
 */
const TIME = `
CREATE FUNCTION @now() RETURNS bigint LANGUAGE sql VOLATILE AS
  $body$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $body$;
CREATE FUNCTION @alive(expires bigint, lease bigint, late bigint) RETURNS boolean LANGUAGE sql VOLATILE AS
  $body$ SELECT expires > @now() OR expires > 0 AND late < lease / 2 $body$;
-- Notes which engines and sessions are late, and returns the engines that do not live: the registered ones, and those that own processes.
CREATE FUNCTION @dead() RETURNS SETOF text LANGUAGE plpgsql AS $body$
BEGIN
${['engine', 'session'].map(noteLate).join('\n')}
  RETURN QUERY SELECT id FROM @engine WHERE NOT @alive(expires, lease, late)
    UNION SELECT DISTINCT owner FROM @process WHERE owner IS NOT NULL AND owner NOT IN (SELECT id FROM @engine);
END $body$;
`

/**
 * A statement of the functions is planned once for a connection, perhaps while the tables are empty. All of
 * them look up some rows by their keys, so they must not be planned as scans of whole tables. To plan one for
 * each call would take longer than to run it.
 */
const BY_INDEX =
  'SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off'

const LOAD = `
CREATE FUNCTION @load(wanted json) RETURNS json LANGUAGE plpgsql STABLE ${BY_INDEX} AS $body$
DECLARE
  pids text[] := ARRAY(SELECT json_array_elements_text(wanted->'pids')
    UNION SELECT pid FROM @process WHERE key IN (SELECT json_array_elements_text(wanted->'keys')));
  whole text[] := ARRAY(SELECT json_array_elements_text(wanted->'parts'));
  queues text[] := ARRAY(SELECT json_array_elements_text(wanted->'queues'));
  trees json := (SELECT json_agg(json_build_array(root, (
      WITH RECURSIVE tree AS (
        SELECT c.pid, c.ended_at, c.id, 1 AS depth FROM @process c WHERE c.parent = root AND c.abandoned = 0
        UNION ALL
        SELECT c.pid, c.ended_at, c.id, tree.depth + 1 FROM tree JOIN @process c ON c.parent = tree.pid WHERE c.abandoned = 0
      ) SELECT coalesce(json_agg(tree.pid ORDER BY tree.depth, tree.id), '[]') FROM tree WHERE tree.ended_at IS NULL)))
      FROM json_array_elements_text(wanted->'trees') AS root);
BEGIN
  -- A tree that grows would be larger again when its processes are asked for.
  pids := pids || ARRAY(SELECT json_array_elements_text(tree->1) FROM json_array_elements(trees) AS tree);
  RETURN json_build_object(
    'now', @now(),
    'engines', (SELECT json_agg(e.id) FROM @engine e WHERE @alive(e.expires, e.lease, e.late)),
    'found', (SELECT json_agg(json_build_object(
      'row', p,
      'messages', (SELECT json_agg(json_build_array(m.id, m.sender, m.signal, m.value) ORDER BY m.id)
        FROM @message m WHERE m.pid = p.pid),
      'awaits', (SELECT json_agg(json_build_array(a.target, a.over)) FROM @awaits a WHERE a.pid = p.pid),
      'waiters', (SELECT json_agg(json_build_array(a.pid, a.over)) FROM @awaits a WHERE a.target = p.pid),
      'needs', (SELECT json_agg(json_build_array(n.target, n.ended, n.any_of, n.over)) FROM @need n WHERE n.pid = p.pid),
      'needing', (SELECT json_agg(json_build_array(n.pid, n.ended, n.any_of, n.over)) FROM @need n WHERE n.target = p.pid),
      'lifetime', (SELECT l FROM @lifetime l WHERE l.pid = p.pid),
      'retained', (SELECT json_agg(r.session) FROM @retain r WHERE r.pid = p.pid),
      'outputs', EXISTS (SELECT 1 FROM @part t WHERE t.pid = p.pid AND starts_with(t.name, '${OUTPUT_PREFIX}')),
      'calls', CASE WHEN p.calls IS NOT NULL THEN (SELECT json_agg(c) FROM (
          SELECT json_build_array(c.pid, c.awaits) AS c FROM @process c WHERE c.actor = p.pid AND c.ended_at IS NULL
          ORDER BY c.id LIMIT CASE WHEN p.pid = ANY(queues) THEN NULL ELSE ${FIRST_CALLS} END) AS firsts) END,
      'parts', CASE WHEN p.pid = ANY(whole) OR p.key IN (SELECT json_array_elements_text(wanted->'keys'))
        THEN (SELECT coalesce(json_agg(json_build_array(t.name, t.text)), '[]') FROM @part t WHERE t.pid = p.pid) END
    )) FROM @process p WHERE p.pid = ANY(pids)),
    'trees', trees,
    'groups', (SELECT json_agg(json_build_object(
        'row', g,
        'end', (SELECT coalesce(max(m.position), -1) + 1 FROM @member m WHERE m.grp = g.id),
        'members', (SELECT json_agg(json_build_array(m.position, m.pid)) FROM json_array_elements_text(asked->1) AS p
          CROSS JOIN LATERAL (SELECT position, pid FROM @member WHERE grp = g.id AND position = p::bigint LIMIT 1) AS m)))
      FROM json_array_elements(wanted->'groups') AS asked JOIN @grp g ON g.name = asked->>0)
  );
END $body$;
`

/** The most changes of one look of the feed. Beyond them the listeners read what they follow. */
export const MOST_CHANGES = 5_000

/** The transactions but the own ones that have added to a table since then. Goes from one to the next in the index. */
function others(table: string): string {
  return `(WITH RECURSIVE txs AS (
      (SELECT tx FROM ${table} WHERE tx >= since AND tx < until ORDER BY tx LIMIT 1)
      UNION ALL SELECT (SELECT t.tx FROM ${table} AS t WHERE t.tx > txs.tx AND t.tx < until ORDER BY t.tx LIMIT 1)
        FROM txs WHERE txs.tx IS NOT NULL)
    SELECT tx FROM txs WHERE tx IS NOT NULL EXCEPT SELECT unnest(own))`
}

/** What other transactions than the own ones have changed since one, as far as none can commit before it any more. */
const CHANGES = `
CREATE FUNCTION @changes(since xid8, own xid8[]) RETURNS json LANGUAGE plpgsql STABLE ${BY_INDEX} AS $body$
DECLARE
  until xid8 := pg_snapshot_xmin(pg_current_snapshot());
BEGIN
  RETURN json_build_object('end', until::text, 'found', CASE WHEN until <> since THEN (
    SELECT json_agg(news) FROM (
      SELECT h.tx::text AS tx, h.pid, h.name, h.data, h.at, h.author AS by, p.state, p.paused, p.parked, p.owner, p.ready_at, p.actor,
        p.awaits, p.due_at
      FROM (
        SELECT e.tx, e.pid, e.n, e.name, e.data, e.at, e.author FROM ${others('@history')} AS o JOIN @history AS e ON e.tx = o.tx
        UNION ALL SELECT r.tx, r.pid, 0, '${REPORTED}', r.data, r.at, NULL FROM ${others('@reported')} AS o JOIN @reported AS r ON r.tx = o.tx) AS h
      JOIN @process AS p ON p.pid = h.pid ORDER BY h.tx, h.pid, h.n LIMIT ${MOST_CHANGES + 1}) AS news) END);
END $body$;
`

const APPLY = `
CREATE FUNCTION @apply(doc jsonb) RETURNS json LANGUAGE plpgsql ${BY_INDEX} AS $body$
DECLARE
  held_rows bigint;
  stale text[];
  pruned text[];
  empty_groups bigint[];
BEGIN
  WITH held AS MATERIALIZED (
    SELECT p.rev, (r->>1)::bigint AS was FROM jsonb_array_elements(doc->'read') AS r JOIN @process AS p ON p.pid = r->>0
      ORDER BY p.id FOR UPDATE OF p
  )
  SELECT count(*) INTO held_rows FROM held WHERE rev = was;
  IF held_rows < jsonb_array_length(doc->'read') OR EXISTS (
    SELECT 1 FROM jsonb_array_elements_text(doc->'free') AS f JOIN @process AS p ON p.pid = f
  ) THEN RETURN json_build_object('stale', true); END IF;
  IF doc->'groups' IS NOT NULL THEN
    WITH held AS MATERIALIZED (
      SELECT name, rev FROM @grp WHERE name IN (SELECT g->>'name' FROM jsonb_array_elements(doc->'groups') AS g) ORDER BY id FOR UPDATE
    )
    SELECT array_agg(g->>'name') INTO stale FROM jsonb_array_elements(doc->'groups') AS g
      LEFT JOIN held ON held.name = g->>'name' WHERE held.rev IS DISTINCT FROM (g->>'was')::bigint;
    IF stale IS NOT NULL THEN RETURN json_build_object('stale', stale); END IF;
  END IF;

  IF doc->'inserts' IS NOT NULL THEN
    INSERT INTO @process (${LIST}) SELECT ${COLUMN_NAMES.map((name, index) => element('i', index, COLUMNS[name])).join(', ')}
      FROM jsonb_array_elements(doc->'inserts') AS i;
  END IF;
  IF doc->'updates' IS NOT NULL THEN
    UPDATE @process AS p SET (${LIST}) = (SELECT ${FROM_R} FROM jsonb_populate_record(p, u) AS r)
      FROM jsonb_array_elements(doc->'updates') AS u WHERE p.pid = u->>'pid';
  END IF;
  IF doc->'moves' IS NOT NULL THEN
    UPDATE @process AS p SET ${MOVED.map((name, index) => `${name} = ${element('m', index + 1, COLUMNS[name])}`).join(', ')}
      FROM jsonb_array_elements(doc->'moves') AS m WHERE p.pid = m->>0;
  END IF;
  IF doc->'touched' IS NOT NULL THEN
    UPDATE @process AS p SET rev = (t->>1)::bigint FROM jsonb_array_elements(doc->'touched') AS t WHERE p.pid = t->>0;
  END IF;
  IF doc->'dropPrefix' IS NOT NULL THEN
    DELETE FROM @part AS t USING jsonb_array_elements(doc->'dropPrefix') AS d
      WHERE t.pid = d->>0 AND starts_with(t.name, d->>1);
  END IF;
  IF doc->'dropParts' IS NOT NULL THEN
    DELETE FROM @part AS t USING jsonb_array_elements(doc->'dropParts') AS d WHERE t.pid = d->>0 AND t.name = d->>1;
  END IF;
  IF doc->'parts' IS NOT NULL THEN
    INSERT INTO @part (pid, name, text) SELECT d->>0, d->>1, d->>2 FROM jsonb_array_elements(doc->'parts') AS d
      ON CONFLICT (pid, name) DO UPDATE SET text = excluded.text;
  END IF;
  IF doc->'history' IS NOT NULL THEN
    INSERT INTO @history (pid, n, seq, at, name, data, author)
      SELECT d->>0, (d->>1)::bigint, (d->>2)::bigint, (d->>3)::bigint, d->>4, d->>5, d->>6
      FROM jsonb_array_elements(doc->'history') AS d;
  END IF;
  IF doc->'log' IS NOT NULL THEN
    INSERT INTO @log (pid, n, entry) SELECT d->>0, (d->>1)::bigint, d->>2 FROM jsonb_array_elements(doc->'log') AS d;
  END IF;
  IF doc->'reported' IS NOT NULL THEN
    INSERT INTO @reported (pid, at, data) SELECT d->>0, (d->>1)::bigint, d->>2 FROM jsonb_array_elements(doc->'reported') AS d;
  END IF;
  IF doc->'dropMessages' IS NOT NULL THEN
    DELETE FROM @message WHERE pid IN (SELECT jsonb_array_elements_text(doc->'dropMessages'));
  END IF;
  IF doc->'taken' IS NOT NULL THEN
    DELETE FROM @message WHERE id IN (SELECT t::bigint FROM jsonb_array_elements_text(doc->'taken') AS t);
  END IF;
  IF doc->'messages' IS NOT NULL THEN
    INSERT INTO @message (pid, sender, signal, value) SELECT d->>0, d->>1, d->>2, d->>3 FROM jsonb_array_elements(doc->'messages') AS d;
  END IF;
  IF doc->'awaits' IS NOT NULL THEN
    DELETE FROM @awaits AS a USING jsonb_array_elements(doc->'awaits') AS d
      WHERE a.pid = d->>0 AND a.target = d->>1 AND d->>2 IS NULL;
    INSERT INTO @awaits (pid, target, over) SELECT d->>0, d->>1, (d->>2)::smallint FROM jsonb_array_elements(doc->'awaits') AS d
      WHERE d->>2 IS NOT NULL ON CONFLICT (pid, target) DO UPDATE SET over = excluded.over;
  END IF;
  IF doc->'needs' IS NOT NULL THEN
    DELETE FROM @need AS n USING jsonb_array_elements(doc->'needs') AS d
      WHERE n.pid = d->>0 AND n.target = d->>1 AND n.ended = d->>2 AND n.any_of = (d->>3)::smallint AND d->>4 IS NULL;
    INSERT INTO @need (pid, target, ended, any_of, over)
      SELECT d->>0, d->>1, d->>2, (d->>3)::smallint, (d->>4)::smallint FROM jsonb_array_elements(doc->'needs') AS d
      WHERE d->>4 IS NOT NULL ON CONFLICT (pid, target, ended, any_of) DO UPDATE SET over = excluded.over;
  END IF;
  IF doc->'lifetimes' IS NOT NULL THEN
    INSERT INTO @lifetime SELECT r.* FROM jsonb_populate_recordset(NULL::@lifetime, doc->'lifetimes') AS r
      ON CONFLICT (pid) DO UPDATE SET wanted = excluded.wanted, check_at = excluded.check_at, dropped = excluded.dropped;
  END IF;
  IF doc->'unretained' IS NOT NULL THEN
    DELETE FROM @retain AS r USING jsonb_array_elements(doc->'unretained') AS d WHERE r.pid = d->>0 AND r.session = d->>1;
  END IF;
  IF doc->'retained' IS NOT NULL THEN
    INSERT INTO @retain SELECT d->>0, d->>1 FROM jsonb_array_elements(doc->'retained') AS d ON CONFLICT DO NOTHING;
  END IF;
  IF doc->'dropCheckpoints' IS NOT NULL THEN
    DELETE FROM @checkpoint WHERE pid IN (SELECT jsonb_array_elements_text(doc->'dropCheckpoints'));
  END IF;
  IF doc->'checkpoints' IS NOT NULL THEN
    INSERT INTO @checkpoint SELECT d->>0, 1, d->>1, d->>2 FROM jsonb_array_elements(doc->'checkpoints') AS d
      ON CONFLICT (pid, tagged, tag) DO UPDATE SET text = excluded.text;
  END IF;
  IF doc->'groups' IS NOT NULL THEN
    INSERT INTO @grp (name, ordered, parent, created_at, length, chunk_size, rev)
      SELECT g->>'name', (g->>'ordered')::smallint, g->>'parent', (g->>'created_at')::bigint, (g->>'length')::bigint,
        (g->>'chunk_size')::bigint, (g->>'rev')::bigint FROM jsonb_array_elements(doc->'groups') AS g
      ON CONFLICT (name) DO UPDATE SET length = excluded.length, rev = excluded.rev;
    DELETE FROM @member AS m USING jsonb_array_elements(doc->'groups') AS g, @grp AS o
      WHERE o.name = g->>'name' AND m.grp = o.id AND m.position >= (g->>'cut')::bigint;
    INSERT INTO @member (grp, position, pid, present)
      SELECT o.id, (m->>0)::bigint, m->>1, true FROM jsonb_array_elements(doc->'groups') AS g
        JOIN @grp AS o ON o.name = g->>'name' CROSS JOIN jsonb_array_elements(g->'members') AS m
      ON CONFLICT (grp, position) DO UPDATE SET pid = excluded.pid, present = true;
  END IF;
  IF doc->'pruned' IS NOT NULL THEN
    pruned := ARRAY(SELECT jsonb_array_elements_text(doc->'pruned'));
    UPDATE @process SET parent = NULL, rev = rev + 1 WHERE parent = ANY(pruned);
    WITH left_by AS (UPDATE @member SET present = false WHERE pid = ANY(pruned) AND present RETURNING grp, position),
      empty AS (DELETE FROM @grp AS g WHERE g.id IN (SELECT grp FROM left_by) AND NOT EXISTS (
        SELECT 1 FROM @member AS m WHERE m.grp = g.id AND m.present
          AND NOT EXISTS (SELECT 1 FROM left_by AS l WHERE l.grp = m.grp AND l.position = m.position)) RETURNING g.id)
      SELECT array_agg(id) INTO empty_groups FROM empty;
    DELETE FROM @member WHERE grp = ANY(empty_groups);
    DELETE FROM @part WHERE pid = ANY(pruned);
    DELETE FROM @history WHERE pid = ANY(pruned);
    DELETE FROM @log WHERE pid = ANY(pruned);
    DELETE FROM @message WHERE pid = ANY(pruned);
    DELETE FROM @awaits WHERE pid = ANY(pruned);
    DELETE FROM @need WHERE pid = ANY(pruned);
    DELETE FROM @lifetime WHERE pid = ANY(pruned);
    DELETE FROM @retain WHERE pid = ANY(pruned);
    DELETE FROM @checkpoint WHERE pid = ANY(pruned);
    DELETE FROM @process WHERE pid = ANY(pruned);
  END IF;
  RETURN json_build_object('now', @now(), 'tx', pg_current_xact_id()::text, 'xmin', pg_snapshot_xmin(pg_current_snapshot())::text);
END $body$;
`

/** As those of SQLite: the step at index n takes a schema from version n to the next. */
export const MIGRATIONS: readonly string[] = [`${TABLES}${TIME}${LOAD}${CHANGES}${APPLY}`]

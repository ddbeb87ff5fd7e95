-- A store of schema version 1, as the release that had it wrote it: processes in all kinds of states, held by engine A, which is gone.
PRAGMA application_id = 1145130323;
PRAGMA user_version = 1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('id','d4687840-ebe5-485e-83b1-8d60d032a147');
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
INSERT INTO process VALUES(1,'created','Bake',1,'created','run',NULL,0,0,NULL,NULL,NULL,'key of created','loaf',0,2,NULL,'A',0,0,1002,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1767225601000,0,NULL,NULL,'{"label":"created"}',NULL);
INSERT INTO process VALUES(2,'created paused','Bake',1,'created','run',NULL,1,0,'lunch',NULL,NULL,NULL,NULL,0,0,NULL,NULL,0,0,1003,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1767225600000,0,NULL,'pause of created paused','{"label":"created"}',NULL);
INSERT INTO process VALUES(3,'running','Bake',1,'running','bake','hot',0,0,NULL,NULL,NULL,NULL,NULL,2,1,'A','A',0,0,1004,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'{"label":"running","at":2}',NULL);
INSERT INTO process VALUES(4,'running paused','Bake',1,'running','bake',NULL,1,0,NULL,NULL,NULL,NULL,NULL,2,1,NULL,'A',0,0,1005,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1767225600000,0,NULL,'pause of running paused','{"label":"running","at":2}',NULL);
INSERT INTO process VALUES(5,'pause asked','Bake',1,'running','run',NULL,0,1,'lunch',NULL,NULL,NULL,NULL,1,1,'A','A',0,0,1006,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,'pause of pause asked','{"label":"created"}',NULL);
INSERT INTO process VALUES(6,'kill asked','Bake',1,'running','run',NULL,0,0,NULL,NULL,NULL,NULL,NULL,1,1,'A','A',0,0,1007,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,1767225660000,'enough','{"label":"killed"}',NULL,0,NULL,'kill of kill asked','{"label":"created"}',NULL);
INSERT INTO process VALUES(7,'waiting','Bake',1,'waiting',NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,2,1,NULL,'A',0,0,1008,1767225600000,NULL,NULL,NULL,NULL,NULL,'until it is warm',NULL,NULL,NULL,NULL,0,NULL,NULL,'{"label":"waiting","at":2}',NULL);
INSERT INTO process VALUES(8,'waiting paused','Bake',1,'waiting',NULL,NULL,1,0,NULL,NULL,NULL,NULL,NULL,2,1,NULL,'A',0,0,1009,1767225600000,NULL,NULL,NULL,NULL,NULL,'until it is warm',NULL,NULL,NULL,NULL,0,NULL,'pause of waiting paused','{"label":"waiting","at":2}',NULL);
INSERT INTO process VALUES(9,'waiting paused and resumed','Bake',1,'waiting',NULL,NULL,1,0,NULL,NULL,NULL,NULL,NULL,2,1,NULL,'A',0,0,1010,1767225600000,NULL,NULL,NULL,NULL,NULL,'until it is warm',NULL,NULL,NULL,1767225600000,0,NULL,'pause of waiting paused and resumed','{"label":"waiting","at":2}',NULL);
INSERT INTO process VALUES(10,'resumed before','Bake',1,'running','run',NULL,0,0,NULL,NULL,NULL,NULL,NULL,1,1,'A','A',0,0,1011,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'{"label":"created"}',NULL);
INSERT INTO process VALUES(11,'parked','Bake',1,'running','run',NULL,0,0,NULL,'damaged',NULL,NULL,NULL,1,1,NULL,'A',0,0,1012,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1767225600000,0,NULL,NULL,'{"label":"created"}',NULL);
INSERT INTO process VALUES(12,'parent','Bake',1,'running','run',NULL,0,0,NULL,NULL,NULL,NULL,NULL,1,1,'A','A',0,0,1013,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'{"label":"created"}',NULL);
INSERT INTO process VALUES(13,'child','Bake',1,'created','run',NULL,0,0,NULL,NULL,'parent',NULL,NULL,0,2,NULL,'A',0,0,1014,1767225600000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1767225601000,0,NULL,NULL,'{"label":"created"}',NULL);
INSERT INTO process VALUES(14,'successful','Bake',1,'finished',NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,3,1,NULL,'A',0,0,1015,1767225600000,1767225600000,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'{"label":"finished","at":3}',NULL);
INSERT INTO process VALUES(15,'unsuccessful','Bake',1,'finished',NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,3,1,NULL,'A',0,0,1016,1767225600000,1767225600000,0,410,'BURNT','too hot','burnt',NULL,NULL,NULL,NULL,0,NULL,NULL,'{"label":"finished","at":3}','{"label":"created"}');
INSERT INTO process VALUES(16,'excepted','Bake',1,'excepted',NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,2,1,NULL,'A',0,0,1017,1767225600000,1767225600000,0,NULL,NULL,NULL,'no flour',NULL,NULL,NULL,NULL,0,NULL,NULL,'{"label":"excepted","at":2}','{"label":"created"}');
INSERT INTO process VALUES(17,'killed','Bake',1,'killed',NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,3,2,NULL,'A',0,0,1018,1767225600000,1767225600000,0,NULL,NULL,NULL,'enough',NULL,NULL,NULL,NULL,0,NULL,'kill of killed','{"label":"killed"}','{"label":"waiting","at":2}');
INSERT INTO process VALUES(18,'claimed while waiting','Bake',1,'waiting',NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,2,2,'A','A',0,0,1019,1767225601000,NULL,NULL,NULL,NULL,NULL,'until it is warm',NULL,NULL,NULL,NULL,0,NULL,NULL,'{"label":"waiting","at":2}',NULL);
INSERT INTO process VALUES(19,'resumed','Bake',1,'waiting',NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,2,2,NULL,'A',0,0,1020,1767225601000,NULL,NULL,NULL,NULL,NULL,'until it is warm',NULL,NULL,NULL,1767225601000,0,NULL,NULL,'{"label":"waiting","at":2}',NULL);
INSERT INTO process VALUES(20,'resume used','Bake',1,'waiting',NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,3,2,NULL,'A',0,0,1021,1767225601000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'resume 1 of resume used',NULL,'{"label":"waiting","at":3}',NULL);
CREATE TABLE part (
  pid TEXT NOT NULL,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (pid, name)
) STRICT, WITHOUT ROWID;
INSERT INTO part VALUES('child','inputs','{"n":1}');
INSERT INTO part VALUES('claimed while waiting','inputs','{"n":1}');
INSERT INTO part VALUES('created','inputs','{"n":1}');
INSERT INTO part VALUES('created paused','inputs','{"n":1}');
INSERT INTO part VALUES('excepted','inputs','{"n":1}');
INSERT INTO part VALUES('kill asked','inputs','{"n":1}');
INSERT INTO part VALUES('killed','inputs','{"n":1}');
INSERT INTO part VALUES('parent','inputs','{"n":1}');
INSERT INTO part VALUES('parked','inputs','{"n":1}');
INSERT INTO part VALUES('pause asked','inputs','{"n":1}');
INSERT INTO part VALUES('resume used','inputs','{"n":1}');
INSERT INTO part VALUES('resumed','inputs','{"n":1}');
INSERT INTO part VALUES('resumed before','inputs','{"n":1}');
INSERT INTO part VALUES('running','inputs','{"n":1}');
INSERT INTO part VALUES('running','memory','{"ctx":{}}');
INSERT INTO part VALUES('running','out:x','5');
INSERT INTO part VALUES('running paused','inputs','{"n":1}');
INSERT INTO part VALUES('successful','inputs','{"n":1}');
INSERT INTO part VALUES('successful','out:x','5');
INSERT INTO part VALUES('unsuccessful','inputs','{"n":1}');
INSERT INTO part VALUES('unsuccessful','memory','{}');
INSERT INTO part VALUES('waiting','inputs','{"n":1}');
INSERT INTO part VALUES('waiting paused','inputs','{"n":1}');
INSERT INTO part VALUES('waiting paused and resumed','inputs','{"n":1}');
CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  pid TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  name TEXT NOT NULL,
  data TEXT,
  by TEXT
) STRICT;
INSERT INTO history VALUES(2,'',1,1767225600000,'killed',NULL,'a client');
INSERT INTO history VALUES(3,'created',0,1767225600000,'created',NULL,NULL);
INSERT INTO history VALUES(4,'created paused',0,1767225600000,'created',NULL,NULL);
INSERT INTO history VALUES(5,'created paused',0,1767225600000,'paused','{"message":"lunch"}','a client');
INSERT INTO history VALUES(6,'running',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(7,'running',2,1767225600000,'running',NULL,'A');
INSERT INTO history VALUES(8,'running paused',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(9,'running paused',1,1767225600000,'pause requested',NULL,'a client');
INSERT INTO history VALUES(10,'running paused',2,1767225600000,'running',NULL,'A');
INSERT INTO history VALUES(11,'running paused',2,1767225600000,'paused',NULL,'A');
INSERT INTO history VALUES(12,'pause asked',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(13,'pause asked',1,1767225600000,'pause requested','{"message":"lunch"}','a client');
INSERT INTO history VALUES(14,'kill asked',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(15,'kill asked',1,1767225600000,'kill requested','{"message":"enough","deadline":1767225660000}','a client');
INSERT INTO history VALUES(16,'waiting',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(17,'waiting',2,1767225600000,'waiting',NULL,'A');
INSERT INTO history VALUES(18,'waiting paused',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(19,'waiting paused',2,1767225600000,'waiting',NULL,'A');
INSERT INTO history VALUES(20,'waiting paused',2,1767225600000,'paused',NULL,'a client');
INSERT INTO history VALUES(21,'waiting paused and resumed',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(22,'waiting paused and resumed',2,1767225600000,'waiting',NULL,'A');
INSERT INTO history VALUES(23,'waiting paused and resumed',2,1767225600000,'paused',NULL,'a client');
INSERT INTO history VALUES(24,'waiting paused and resumed',2,1767225600000,'resumed',NULL,'a client');
INSERT INTO history VALUES(25,'resumed before',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(26,'resumed before',1,1767225600000,'resumed',NULL,'a client');
INSERT INTO history VALUES(27,'resumed before',1,1767225600000,'resumed',NULL,'a client');
INSERT INTO history VALUES(28,'parked',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(29,'parked',1,1767225600000,'parked','{"reason":"damaged"}','A');
INSERT INTO history VALUES(30,'parent',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(31,'child',0,1767225600000,'created',NULL,NULL);
INSERT INTO history VALUES(32,'successful',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(33,'successful',2,1767225600000,'running',NULL,'A');
INSERT INTO history VALUES(34,'successful',3,1767225600000,'finished',NULL,'A');
INSERT INTO history VALUES(35,'unsuccessful',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(36,'unsuccessful',2,1767225600000,'running',NULL,'A');
INSERT INTO history VALUES(37,'unsuccessful',3,1767225600000,'finished',NULL,'A');
INSERT INTO history VALUES(38,'excepted',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(39,'excepted',2,1767225600000,'excepted',NULL,'A');
INSERT INTO history VALUES(40,'killed',1,1767225600000,'created',NULL,'A');
INSERT INTO history VALUES(41,'killed',2,1767225600000,'waiting',NULL,'A');
INSERT INTO history VALUES(42,'killed',3,1767225600000,'killed','{"message":"enough"}','a client');
INSERT INTO history VALUES(43,'claimed while waiting',1,1767225601000,'created',NULL,'A');
INSERT INTO history VALUES(44,'claimed while waiting',2,1767225601000,'waiting',NULL,'A');
INSERT INTO history VALUES(45,'claimed while waiting',2,1767225601000,'resumed',NULL,'a client');
INSERT INTO history VALUES(46,'child',0,1767225601000,'released',NULL,'A');
INSERT INTO history VALUES(47,'created',0,1767225601000,'released',NULL,'A');
INSERT INTO history VALUES(48,'resumed',1,1767225601000,'created',NULL,'A');
INSERT INTO history VALUES(49,'resumed',2,1767225601000,'waiting',NULL,'A');
INSERT INTO history VALUES(50,'resumed',2,1767225601000,'resumed',NULL,'a client');
INSERT INTO history VALUES(51,'resume used',1,1767225601000,'created',NULL,'A');
INSERT INTO history VALUES(52,'resume used',2,1767225601000,'waiting',NULL,'A');
INSERT INTO history VALUES(53,'resume used',2,1767225601000,'resumed',NULL,'a client');
INSERT INTO history VALUES(54,'child',0,1767225601000,'released',NULL,'A');
INSERT INTO history VALUES(55,'created',0,1767225601000,'released',NULL,'A');
INSERT INTO history VALUES(56,'resumed',2,1767225601000,'released',NULL,'A');
INSERT INTO history VALUES(57,'resume used',3,1767225601000,'waiting',NULL,'A');
CREATE TABLE wake (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pid TEXT NOT NULL,
  by TEXT NOT NULL,
  sender TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT;
INSERT INTO wake VALUES(1,'waiting paused and resumed','resume','resume 1 of waiting paused and resumed','1');
INSERT INTO wake VALUES(2,'resumed before','resume','resume 1 of resumed before','1');
INSERT INTO wake VALUES(3,'resumed before','resume','resume 2 of resumed before','2');
INSERT INTO wake VALUES(4,'claimed while waiting','resume','resume 1 of claimed while waiting','1');
INSERT INTO wake VALUES(5,'resumed','resume','resume 1 of resumed','1');
CREATE TABLE engine (
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  os_pid INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  classes TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO engine VALUES('A','here',5028,10000,'[{"name":"Bake","version":1}]',1767225600000,1767225610000);
CREATE TABLE class (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  inputs TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO class VALUES('Bake',1,'{"type":"object"}');
CREATE TABLE checkpoint (
  pid TEXT NOT NULL,
  tagged INTEGER NOT NULL,
  tag TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (pid, tagged, tag)
) STRICT, WITHOUT ROWID;
INSERT INTO checkpoint VALUES('running',1,'before','{"format":1,"pid":"running","class":"Bake","version":1,"created":"2026-01-01T00:00:00.000Z","seq":2,"state":{"label":"running"},"inputs":{"n":1}}');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('wake',6);
CREATE INDEX process_ready ON process (class, version, ready_at)
  WHERE ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL AND crashes < 2;
CREATE INDEX process_suspect ON process (class, version, ready_at)
  WHERE ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL AND crashes >= 2;
CREATE INDEX process_owner ON process (owner) WHERE owner IS NOT NULL;
CREATE INDEX process_deadline ON process (kill_deadline) WHERE kill_deadline IS NOT NULL;
CREATE UNIQUE INDEX process_key ON process (key) WHERE key IS NOT NULL;
CREATE INDEX process_created ON process (created_at, pid);
CREATE INDEX process_state ON process (state, created_at, pid);
CREATE INDEX process_class ON process (class, created_at, pid);
CREATE INDEX process_parent ON process (parent, created_at, pid) WHERE parent IS NOT NULL;
CREATE INDEX process_paused ON process (created_at, pid) WHERE paused = 1;
CREATE INDEX history_pid ON history (pid, id);
CREATE UNIQUE INDEX wake_sender ON wake (pid, sender);
CREATE INDEX wake_pid ON wake (pid, id);
COMMIT;

-- The state as it was first released. Times are milliseconds since the Unix epoch (UTC).

-- One row, from the first write on.
CREATE TABLE state (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  lineage TEXT NOT NULL,
  serial  INTEGER NOT NULL CHECK (serial >= 0)
) STRICT;

-- Blocks of configuration, without an instance's key: `module.a.forward_entry.web`.
CREATE TABLE resource (
  id      INTEGER PRIMARY KEY,
  address TEXT NOT NULL UNIQUE
) STRICT;

-- Where an object lives: provider alias, region, and `real`, `embedded:ID` or `server:URL`.
CREATE TABLE place (
  id       INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  region   TEXT NOT NULL,
  service  TEXT NOT NULL,
  UNIQUE (provider, region, service)
) STRICT;

-- Lists of direct dependencies; instances of one block share a row.
CREATE TABLE dependencies (
  id        INTEGER PRIMARY KEY,
  addresses TEXT NOT NULL UNIQUE CHECK (json_valid(addresses))
) STRICT;

-- Recorded objects. `key` is empty, `[0]` or `["a"]`; `deposed` is empty but for an old object
-- that waits for its deletion. `object` holds the attributes that are there, in the codec's form.
CREATE TABLE instance (
  id             INTEGER PRIMARY KEY,
  resource       INTEGER NOT NULL REFERENCES resource,
  key            TEXT NOT NULL,
  deposed        TEXT NOT NULL,
  object_id      TEXT NOT NULL,
  status         TEXT NOT NULL CHECK (status IN ('ready', 'creating', 'tainted')),
  object         TEXT NOT NULL CHECK (json_valid(object)),
  dependencies   INTEGER NOT NULL REFERENCES dependencies,
  place          INTEGER NOT NULL REFERENCES place,
  schema_version INTEGER NOT NULL,
  create_first   INTEGER NOT NULL CHECK (create_first IN (0, 1)),
  keep           INTEGER NOT NULL CHECK (keep IN (0, 1)),
  UNIQUE (resource, key, deposed)
) STRICT;

-- Outputs of the root module, in the codec's form.
CREATE TABLE output (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

-- What was learned about services.
CREATE TABLE lesson (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
  id         INTEGER PRIMARY KEY,
  uuid       TEXT NOT NULL UNIQUE,
  command    TEXT NOT NULL,
  who        TEXT NOT NULL,
  plan       TEXT,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT;

CREATE INDEX run_plan ON run (plan) WHERE plan IS NOT NULL;

-- Every mutating call, written before it is sent. When a row is closed (settled, rejected,
-- abandoned), what only recovery needs is cleared: parameters, planned object, existing ids.
CREATE TABLE journal (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  run          INTEGER NOT NULL REFERENCES run,
  operation    INTEGER,
  resource     INTEGER NOT NULL REFERENCES resource,
  key          TEXT NOT NULL,
  deposed      TEXT NOT NULL,
  action       TEXT NOT NULL,
  parameters   TEXT NOT NULL CHECK (json_valid(parameters)),
  token        TEXT NOT NULL CHECK (length(token) <= 64),
  digest       TEXT NOT NULL,
  lane         TEXT NOT NULL,
  planned      TEXT CHECK (planned IS NULL OR json_valid(planned)),
  step         INTEGER NOT NULL,
  steps        INTEGER NOT NULL,
  natural_key  TEXT,
  existing     TEXT NOT NULL CHECK (json_valid(existing)),
  place        INTEGER NOT NULL REFERENCES place,
  dependencies INTEGER NOT NULL REFERENCES dependencies,
  creates      INTEGER NOT NULL CHECK (creates IN (0, 1)),
  sets_aside   TEXT,
  create_first INTEGER NOT NULL CHECK (create_first IN (0, 1)),
  keep         INTEGER NOT NULL CHECK (keep IN (0, 1)),
  ambiguous    INTEGER NOT NULL CHECK (ambiguous IN (0, 1)),
  phase        TEXT NOT NULL CHECK (phase IN
    ('intended', 'acknowledged', 'settled', 'rejected', 'abandoned', 'stuck')),
  object_id    TEXT,
  request_id   TEXT NOT NULL,
  outcome      TEXT NOT NULL,
  intended_at  INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX journal_open ON journal (id) WHERE phase IN ('intended', 'acknowledged', 'stuck');
CREATE INDEX journal_run ON journal (run);

-- One row for each commit that changed an object or an output.
CREATE TABLE serial (
  serial INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  run    INTEGER REFERENCES run
) STRICT;

-- What a serial changed, with what is needed to go back: the columns and attributes that had
-- another value before. `undo` is null where there was no object before.
CREATE TABLE change (
  serial   INTEGER NOT NULL REFERENCES serial,
  number   INTEGER NOT NULL,
  resource INTEGER NOT NULL REFERENCES resource,
  key      TEXT NOT NULL,
  deposed  TEXT NOT NULL,
  kind     TEXT NOT NULL CHECK (kind IN ('create', 'update', 'delete', 'move_from', 'move_to')),
  undo     TEXT CHECK (undo IS NULL OR json_valid(undo)),
  PRIMARY KEY (serial, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE output_change (
  serial INTEGER NOT NULL REFERENCES serial,
  name   TEXT NOT NULL,
  before TEXT CHECK (before IS NULL OR json_valid(before)),
  PRIMARY KEY (serial, name)
) STRICT, WITHOUT ROWID;

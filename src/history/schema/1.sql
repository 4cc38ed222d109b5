-- Times are microseconds since 1970-01-01 UTC. Order is that of `seq`, whatever clocks say.
CREATE TABLE run (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    kind      TEXT NOT NULL,     -- replication, undo, reset
    undone    TEXT,              -- the run that an undo takes back
    started   INTEGER NOT NULL,
    ended     INTEGER,           -- NULL: it runs, or it was interrupted
    settled   TEXT,              -- JSON: what the operator did about it when it was interrupted
    who       TEXT NOT NULL,     -- JSON: accounts, machine, process, version of the program
    overrides TEXT NOT NULL,     -- JSON: names
    summary   TEXT,              -- JSON: scopes by outcome
    approvals TEXT NOT NULL,     -- JSON
    asked     TEXT NOT NULL,     -- JSON
    plan      TEXT NOT NULL,     -- JSON
    report    TEXT               -- JSON
) STRICT;

CREATE INDEX run_open ON run (seq) WHERE ended IS NULL AND settled IS NULL;
CREATE INDEX run_undone ON run (undone, seq) WHERE undone IS NOT NULL;
CREATE INDEX run_started ON run (started);

CREATE TABLE run_server (
    run      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    role     TEXT NOT NULL,      -- source, target, member
    name     TEXT NOT NULL,
    identity TEXT,
    PRIMARY KEY (run, role, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_server_name ON run_server (name, run);

-- A scope of a target before a run wrote it, and after.
CREATE TABLE snapshot (
    seq            INTEGER PRIMARY KEY,
    run            INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    target         TEXT NOT NULL,
    identity       TEXT,          -- of the target
    relationship   TEXT NOT NULL,
    scope          TEXT NOT NULL, -- 10.0.0.0/24
    source_before  TEXT,          -- fingerprint; NULL: the run deleted it
    target_before  TEXT,          -- fingerprint; NULL: it did not exist
    network_before TEXT,          -- its shared network
    read_back      TEXT,          -- unread, missing, there; NULL: what became of it was not stored
    outcome        TEXT,
    target_after   TEXT,          -- fingerprint
    network_after  TEXT,
    changes        TEXT NOT NULL, -- JSON
    record         TEXT,          -- JSON: the outcome with its reasons
    native_before  TEXT,          -- JSON, in the server's words
    native_after   TEXT,
    UNIQUE (run, target, scope)
) STRICT;

-- The newest of a scope is never dropped.
CREATE INDEX snapshot_scope ON snapshot (scope, target, run);

-- Targets whose file lacks what runs (running) or is incomplete (broken).
CREATE TABLE unsaved (
    target TEXT PRIMARY KEY,
    amiss  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs that were handed to a process of their own.
CREATE TABLE job (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    created  INTEGER NOT NULL,
    ended    INTEGER,
    run      TEXT,                -- its name, once it has one
    title    TEXT NOT NULL,
    state    TEXT NOT NULL,       -- NotStarted, Running, Completed, Failed, Stopped
    user     TEXT NOT NULL,
    host     TEXT NOT NULL,
    process  INTEGER,             -- once one has claimed it
    cancel   INTEGER NOT NULL DEFAULT 0, -- how often it was asked to end
    received INTEGER NOT NULL DEFAULT 0, -- whether its output was
    progress TEXT,                -- JSON
    report   TEXT                 -- JSON
) STRICT;

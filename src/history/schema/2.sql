-- Scopes that a target has lost and its file may still have: it is not saved without them.
CREATE TABLE lost (
    target TEXT NOT NULL,
    scope  TEXT NOT NULL, -- 10.0.0.0/24
    PRIMARY KEY (target, scope)
) STRICT, WITHOUT ROWID;

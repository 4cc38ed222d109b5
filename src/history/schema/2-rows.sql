-- For tests: what a store of version 2 may hold.
INSERT INTO run (id, kind, started, ended, who, overrides, summary, approvals, asked, plan, report)
    VALUES ('r1', 'replication', 1, 2, '{"user":"alice","host":"admin","process":7,"since":"2026-01-01T00:00:00Z",'
        || '"version":"0.1.0","front_end":"command-line"}', '["option-43"]', '{"replicated":1}', '[]', 'null', '{}', '{}');
INSERT INTO run_server (run, role, name, identity) VALUES (1, 'target', 'two', 'id');
INSERT INTO snapshot (run, target, identity, relationship, scope, source_before, target_before, read_back, outcome,
        target_after, changes, record, native_before, native_after)
    VALUES (1, 'two', 'id', 'pair', '10.0.0.0/24', '1:s', '1:t', 'there', 'replicated', '1:n', '[]', '{}',
        '{"z":1,"a":2}', '{"z":3}');
INSERT INTO unsaved VALUES ('two', 'broken');
INSERT INTO job (created, title, state, user, host) VALUES (1, 'replicate', 'Running', 'alice', 'admin');
INSERT INTO lost VALUES ('two', '10.0.1.0/24');

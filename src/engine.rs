//! The shared replication engine.

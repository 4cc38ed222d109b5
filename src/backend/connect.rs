//! A server entry of the configuration becomes an adapter.

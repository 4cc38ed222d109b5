//! A running Kea server.

//! Everything interactive that needs no terminal.

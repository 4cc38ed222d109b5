//! The terminal: enter and leave, input, signals, hang-up.

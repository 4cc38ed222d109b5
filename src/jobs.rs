//! Background jobs on the runtime.

//! Kea's dialect of JSON, read with the place of every value.

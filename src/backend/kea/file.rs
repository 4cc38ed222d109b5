//! One Kea configuration file: read, edited in place, replaced safely.

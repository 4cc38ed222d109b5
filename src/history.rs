//! What runs overwrote, kept on this machine.

mod files;

pub use files::FileJournal;

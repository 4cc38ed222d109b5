//! `[screen]`: how the interactive program looks and behaves.

use std::path::Path;

use super::read::Fields;

/// The `[screen]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenConfig {
    /// From more deletions than this on, the operator types the relationship's name to confirm.
    pub type_name_above: u32,
}

impl Default for ScreenConfig {
    fn default() -> Self {
        Self { type_name_above: 10 }
    }
}

/// Reads the section; paths are taken from `folder`.
pub(super) fn read(fields: Fields<'_, '_, '_>, _folder: &Path) -> ScreenConfig {
    let default = ScreenConfig::default();
    let screen = ScreenConfig { type_name_above: fields.count("type_name_above").unwrap_or(default.type_name_above) };
    fields.finish(&[]);
    screen
}

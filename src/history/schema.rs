//! The store's schema, version by version.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as this program's: "ssyn".
pub(super) const APPLICATION: i64 = 0x7373_796e;

/// What leads from each version to the next; the first one starts from nothing. A step that was
/// released is never changed.
const STEPS: [&str; 1] = [include_str!("schema/1.sql")];

/// The version that this program writes.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// The version of a store.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a store to this program's version, each step as a whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let from = version(connection)?;
    for (step, number) in STEPS.iter().zip(1u32..).filter(|(_, number)| *number > from) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
        tracing::info!(version = number, "the history store has a new schema");
    }
    Ok(())
}

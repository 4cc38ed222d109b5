//! The store's schema, version by version.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as this program's: "ssyn".
pub(super) const APPLICATION: i64 = 0x7373_796e;

/// What leads from each version to the next; the first one starts from nothing. A step that was
/// released is never changed.
const STEPS: [&str; 1] = [include_str!("schema/1.sql")];

/// The version that this program writes.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// What a file says of itself.
pub(super) struct Header {
    pub application: i64,
    pub version: u32,
    pub is_empty: bool,
}

/// All in one statement: another process may be making the store.
pub(super) fn header(connection: &Connection) -> rusqlite::Result<Header> {
    let sql = "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM \
               pragma_user_version), NOT EXISTS (SELECT 1 FROM sqlite_schema)";
    connection
        .query_row(sql, [], |row| Ok(Header { application: row.get(0)?, version: row.get(1)?, is_empty: row.get(2)? }))
}

/// Brings a store to this program's version, each step as a whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    take(connection, &STEPS)
}

fn take(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    for (step, number) in steps.iter().zip(1u32..) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // another process may have been faster
        if header(&transaction)?.version >= number {
            continue;
        }
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
        tracing::info!(version = number, "the history store has a new schema");
    }
    Ok(())
}

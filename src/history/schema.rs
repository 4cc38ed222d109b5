//! The store's schema, version by version.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as this program's: "ssyn".
pub(super) const APPLICATION: i64 = 0x7373_796e;

/// What leads from each version to the next; the first one starts from nothing. A step that was
/// released is never changed.
const STEPS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

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

#[cfg(test)]
mod tests {
    use super::super::tests::{open, start};
    use super::super::{FILE, RunFilter};
    use super::*;
    use crate::engine::port::Journal as _;
    use crate::model::ServerName;

    /// What older programs have written.
    const OLDER: [&str; 2] = [include_str!("schema/1-rows.sql"), include_str!("schema/2-rows.sql")];

    fn store_of(folder: &tempfile::TempDir, version: usize) -> Connection {
        let state = folder.path().join("state");
        std::fs::create_dir_all(&state).unwrap();
        let mut connection = Connection::open(state.join(FILE)).unwrap();
        take(&mut connection, &STEPS[..version]).unwrap();
        connection.execute_batch(OLDER[version - 1]).unwrap();
        connection
    }

    #[test]
    fn every_older_store_is_brought_here_with_all_that_it_holds() {
        assert_eq!(OLDER.len(), STEPS.len(), "a new version needs rows of the one before it");
        for version in 1..=STEPS.len() {
            let folder = tempfile::tempdir().unwrap();
            drop(store_of(&folder, version));
            let history = open(&folder);
            let run = history.run("r1").unwrap();
            assert_eq!((run.overrides.as_slice(), run.summary["replicated"]), (&["option-43".to_owned()][..], 1));
            let snapshots = history.snapshots(&run, None).unwrap();
            assert_eq!(snapshots[0].native.as_ref().unwrap().to_string(), r#"{"z":1,"a":2}"#);
            assert_eq!(snapshots[0].end.as_ref().unwrap().fingerprint.as_deref(), Some("1:n"));
            let two = ServerName::from("two");
            assert!(history.unsaved(&two).is_some());
            assert_eq!(history.lost(&two).len(), usize::from(version > 1));
            history.remember_lost(&two, &["10.0.2.0/24".parse().unwrap()].into()).unwrap();
            assert_eq!(history.jobs(9).unwrap().len(), 1);
            history.begin(&start("r2")).unwrap();
            let ids: Vec<_> = history.runs(&RunFilter::default()).unwrap().into_iter().map(|run| run.id).collect();
            assert_eq!((ids, history.check().unwrap()), (vec!["r2".to_owned(), "r1".into()], Vec::new()));
        }
    }

    #[test]
    fn a_step_is_taken_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = store_of(&folder, 1);
        let half = "CREATE TABLE one (a); CREATE TABLE one (b);";
        assert!(take(&mut connection, &[STEPS[0], half]).is_err());
        let header = header(&connection).unwrap();
        assert_eq!((header.version, header.application), (1, APPLICATION));
        assert!(!connection.table_exists(None, "one").unwrap());
        take(&mut connection, &[STEPS[0], "CREATE TABLE one (a)", "ALTER TABLE one ADD COLUMN b"]).unwrap();
        assert_eq!(super::header(&connection).unwrap().version, 3);
        assert!(connection.column_exists(None, "one", "b").unwrap());
    }
}

//! What is kept of the past: enough to look back at recent serials and to return to them, and not so
//! much that the file grows with every run.

use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;

/// How many changes, and how many closed calls of the journal, are kept however few objects there are.
pub(super) const KEPT: i64 = 20_000;

/// Drops the oldest changes and closed calls where there are more than `kept`, and more than the
/// objects account for: two changes and one call each. Nothing of the run `last` is dropped.
pub(super) fn prune(connection: &Connection, last: i64, kept: i64) -> Result<(), Fault> {
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM instance", [], |row| row.get(0))?;
    let changes = "SELECT serial FROM change ORDER BY serial DESC, number DESC LIMIT 1 OFFSET ?1";
    let excess: Option<i64> =
        connection.query_row(changes, [kept.max(2 * objects)], |row| row.get(0)).optional()?;
    if let Some(excess) = excess {
        let own: Option<i64> = connection.query_row(
            "SELECT min(serial) FROM serial WHERE run = ?1",
            [last],
            |row| row.get(0),
        )?;
        let until = own.map_or(excess, |own| excess.min(own - 1));
        for table in ["change", "output_change", "serial"] {
            connection.execute(&format!("DELETE FROM {table} WHERE serial <= ?1"), [until])?;
        }
    }
    let calls = "SELECT id FROM journal ORDER BY id DESC LIMIT 1 OFFSET ?1";
    let excess: Option<i64> =
        connection.query_row(calls, [kept.max(objects)], |row| row.get(0)).optional()?;
    if let Some(excess) = excess {
        connection.execute(
            "DELETE FROM journal WHERE id <= ?1 AND run < ?2
                AND phase IN ('settled', 'rejected', 'abandoned')",
            [excess, last],
        )?;
    }
    Ok(())
}

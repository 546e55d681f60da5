//! Sealed records in an embedded database. The disk is not trusted: the core notices edits, and the chain old copies.

use phala_core::{Record, Write};
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::{Path, PathBuf};

const RECORDS: TableDefinition<[u8; 32], &[u8]> = TableDefinition::new("records");
const FILE_NAME: &str = "records.redb";

/// Memory for the database's own cache. The core holds everything in memory already: it reads records only at start.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// The worker's records.
pub struct Disk {
    database: Database,
    path: PathBuf,
}

/// Why the disk did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Another process has the file.
    #[error("{0} is in use by another worker. Stop that one first, or choose another folder with --dir")]
    InUse(PathBuf),
    /// The file is none of the database's, or its own checksums do not hold.
    #[error(
        "{path} is damaged: {why}. Put an undamaged copy back, or start a new worker with an empty folder"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What the database says.
        why: String,
    },
    /// The operating system refused.
    #[error("{path} cannot be written or read: {why}. Look for a full disk or missing permissions")]
    Unavailable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
}

impl Disk {
    /// Opens the records in a folder, or makes an empty file for them.
    pub fn open(dir: &Path) -> Result<Self, DiskError> {
        let path = dir.join(FILE_NAME);
        let database =
            Database::builder().set_cache_size(CACHE_BYTES).create(&path).map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => DiskError::InUse(path.clone()),
                DatabaseError::Storage(redb::StorageError::Io(error))
                    if error.kind() != std::io::ErrorKind::InvalidData =>
                {
                    DiskError::Unavailable { path: path.clone(), why: error.to_string() }
                }
                error => DiskError::Damaged { path: path.clone(), why: error.to_string() },
            })?;
        let disk = Self { database, path };
        let transaction = disk.database.begin_write().map_err(|error| disk.unavailable(error))?;
        transaction.open_table(RECORDS).map_err(|error| disk.damaged(error))?;
        transaction.commit().map_err(|error| disk.unavailable(error))?;
        Ok(disk)
    }

    /// All records.
    pub fn records(&self) -> Result<Vec<Record>, DiskError> {
        let transaction = self.database.begin_read().map_err(|error| self.unavailable(error))?;
        let table = transaction.open_table(RECORDS).map_err(|error| self.damaged(error))?;
        let rows = table.iter().map_err(|error| self.damaged(error))?;
        rows.map(|row| {
            let (name, value) = row.map_err(|error| self.damaged(error))?;
            Ok(Record { name: name.value(), value: value.value().to_vec() })
        })
        .collect()
    }

    /// Writes all or none, and returns once they would survive a loss of power.
    pub fn write(&self, writes: &[Write]) -> Result<(), DiskError> {
        let transaction = self.database.begin_write().map_err(|error| self.unavailable(error))?;
        {
            let mut table = transaction.open_table(RECORDS).map_err(|error| self.damaged(error))?;
            for Write { name, value } in writes {
                match value {
                    Some(value) => table.insert(name, value.as_slice()),
                    None => table.remove(name),
                }
                .map_err(|error| self.unavailable(error))?;
            }
        }
        transaction.commit().map_err(|error| self.unavailable(error))
    }

    fn damaged(&self, error: impl std::fmt::Display) -> DiskError {
        DiskError::Damaged { path: self.path.clone(), why: error.to_string() }
    }

    fn unavailable(&self, error: impl std::fmt::Display) -> DiskError {
        DiskError::Unavailable { path: self.path.clone(), why: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(name: u8, value: Option<&[u8]>) -> Write {
        Write { name: [name; 32], value: value.map(<[u8]>::to_vec) }
    }

    #[test]
    fn records_come_back_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        assert!(disk.records().unwrap().is_empty());
        disk.write(&[write(1, Some(b"one")), write(2, Some(b"two"))]).unwrap();
        disk.write(&[write(1, None), write(2, Some(b"deux"))]).unwrap();
        drop(disk);
        let records = Disk::open(dir.path()).unwrap().records().unwrap();
        assert_eq!(records, [Record { name: [2; 32], value: b"deux".to_vec() }]);
    }

    #[test]
    fn two_workers_do_not_share_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let _first = Disk::open(dir.path()).unwrap();
        assert!(matches!(Disk::open(dir.path()), Err(DiskError::InUse(_))));
    }

    #[test]
    fn a_file_of_another_kind_is_called_damaged() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE_NAME), vec![7; 100_000]).unwrap();
        assert!(matches!(Disk::open(dir.path()), Err(DiskError::Damaged { .. })));
    }

    #[test]
    fn a_folder_that_is_none_is_called_unavailable() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        assert!(matches!(Disk::open(&missing), Err(DiskError::Unavailable { .. })));
    }
}

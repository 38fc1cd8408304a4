//! One run at a time for one output folder.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use super::disk::Disk;
use crate::finding::{Finding, Findings, codes};

/// A lock on a folder, held until it is dropped.
///
/// It is the kernel's lock on the folder itself (`flock`): it ends with the process however that ends, so it cannot go
/// stale, and no lock file is left lying about.
#[derive(Debug)]
pub(crate) struct Lock {
    folder: Option<File>,
}

impl Lock {
    /// Locks a folder or says who is to blame. Where a file system has no locks the run goes on with a warning.
    pub(crate) fn acquire(
        disk: &dyn Disk,
        folder: &Path,
        shown: &Path,
    ) -> Result<(Self, Findings), Findings> {
        let file = match File::open(folder) {
            Ok(file) => file,
            Err(error) => return Ok((Self { folder: None }, unavailable(shown, &error))),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy(shown)),
            Err(TryLockError::Error(error)) => {
                return Ok((Self { folder: None }, unavailable(shown, &error)));
            }
        }
        if is_current(disk, &file, folder) {
            Ok((Self { folder: Some(file) }, Findings::new()))
        } else {
            Err(busy(shown))
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, but for a process that another thread is just starting: until it runs its own program it
        // has a copy of every open file, and with it the lock.
        if let Some(folder) = &self.folder {
            let _ = folder.unlock();
        }
    }
}

/// Whether the locked folder is still the one of this name: a run that has just ended may have renamed it.
#[cfg(unix)]
fn is_current(disk: &dyn Disk, file: &File, folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // When the system does not tell, the lock is held all the same.
    let (Ok(locked), Ok(named)) = (file.metadata(), disk.look(folder)) else { return true };
    let named = named.and_then(|named| named.identity);
    named.is_some_and(|named| named.device == locked.dev() && named.inode == locked.ino())
}

#[cfg(not(unix))]
fn is_current(_: &dyn Disk, _: &File, _: &Path) -> bool {
    true
}

fn busy(shown: &Path) -> Findings {
    Finding::error(&codes::LOCKED, format!("another run of infraflux is writing to `{}`", shown.display()))
        .hint("wait until it has ended and run again")
        .into()
}

fn unavailable(shown: &Path, error: &std::io::Error) -> Findings {
    Finding::warning(&codes::NO_LOCK, format!("`{}` cannot be locked: {error}", shown.display()))
        .hint("make sure that no other run writes to it at the same time")
        .into()
}

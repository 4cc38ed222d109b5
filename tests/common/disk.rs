//! A disk of its own that can be full.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::pair::skipped;

/// A block of the disk, in bytes: less cannot be taken or freed.
pub const BLOCK: u64 = 4096;

/// A small file system in memory; gone when dropped.
pub struct Disk {
    at: TempDir,
    filler: PathBuf,
}

impl Disk {
    /// Makes one of this size. `None` where the test may not: only root mounts.
    pub fn mount(megabytes: u32) -> Option<Disk> {
        let at = TempDir::with_prefix("disk-").expect("a temporary folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=700"), "none"]).arg(at.path());
        match mount.output() {
            Ok(output) if output.status.success() => Some(Disk { filler: at.path().join("filler"), at }),
            Ok(output) => skipped(&format!("no small disk: {}", String::from_utf8_lossy(&output.stderr).trim())),
            Err(error) => skipped(&format!("no small disk: mount: {error}")),
        }
    }

    pub fn path(&self) -> &Path {
        self.at.path()
    }

    /// Lets nobody write to it.
    pub fn freeze(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(self.at.path()).status();
        assert!(status.expect("mount").success());
    }

    /// Fills it up but for so many bytes, in whole blocks.
    pub fn leave(&self, bytes: u64) {
        self.free();
        let mut filler = std::fs::File::create(&self.filler).expect("a file");
        let block = vec![b'x'; BLOCK as usize];
        let mut length = 0;
        while filler.write_all(&block).is_ok() {
            length += BLOCK;
        }
        filler.set_len(length - bytes.next_multiple_of(BLOCK).min(length)).expect("a shorter file");
    }

    /// Frees what was filled.
    pub fn free(&self) {
        let _ = std::fs::remove_file(&self.filler);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.at.path()).output();
    }
}

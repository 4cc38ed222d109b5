//! What of a file is not its bytes: owner, mode, extended attributes.

#[cfg(unix)]
pub(super) use unix::{copy, inode, may_write};

#[cfg(not(unix))]
pub(super) use other::{copy, inode, may_write};

#[cfg(unix)]
mod unix {
    use std::fs::{File, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    use std::path::Path;

    use super::super::{FileError, shown};

    /// Device and inode.
    pub(in super::super) fn inode(metadata: &Metadata) -> Option<(u64, u64)> {
        Some((metadata.dev(), metadata.ino()))
    }

    /// Whether this user may write the old file; a rename alone would not ask.
    pub(in super::super) fn may_write(path: &Path) -> bool {
        rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
    }

    /// Gives the new file the old one's owner, extended attributes and mode.
    pub(in super::super) fn copy(old: &Path, new: &File) -> Result<(), FileError> {
        let io = |source| FileError::Io { path: shown(old), doing: "read the owner and mode of", source };
        let wanted = File::open(old).map_err(io)?;
        let want = wanted.metadata().map_err(io)?;
        let have = new.metadata().map_err(io)?;
        if (have.uid(), have.gid()) != (want.uid(), want.gid()) {
            let owner = || FileError::Owner { path: shown(old), uid: want.uid(), gid: want.gid() };
            fchown(new, Some(want.uid()), Some(want.gid())).map_err(|_| owner())?;
        }
        copy_attributes(old, &wanted, new)?;
        // Last: a change of the owner takes some bits away.
        let mode = want.mode() & 0o7777;
        let refused =
            |source| FileError::Attribute { path: shown(old), what: format!("mode {mode:04o}").into(), source };
        new.set_permissions(Permissions::from_mode(mode)).map_err(|e| refused(Some(e)))?;
        let kept = new.metadata().map_err(io)?;
        if (kept.uid(), kept.gid()) != (want.uid(), want.gid()) {
            return Err(FileError::Owner { path: shown(old), uid: want.uid(), gid: want.gid() });
        }
        if kept.mode() & 0o7777 == mode { Ok(()) } else { Err(refused(None)) }
    }

    /// Access lists, security labels and the like.
    #[cfg(target_os = "linux")]
    fn copy_attributes(old: &Path, from: &File, to: &File) -> Result<(), FileError> {
        use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
        use rustix::io::Errno;
        let mut names = vec![0u8; 64 << 10];
        let length = match flistxattr(from, &mut names[..]) {
            Ok(length) => length,
            Err(Errno::NOTSUP) => return Ok(()),
            Err(e) => {
                return Err(FileError::Io { path: shown(old), doing: "list the attributes of", source: e.into() });
            }
        };
        for name in names[..length].split(|b| *b == 0).filter(|name| !name.is_empty()) {
            let refused = |e: Errno| FileError::Attribute {
                path: shown(old),
                what: String::from_utf8_lossy(name).into_owned().into(),
                source: Some(io::Error::from(e)),
            };
            let mut value = vec![0u8; 64 << 10];
            let mut have = vec![0u8; 64 << 10];
            let length = fgetxattr(from, name, &mut value[..]).map_err(refused)?;
            // The system may have given the new file the same one: nobody need be allowed to set it then.
            if fgetxattr(to, name, &mut have[..]).is_ok_and(|n| have[..n] == value[..length]) {
                continue;
            }
            fsetxattr(to, name, &value[..length], XattrFlags::empty()).map_err(refused)?;
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn copy_attributes(_: &Path, _: &File, _: &File) -> Result<(), FileError> {
        Ok(())
    }
}

#[cfg(not(unix))]
mod other {
    use std::fs::{File, Metadata};
    use std::path::Path;

    use super::super::FileError;

    pub(in super::super) fn inode(_: &Metadata) -> Option<(u64, u64)> {
        None
    }

    pub(in super::super) fn may_write(path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|m| !m.permissions().readonly())
    }

    /// A new file takes its access list from the folder, as the old one did.
    pub(in super::super) fn copy(_: &Path, _: &File) -> Result<(), FileError> {
        Ok(())
    }
}

//! The daemon behind a socket of this machine, as Linux shows it in /proc: who it runs as, from
//! which file, and whether it may write it. Elsewhere nothing of that is known.

use std::path::PathBuf;

/// A running daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux shows one"))]
pub(super) struct Daemon {
    /// Its configuration file.
    pub(super) file: PathBuf,
    /// The name of the user that it runs as, or its number.
    pub(super) user: String,
    /// The AppArmor profile that is enforced on it.
    pub(super) profile: Option<String>,
    #[cfg(target_os = "linux")]
    rights: linux::Rights,
    /// The root of the files that it sees.
    #[cfg(target_os = "linux")]
    root: PathBuf,
}

/// What owners and modes say of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux shows one"))]
pub(super) struct Place {
    pub(super) file_writable: bool,
    /// New files can be made beside it.
    pub(super) folder_writable: bool,
    /// Owner and mode of the file, for messages.
    pub(super) owner: String,
    /// The file system itself is read-only to the daemon.
    pub(super) read_only: bool,
}

#[cfg(target_os = "linux")]
pub(super) use linux::daemon;

#[cfg(not(target_os = "linux"))]
pub(super) fn daemon(_pid: u32) -> Result<Daemon, String> {
    Err("whether the daemon may write its file is only known on Linux".to_owned())
}

#[cfg(not(target_os = "linux"))]
impl Daemon {
    pub(super) fn place(&self) -> Result<Place, String> {
        Err("not known on this system".to_owned())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, Metadata};
    use std::os::unix::ffi::OsStringExt as _;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Path, PathBuf};

    use super::{Daemon, Place};

    /// The capability of writing whatever the mode says (Linux, capability.h).
    const DAC_OVERRIDE: u64 = 1 << 1;

    /// By what the kernel decides about access.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(super) struct Rights {
        user: u32,
        groups: Vec<u32>,
        /// Modes do not bind it.
        overrides: bool,
    }

    /// The daemon of this number; `Err` says why it cannot be looked at.
    pub(in super::super) fn daemon(pid: u32) -> Result<Daemon, String> {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        let hidden = |what: &str| format!("{what} of the daemon (process {pid}) cannot be seen from here");
        let status = fs::read_to_string(proc.join("status")).map_err(|_| hidden("the user"))?;
        let rights = rights(&status).ok_or_else(|| hidden("the user"))?;
        let command = fs::read(proc.join("cmdline")).map_err(|_| hidden("the command line"))?;
        let file = configuration_file(&command).ok_or_else(|| hidden("the configuration file"))?;
        let file = if file.is_absolute() {
            file
        } else {
            fs::read_link(proc.join("cwd")).map_err(|_| hidden("the working folder"))?.join(file)
        };
        let user = user_name(rights.user, &fs::read_to_string("/etc/passwd").unwrap_or_default());
        let profile = ["attr/apparmor/current", "attr/current"].iter().find_map(|name| {
            let text = fs::read_to_string(proc.join(name)).ok()?;
            Some(text.trim_end().strip_suffix(" (enforce)")?.to_owned())
        });
        Ok(Daemon { file, user, profile, rights, root: proc.join("root") })
    }

    impl Daemon {
        pub(in super::super) fn place(&self) -> Result<Place, String> {
            let seen = self.as_it_sees(&self.file);
            let look = |path: &Path| {
                fs::metadata(path).map_err(|error| format!("{} cannot be looked at: {error}", self.file.display()))
            };
            let (file, folder) = (look(&seen)?, look(seen.parent().unwrap_or(Path::new("/")))?);
            let read_only = rustix::fs::statvfs(&seen)
                .is_ok_and(|system| system.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
            let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
            let owner = format!("of {}, mode {:04o}", user_name(file.uid(), &passwd), file.mode() & 0o7777);
            Ok(Place {
                file_writable: self.rights.may_write(&file, 0o2),
                folder_writable: self.rights.may_write(&folder, 0o3),
                owner,
                read_only,
            })
        }

        /// The path in the daemon's own view of the file systems, where we may follow it.
        fn as_it_sees(&self, file: &Path) -> PathBuf {
            let inside = self.root.join(file.strip_prefix("/").unwrap_or(file));
            if fs::metadata(&inside).is_ok() { inside } else { file.to_owned() }
        }
    }

    impl Rights {
        fn may_write(&self, at: &Metadata, wanted: u32) -> bool {
            self.allows((at.uid(), at.gid(), at.mode()), wanted)
        }

        /// `wanted`: bits of one class, as in 0o2 for writing.
        fn allows(&self, (user, group, mode): (u32, u32, u32), wanted: u32) -> bool {
            let class = match () {
                () if user == self.user => 6,
                () if self.groups.contains(&group) => 3,
                () => 0,
            };
            self.overrides || (mode >> class) & wanted == wanted
        }
    }

    /// User, groups and capabilities out of /proc/PID/status; the last number of each line is
    /// the one that counts for files.
    fn rights(status: &str) -> Option<Rights> {
        let line = |name: &str| {
            status.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.split_whitespace()))
        };
        let user = line("Uid")?.next_back()?.parse().ok()?;
        let group = line("Gid")?.next_back()?.parse().ok()?;
        let others = line("Groups").into_iter().flatten().filter_map(|group| group.parse().ok());
        let capabilities = u64::from_str_radix(line("CapEff")?.next()?, 16).ok()?;
        let groups = std::iter::once(group).chain(others).collect();
        Some(Rights { user, groups, overrides: capabilities & DAC_OVERRIDE != 0 })
    }

    /// The argument of `-c`, alone, joined to it, or behind other letters (`-dc`).
    fn configuration_file(command: &[u8]) -> Option<PathBuf> {
        let mut arguments = command.split(|byte| *byte == 0).skip(1);
        while let Some(argument) = arguments.next() {
            let Some(letters) = argument.strip_prefix(b"-") else { continue };
            let Some(at) = letters.iter().position(|letter| b"cpP".contains(letter)) else { continue };
            let joined = &letters[at + 1..];
            let value = if joined.is_empty() { arguments.next()? } else { joined };
            if letters[at] == b'c' {
                return Some(PathBuf::from(std::ffi::OsString::from_vec(value.to_vec())));
            }
        }
        None
    }

    fn user_name(user: u32, passwd: &str) -> String {
        let named = passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
        });
        named.unwrap_or_else(|| format!("user {user}"))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const STATUS: &str = "Name:\tkea-dhcp4\nUid:\t1\t1\t1\t101\nGid:\t2\t2\t2\t102\nGroups:\t7 8 \n\
            CapInh:\t0000000000000000\nCapEff:\t0000000000000400\n";

        #[test]
        fn rights_are_those_that_count_for_files() {
            let rights = rights(STATUS).unwrap();
            assert_eq!(rights, Rights { user: 101, groups: vec![102, 7, 8], overrides: false });
            let cases = [
                ((101, 0, 0o644), true),
                ((101, 0, 0o464), false),
                ((0, 7, 0o664), true),
                ((0, 7, 0o646), false),
                ((0, 0, 0o644), false),
                ((0, 0, 0o646), true),
            ];
            for (file, allowed) in cases {
                assert_eq!(rights.allows(file, 0o2), allowed, "{file:?}");
            }
            assert!(!rights.allows((0, 0, 0o752), 0o3), "a folder must be entered, too");
            let root = super::rights(&STATUS.replace("0400", "0402")).unwrap();
            assert!(root.allows((0, 0, 0o400), 0o3));
        }

        #[test]
        fn the_file_is_found_in_every_way_of_writing_it() {
            let cases: [(&[u8], Option<&str>); 5] = [
                (b"/usr/sbin/kea-dhcp4\0-c\0/etc/kea/kea-dhcp4.conf\0", Some("/etc/kea/kea-dhcp4.conf")),
                (b"kea-dhcp4\0-d\0-p\0-c\0-c\0a.conf\0", Some("a.conf")),
                (b"kea-dhcp4\0-p67\0-dca.conf\0", Some("a.conf")),
                (b"kea-dhcp4\0-ca.conf\0", Some("a.conf")),
                (b"ssh\0-N\0-L\0/run/s:/run/s\0partner\0", None),
            ];
            for (command, file) in cases {
                let found = configuration_file(command);
                assert_eq!(found.as_deref(), file.map(Path::new), "{}", String::from_utf8_lossy(command));
            }
        }

        #[test]
        fn users_have_names() {
            let passwd = "root:x:0:0:root:/root:/bin/sh\n_kea:x:101:102::/nonexistent:/bin/false\n";
            assert_eq!((user_name(101, passwd), user_name(7, passwd)), ("_kea".to_owned(), "user 7".to_owned()));
        }
    }
}

//! On which file system a path lies: a state needs one whose locks and syncs can be relied on.

use std::path::{Path, PathBuf};

/// Kinds of file systems that other machines share.
const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ncpfs",
    "ceph",
    "glusterfs",
    "lustre",
    "gpfs",
    "beegfs",
    "ocfs2",
    "gfs2",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.ceph",
    "fuse.s3fs",
    "fuse.ossfs",
    "fuse.ossfs2",
    "fuse.rclone",
    "fuse.gcsfuse",
    "fuse.davfs",
    "davfs",
];

/// Returns the kind of network file system that `path` lies on, after the text of
/// `/proc/self/mountinfo`; `None` when it is a local one or not known.
pub(super) fn network_file_system<'a>(mountinfo: &'a str, path: &Path) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (before.split(' ').nth(4), after.split(' ').next()) else {
            continue;
        };
        let point = unescape(point);
        // Of several mounts on one point the last is the one that is seen.
        if path.starts_with(&point)
            && best.is_none_or(|(length, _)| point.as_os_str().len() >= length)
        {
            best = Some((point.as_os_str().len(), kind));
        }
    }
    best.map(|(_, kind)| kind).filter(|kind| NETWORK.contains(kind))
}

/// Undoes the octal escapes of blanks and backslashes.
fn unescape(text: &str) -> PathBuf {
    let text = ["\\040", "\\011", "\\012"]
        .iter()
        .zip([" ", "\t", "\n"])
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain));
    PathBuf::from(text.replace("\\134", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
27 1 254:0 / / rw - ext4 /dev/vda rw
30 27 0:50 / /srv/share rw,relatime shared:1 - nfs4 server:/export rw
31 30 0:51 / /srv/share/local rw - xfs /dev/vdb rw
32 27 0:52 / /home/a\\040b rw - fuse.sshfs host: rw
33 27 0:53 / /twice rw - nfs server:/a rw
34 27 0:54 / /twice rw - tmpfs tmpfs rw
";

    #[test]
    fn the_nearest_mount_decides() {
        let kind = |path: &str| network_file_system(MOUNTS, Path::new(path));
        assert_eq!(kind("/srv/natform.db"), None);
        assert_eq!(kind("/srv/share/natform.db"), Some("nfs4"));
        assert_eq!(kind("/srv/shared/natform.db"), None);
        assert_eq!(kind("/srv/share/local/natform.db"), None);
        assert_eq!(kind("/home/a b/natform.db"), Some("fuse.sshfs"));
        assert_eq!(kind("/twice/natform.db"), None);
    }

    #[test]
    fn unreadable_lines_are_passed_over() {
        assert_eq!(network_file_system("x\n - \n1 2 3 4\n", Path::new("/a")), None);
    }
}

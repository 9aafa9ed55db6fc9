//! What is no state, was damaged or was lost.

use super::*;

#[test]
fn what_is_no_state_is_refused_untouched() {
    let (directory, path) = directory();
    let foreign = directory.path().join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(connection);
    let tagged = directory.path().join("tagged.db");
    let connection = rusqlite::Connection::open(&tagged).unwrap();
    connection.execute_batch("PRAGMA application_id = 5; CREATE TABLE t (x)").unwrap();
    drop(connection);
    fs::write(&path, "resource \"nat_gateway\" \"a\" {}").unwrap();
    let cut = directory.path().join("cut.db");
    fs::write(&cut, b"SQLite format 3\0abc").unwrap();
    for (path, says) in [
        (&path, "it is not SQLite"),
        (&foreign, "another program"),
        (&tagged, "another program"),
        (&cut, "cut off"),
        (&directory.path().to_owned(), "directory"),
    ] {
        let before = fs::read(path).ok();
        let error = store(path).snapshot().unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(store(path).lock(&info("apply"), Duration::ZERO).is_err());
        assert_eq!(fs::read(path).ok(), before);
        assert!(!error.help().is_empty());
        assert_eq!(error.diagnostic().summary, error.to_string());
    }
}

#[test]
fn a_damaged_file_is_told_as_such() {
    let (_directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    let writes =
        (0..200).map(|i| Write::Put(instance(&format!("a.b[{i}]"), "x", i).into())).collect();
    writer.commit(&lock, writes).unwrap();
    drop((lock, writer));
    let mut bytes = fs::read(&path).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte ^= 0x5a;
    }
    fs::write(&path, &bytes).unwrap();
    let error = store(&path).snapshot().unwrap_err();
    assert!(matches!(error, StateError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// Writes serials 1 to `serials`, each by a run.
fn serials(path: &Path, from: i64, to: i64) {
    let mut writer = store(path);
    let lock = take(&mut writer);
    for number in from..=to {
        let id = format!("r{number}");
        let at = Timestamp(number);
        let writes = vec![
            Write::BeginRun(run(&id)),
            Write::Put(instance("a.b", "x", number).into()),
            Write::EndRun { id, at },
        ];
        writer.commit(&lock, writes).unwrap();
    }
}

#[test]
fn what_was_lost_is_told_and_the_backup_is_a_way_back() {
    let (directory, path) = directory();
    serials(&path, 1, 2);
    let second = fs::read(&path).unwrap();
    assert_eq!(fs::read(directory.path().join("natform.db.backup")).unwrap(), second);
    serials(&path, 3, 3);
    let third = fs::read(&path).unwrap();

    // An older copy, the present one with a changed byte, and the present one.
    fs::write(&path, &second).unwrap();
    let error = store(&path).snapshot().unwrap_err();
    assert!(matches!(error, StateError::Lost { .. }), "{error:?}");
    assert!(error.to_string().contains("it ends with serial 2, but serial 3 was"), "{error}");
    assert!(error.help().contains("natform.db.backup` holds serial 3"), "{}", error.help());
    let mut bytes = third.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = store(&path).snapshot().unwrap_err();
    assert!(matches!(error, StateError::Damaged { .. }), "{error:?}");
    let mut damaged = store(&path);
    assert!(damaged.lock(&info("apply"), Duration::ZERO).is_err());
    assert_eq!(fs::read(&path).unwrap(), bytes);

    let lock = damaged.lock_unseen(&info("state restore"), Duration::ZERO).unwrap();
    let restored = damaged.restore_backup(&lock).unwrap();
    assert_eq!(restored.serial, 3);
    assert_eq!(fs::read(restored.kept.unwrap()).unwrap(), bytes);
    drop((lock, damaged));
    assert_eq!(store(&path).snapshot().unwrap().serial, 3);
    serials(&path, 4, 4);
    assert_eq!(store(&path).snapshot().unwrap().serial, 4);
}

#[test]
fn a_gone_file_is_missed_until_the_first_write() {
    let (_directory, path) = directory();
    serials(&path, 1, 1);
    fs::remove_file(&path).unwrap();
    let gone = store(&path).snapshot().unwrap().gone.unwrap();
    assert!(gone.starts_with("serial 1 was written to it at"), "{gone}");
    serials(&path, 1, 1);
    assert_eq!(store(&path).snapshot().unwrap().gone, None);
    fs::write(&path, "").unwrap();
    let error = store(&path).snapshot().unwrap_err();
    assert!(error.to_string().contains("the file is empty"), "{error}");
    assert!(store(&path).lock(&info("apply"), Duration::ZERO).is_err());
}

#[test]
fn a_link_leads_to_one_lock_and_one_witness() {
    let (directory, path) = directory();
    let link = directory.path().join("link.db");
    serials(&path, 1, 1);
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut first = store(&path);
    let lock = take(&mut first);
    assert!(store(&link).lock(&info("apply"), Duration::ZERO).is_err());
    drop((lock, first));
    serials(&link, 2, 2);
    assert_eq!(store(&path).snapshot().unwrap().serial, 2);
    assert!(!directory.path().join("link.db.witness").exists());
}

#[test]
fn another_lineage_may_be_pushed_and_is_witnessed() {
    let (_directory, path) = directory();
    serials(&path, 1, 2);
    let mut snapshot = store(&path).snapshot().unwrap();
    snapshot.lineage = String::from("another");
    let mut writer = store(&path);
    let lock = take(&mut writer);
    writer.push(&lock, &run("p"), &snapshot, true).unwrap();
    drop((lock, writer));
    assert_eq!(store(&path).snapshot().unwrap().lineage, "another");
    take(&mut store(&path));
}

//! Older, newer and released versions of the file.

use super::*;

#[test]
fn a_newer_state_is_refused_untouched() {
    let (_directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    writer.commit(&lock, vec![Write::Put(instance("a.b", "x", 1).into())]).unwrap();
    drop((lock, writer));
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    let error = store(&path).snapshot().unwrap_err();
    assert!(matches!(error, StateError::Newer { found: 99, known: 1, .. }), "{error:?}");
    let Err(error) = store(&path).lock(&info("apply"), Duration::ZERO) else { panic!("opened") };
    assert!(matches!(error, StateError::Newer { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

const TWO_STEPS: &[&str] = &[
    migration::MIGRATIONS[0],
    "CREATE TABLE extra (x INTEGER) STRICT; UPDATE instance SET keep = 0;",
];
const BROKEN_STEP: &[&str] = &[migration::MIGRATIONS[0], "CREATE TABLE extra (x); NONSENSE;"];

#[test]
fn an_older_state_is_migrated_with_a_backup_and_read_without() {
    let (directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    writer.commit(&lock, vec![Write::Put(instance("a.b", "x", 1).into())]).unwrap();
    drop((lock, writer));
    let before = fs::read(&path).unwrap();

    let key = (address("a.b"), None);
    let newer = || store(&path).with_migrations(TWO_STEPS);
    assert!(!newer().snapshot().unwrap().instances[&key].prevent_destroy);
    assert_eq!(fs::read(&path).unwrap(), before, "reading must not migrate");

    let mut broken = store(&path).with_migrations(BROKEN_STEP);
    assert!(broken.lock(&info("apply"), Duration::ZERO).is_err());
    drop(broken);
    assert!(store(&path).snapshot().unwrap().instances[&key].prevent_destroy);

    let mut migrated = newer();
    take(&mut migrated);
    let copied = directory.path().join("natform.db.v1.backup.2");
    assert_eq!(migrated.backup(), Some(&*copied), "the user is told its name");
    assert!(!migrated.snapshot().unwrap().instances[&key].prevent_destroy);
    drop(migrated);
    let error = store(&path).snapshot().unwrap_err();
    assert!(matches!(error, StateError::Newer { found: 2, known: 1, .. }), "{error:?}");
    let backup = directory.path().join("natform.db.v1.backup.2");
    assert_eq!(fs::metadata(&backup).unwrap().mode() & 0o777, 0o600);
    assert!(store(&backup).snapshot().unwrap().instances[&key].prevent_destroy);
}

#[test]
fn schema_is_what_the_migrations_make() {
    let mut connection = rusqlite::Connection::open_in_memory().unwrap();
    migration::migrate(&mut connection, migration::Found::Empty, migration::MIGRATIONS).unwrap();
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
        .unwrap();
    let tables: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let text = tables.iter().map(|sql| format!("{sql};\n")).collect::<Vec<_>>().join("\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("state-schema/schema.sql");
    let recorded = fs::read_to_string(path).unwrap();
    assert_eq!(recorded, text, "bring `state-schema/schema.sql` up to date");
}

#[test]
fn every_released_version_can_be_opened() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("state-schema/fixtures");
    for version in 1..=migration::MIGRATIONS.len() {
        let fixture = fixtures.join(format!("v{version}.sql"));
        let sql = fs::read_to_string(&fixture).unwrap_or_else(|_| {
            panic!("a state of version {version} as SQL is missing: {fixture:?}")
        });
        let (_directory, path) = directory();
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(&sql).unwrap();
        let of: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0)).unwrap();
        assert_eq!(usize::try_from(of), Ok(version), "{fixture:?} is of another version");
        drop(connection);
        let mut store = store(&path);
        for _ in 0..2 {
            let snapshot = store.snapshot().unwrap();
            assert_eq!(snapshot.serial, 2);
            assert_eq!(snapshot.open.len(), 1);
            let web = &snapshot.instances[&(address("forward_entry.web[\"443\"]"), None)];
            assert_eq!(web.id, "fwd-1");
            assert_eq!(store.history(10).unwrap().len(), 2);
            take(&mut store);
        }
    }
}

//! The store: what it keeps, refuses and survives.

mod damage;
mod growth;
mod versions;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::address::Address;
use crate::api::catalogue::Action;
use crate::environment::{Environment, ManualClock, SeededIds, Timestamp};
use crate::resources::Object;
use crate::value::Value;

fn environment() -> Environment {
    Environment {
        clock: Arc::new(ManualClock::at(Timestamp(1_000))),
        ids: Arc::new(SeededIds::new(7)),
        ..Environment::real()
    }
}

fn store(path: &Path) -> SqliteStore {
    SqliteStore::new(path, &environment())
}

fn info(operation: &str) -> LockInfo {
    LockInfo {
        id: String::from("11111111-1111-1111-1111-111111111111"),
        who: String::from("ann@desk"),
        pid: 42,
        operation: operation.to_owned(),
        since: Timestamp(5_000),
    }
}

fn take(store: &mut SqliteStore) -> Lock {
    store.lock(&info("apply"), Duration::ZERO).unwrap()
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn instance(at: &str, id: &str, port: i64) -> Instance {
    let object: Object = [
        ("external_ip".into(), Value::from("1.2.3.4")),
        ("external_port".into(), Value::from(port)),
        ("note".into(), Value::from("hush").with_sensitive(true)),
        ("absent".into(), Value::null()),
    ]
    .into_iter()
    .collect();
    Instance {
        address: address(at),
        deposed: None,
        id: id.to_owned(),
        status: Status::Ready,
        object,
        dependencies: vec!["nat_gateway.main".parse().unwrap()],
        provider: "".into(),
        region: String::from("cn-hangzhou"),
        service: Service::Embedded("w1".into()),
        schema_version: 1,
        create_before_destroy: false,
        prevent_destroy: true,
    }
}

fn run(id: &str) -> RunRecord {
    RunRecord {
        id: id.to_owned(),
        command: String::from("apply"),
        who: String::from("ann@desk"),
        plan: Some(String::from("digest")),
        started_at: Timestamp(1),
        ended_at: None,
    }
}

fn entry(at: &str) -> JournalEntry {
    JournalEntry {
        id: 0,
        run: String::from("r1"),
        operation: Some(3),
        address: address(at),
        deposed: None,
        creates: true,
        sets_aside: Some(String::from("old")),
        action: Action::CreateForwardEntry,
        parameters: [("ExternalPort".to_owned(), "80".to_owned())].into(),
        token: String::from("t-1"),
        digest: String::from("abc"),
        lane: String::from("ftb-1"),
        planned: Some(codec::encode_object(&instance(at, "", 80).object)),
        step: (0, 1),
        natural_key: Some(String::from("ftb-1/80")),
        existing: vec![String::from("fwd-9")],
        provider: "".into(),
        region: String::from("cn-hangzhou"),
        service: Service::Real,
        dependencies: Vec::new(),
        create_before_destroy: false,
        prevent_destroy: false,
        ambiguous: false,
        phase: Phase::Intended,
        object_id: None,
        request_id: String::new(),
        outcome: String::new(),
        intended_at: Timestamp(10),
        updated_at: Timestamp(10),
    }
}

/// What of a snapshot can be compared.
fn shown(snapshot: &Snapshot) -> String {
    let export = snapshot.export(true);
    serde_json::to_string(&(export.instances, export.outputs)).unwrap()
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("natform.db");
    (directory, path)
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn everything_comes_back() {
    let (_directory, path) = directory();
    let mut first = store(&path);
    let lock = take(&mut first);
    let mut aside = instance("forward_entry.web[\"a\"]", "fwd-0", 79);
    aside.deposed = Some(String::from("k1"));
    let ids = first
        .commit(
            &lock,
            vec![
                Write::BeginRun(run("r1")),
                Write::Put(instance("forward_entry.web[\"a\"]", "fwd-1", 80).into()),
                Write::Put(aside.into()),
                Write::Put(instance("module.m[\"x.y\"].forward_entry.web[3]", "fwd-2", 81).into()),
                Write::Intend(entry("forward_entry.new").into()),
                Write::Outputs([("ip".into(), Value::from("1.2.3.4"))].into()),
                Write::Lesson(String::from("table"), String::from("serial")),
            ],
        )
        .unwrap();
    assert_eq!(ids, [1]);
    drop((lock, first));

    let second = store(&path);
    let snapshot = second.snapshot().unwrap();
    assert_eq!(snapshot.serial, 1);
    assert!(!snapshot.lineage.is_empty());
    assert!(snapshot.holder.is_none());
    assert_eq!(snapshot.instances.len(), 3);
    let key = (address("forward_entry.web[\"a\"]"), None);
    let read = &snapshot.instances[&key];
    assert_eq!((read.id.as_str(), read.prevent_destroy), ("fwd-1", true));
    assert_eq!(read.service, Service::Embedded("w1".into()));
    assert_eq!(read.dependencies[0].to_string(), "nat_gateway.main");
    assert!(read.object.get("note").unwrap().is_sensitive());
    assert!(read.object.get("absent").is_none());
    assert_eq!(snapshot.lessons["table"], "serial");
    assert_eq!(snapshot.outputs["ip"].as_str(), Some("1.2.3.4"));
    let open = &snapshot.open[0];
    let mut expected = entry("forward_entry.new");
    expected.id = 1;
    assert_eq!(format!("{open:?}"), format!("{expected:?}"));
    assert_eq!(second.run_of_plan("digest").unwrap().unwrap().id, "r1");
    assert_eq!(second.run_of_plan("other").unwrap(), None);
}

#[test]
fn reading_creates_nothing() {
    let (directory, path) = directory();
    let store = store(&path);
    let snapshot = store.snapshot().unwrap();
    assert!(snapshot.instances.is_empty() && snapshot.lineage.is_empty());
    assert!(store.run_of_plan("x").unwrap().is_none());
    assert!(store.history(10).unwrap().is_empty());
    assert!(files(directory.path()).is_empty());
}

#[test]
fn reading_leaves_nothing_beside_the_file() {
    let (directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    writer.commit(&lock, vec![Write::Put(instance("a.b", "x", 1).into())]).unwrap();
    drop((lock, writer));
    let before = fs::read(&path).unwrap();
    assert_eq!(store(&path).snapshot().unwrap().instances.len(), 1);
    let names = ["natform.db", "natform.db.backup", "natform.db.lock", "natform.db.witness"];
    assert_eq!(files(directory.path()), names);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn all_files_are_private() {
    let (directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    writer.commit(&lock, vec![Write::Put(instance("a.b", "x", 1).into())]).unwrap();
    assert!(files(directory.path()).contains(&String::from("natform.db-wal")));
    for name in files(directory.path()) {
        let mode = fs::metadata(directory.path().join(&name)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[test]
fn a_second_run_is_refused_with_the_holder() {
    let (_directory, path) = directory();
    let (mut first, mut second) = (store(&path), store(&path));
    let lock = take(&mut first);
    let Err(error) = second.lock(&info("destroy"), Duration::ZERO) else { panic!("got the lock") };
    let text = error.to_string();
    assert!(text.contains("ann@desk") && text.contains("`apply`"), "{text}");
    assert!(error.help().contains("-lock-timeout"));
    assert_eq!(second.snapshot().unwrap().holder.unwrap(), info("apply"));
    drop(lock);
    assert!(second.snapshot().unwrap().holder.is_none());
    take(&mut second);
}

#[test]
fn a_run_may_wait_for_the_lock() {
    let (_directory, path) = directory();
    let mut first = store(&path);
    let lock = take(&mut first);
    let waiting = std::thread::spawn({
        let path = path.clone();
        move || store(&path).lock(&info("apply"), Duration::from_secs(20)).is_ok()
    });
    drop(lock);
    assert!(waiting.join().unwrap());
}

#[test]
fn a_note_of_a_dead_holder_does_not_lock() {
    let (_directory, path) = directory();
    let note = serde_json::to_vec(&info("apply")).unwrap();
    fs::write(path.with_extension("db.lock"), note).unwrap();
    let mut store = store(&path);
    assert!(store.snapshot().unwrap().holder.is_none());
    take(&mut store);
}

#[test]
fn readers_see_what_was_committed_while_a_run_writes() {
    let (_directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    writer.commit(&lock, vec![Write::Put(instance("a.b", "x", 1).into())]).unwrap();
    let reader = store(&path);
    assert_eq!(reader.snapshot().unwrap().serial, 1);
    writer.commit(&lock, vec![Write::Put(instance("a.c", "y", 1).into())]).unwrap();
    let snapshot = reader.snapshot().unwrap();
    assert_eq!((snapshot.serial, snapshot.instances.len()), (2, 2));
    assert_eq!(snapshot.holder.unwrap().operation, "apply");
}

#[test]
fn a_failed_list_of_writes_changes_nothing() {
    let (_directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    writer.commit(&lock, vec![Write::Put(instance("a.b", "x", 1).into())]).unwrap();
    let before = shown(&writer.snapshot().unwrap());
    let error = writer
        .commit(
            &lock,
            vec![
                Write::Put(instance("a.c", "y", 2).into()),
                Write::Remove((address("a.b"), None)),
                Write::Move((address("a.none"), None), (address("a.d"), None)),
            ],
        )
        .unwrap_err();
    assert!(error.to_string().contains("a.none"), "{error}");
    let after = store(&path).snapshot().unwrap();
    assert_eq!((shown(&after), after.serial), (before, 1));
}

#[test]
fn a_full_disk_is_told_and_changes_nothing() {
    let (_directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    writer.commit(&lock, vec![Write::Put(instance("a.b", "x", 1).into())]).unwrap();
    let connection = writer.writer.as_ref().unwrap();
    let pages: i64 = connection.pragma_query_value(None, "page_count", |r| r.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", pages).unwrap();
    let writes =
        (0..2_000).map(|i| Write::Put(instance(&format!("a.b[{i}]"), "x", i).into())).collect();
    let error = writer.commit(&lock, writes).unwrap_err();
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(store(&path).snapshot().unwrap().instances.len(), 1);
}

#[test]
fn places_that_cannot_hold_a_state_are_told() {
    let (directory, _) = directory();
    let missing = directory.path().join("none/natform.db");
    let error = store(&missing).snapshot().unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
    assert!(store(&missing).lock(&info("apply"), Duration::ZERO).is_err());
    // Nobody may create files there, not even the super-user.
    let Err(error) = store(Path::new("/proc/natform.db")).lock(&info("apply"), Duration::ZERO)
    else {
        panic!("locked")
    };
    assert!(matches!(error, StateError::Io { doing: "lock", .. }), "{error:?}");
}

#[test]
fn a_state_in_a_read_only_directory_can_be_read() {
    let (directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    writer.commit(&lock, vec![Write::Put(instance("a.b", "x", 1).into())]).unwrap();
    drop((lock, writer));
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let snapshot = store(&path).snapshot();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(snapshot.unwrap().instances.len(), 1);
}

#[test]
fn the_lock_of_another_state_is_no_key() {
    let (directory, path) = directory();
    let mut first = store(&path);
    let mut second = store(&directory.path().join("other.db"));
    let lock = take(&mut first);
    let error = second.commit(&lock, Vec::new()).unwrap_err();
    assert!(matches!(error, StateError::Refused { .. }));
}

#[test]
fn journal_entries_go_through_their_phases() {
    let (_directory, path) = directory();
    let mut store = store(&path);
    let lock = take(&mut store);
    let begin = vec![Write::BeginRun(run("r1")), Write::Intend(entry("a.b").into())];
    let id = store.commit(&lock, begin).unwrap()[0];
    assert_eq!(store.snapshot().unwrap().serial, 0, "an intent changes no object");
    let mut entry = entry("a.b");
    entry.id = id;
    entry.phase = Phase::Acknowledged;
    entry.object_id = Some(String::from("fwd-1"));
    store.commit(&lock, vec![Write::Journal(entry.clone().into())]).unwrap();
    let open = store.snapshot().unwrap().open;
    assert_eq!(open[0].phase, Phase::Acknowledged);
    assert_eq!(open[0].parameters.len(), 1);
    entry.phase = Phase::Settled;
    store.commit(&lock, vec![Write::Journal(entry.clone().into())]).unwrap();
    assert!(store.snapshot().unwrap().open.is_empty());
    let closed = &store.entries_of_run("r1").unwrap()[0];
    assert_eq!((closed.phase, closed.operation), (Phase::Settled, Some(3)));
    assert_eq!(closed.token, "t-1");
    assert!(closed.parameters.is_empty() && closed.planned.is_none());
    entry.id = 99;
    assert!(store.commit(&lock, vec![Write::Journal(entry.into())]).is_err());
    let end = Write::EndRun { id: String::from("r1"), at: Timestamp(9) };
    store.commit(&lock, vec![end]).unwrap();
    assert_eq!(store.run_of_plan("digest").unwrap().unwrap().ended_at, Some(Timestamp(9)));
}

#[test]
fn history_tells_what_changed_and_leads_back() {
    let (_directory, path) = directory();
    let mut store = store(&path);
    let lock = take(&mut store);
    let put = |at: &str, port| Write::Put(instance(at, "x", port).into());
    store.commit(&lock, vec![Write::BeginRun(run("r1")), put("a.b", 1), put("a.c", 1)]).unwrap();
    let first = shown(&store.snapshot().unwrap());
    store
        .commit(
            &lock,
            vec![
                put("a.b", 2),
                Write::Remove((address("a.c"), None)),
                Write::Outputs([("o".into(), Value::from(1i64))].into()),
            ],
        )
        .unwrap();
    let second = shown(&store.snapshot().unwrap());
    store.commit(&lock, vec![put("a.b", 2)]).unwrap();
    assert_eq!(store.snapshot().unwrap().serial, 2, "nothing changed");
    let to = (address("a.d"), None);
    store.commit(&lock, vec![Write::Move((address("a.b"), None), to)]).unwrap();
    store.commit(&lock, vec![Write::Outputs(BTreeMap::new())]).unwrap();
    let last = shown(&store.snapshot().unwrap());

    let history = store.history(10).unwrap();
    let serials: Vec<u64> = history.iter().map(|h| h.serial).collect();
    assert_eq!(serials, [4, 3, 2, 1]);
    assert_eq!(history[0].outputs, ["o"]);
    let kinds: Vec<(String, HistoryKind)> =
        history[1].changes.iter().map(|c| (c.address.to_string(), c.kind)).collect();
    assert_eq!(kinds, [("a.b".into(), HistoryKind::MoveFrom), ("a.d".into(), HistoryKind::MoveTo)]);
    assert_eq!(history[3].run.as_ref().unwrap().id, "r1");
    assert_eq!(store.history(1).unwrap().len(), 1);

    assert_eq!(shown(&store.snapshot_at(2).unwrap()), second);
    assert_eq!(shown(&store.snapshot_at(1).unwrap()), first);
    assert!(store.snapshot_at(0).unwrap().instances.is_empty());
    assert!(store.snapshot_at(5).is_err());
    assert_eq!(store.restore(&lock, &run("r2"), 1).unwrap(), 5);
    assert_eq!(shown(&store.snapshot().unwrap()), first);
    assert_eq!(shown(&store.snapshot_at(4).unwrap()), last);
    store.commit(&lock, vec![Write::Intend(entry("a.b").into())]).unwrap();
    assert!(store.restore(&lock, &run("r3"), 2).unwrap_err().to_string().contains("unfinished"));
}

#[test]
fn a_state_is_pulled_and_pushed() {
    let (directory, path) = directory();
    let mut source = store(&path);
    let lock = take(&mut source);
    let put = |port| Write::Put(instance("a.b", "x", port).into());
    let output = Write::Outputs([("o".into(), Value::from("s").with_sensitive(true))].into());
    source.commit(&lock, vec![put(1), output]).unwrap();
    source.commit(&lock, vec![put(2)]).unwrap();
    let pulled = source.snapshot().unwrap().export(true).to_string();
    let redacted = source.snapshot().unwrap().export(false).to_string();
    let schema = include_str!("../../../state-schema/state-export.schema.json");
    let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    for document in [&pulled, &redacted] {
        schema.validate(&serde_json::from_str(document).unwrap()).unwrap();
    }
    assert!(!redacted.contains("hush") && redacted.contains("\"redacted\": true"));
    let parse = |text: &str| parse_export(text, crate::diagnostic::FileId(0), &|_| Vec::new());
    let refused = parse(&redacted).unwrap_err();
    let help = refused.iter().next().unwrap().help.clone().unwrap();
    assert!(help.contains("-show-sensitive"));
    assert!(parse("{}").is_err());

    let parsed = parse(&pulled).unwrap();
    let mut target = SqliteStore::new(
        directory.path().join("other.db"),
        &Environment { ids: Arc::new(SeededIds::new(8)), ..environment() },
    );
    let target_lock = take(&mut target);
    assert_eq!(target.push(&target_lock, &run("p1"), &parsed, false).unwrap(), 2);
    let there = target.snapshot().unwrap();
    assert_eq!((shown(&there), &there.lineage), (shown(&parsed), &parsed.lineage));

    source.commit(&lock, vec![put(3)]).unwrap();
    let error = source.push(&lock, &run("p1"), &parsed, false).unwrap_err();
    assert!(error.to_string().contains("older"), "{error}");
    assert_eq!(source.push(&lock, &run("p1"), &parsed, true).unwrap(), 4);
    let mut stranger = parsed;
    stranger.lineage = String::from("other");
    stranger.serial = 10;
    assert!(
        source
            .push(&lock, &run("p2"), &stranger, false)
            .unwrap_err()
            .to_string()
            .contains("lineage")
    );
}

/// One step of the random test.
#[derive(Debug, Clone)]
enum Step {
    Put(u8, i64),
    Remove(u8),
    Move(u8, u8),
    Output(Option<i64>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..6, 0i64..4).prop_map(|(at, port)| Step::Put(at, port)),
        (0u8..6).prop_map(Step::Remove),
        (0u8..6, 0u8..6).prop_map(|(from, to)| Step::Move(from, to)),
        proptest::option::of(0i64..3).prop_map(Step::Output),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_store_and_its_past_equal_a_model(
        commits in proptest::collection::vec(proptest::collection::vec(step(), 1..5), 1..8),
    ) {
        let (_directory, path) = directory();
        let mut store = store(&path);
        let lock = take(&mut store);
        let mut model = Snapshot::default();
        let mut past = vec![(0, shown(&model))];
        for steps in commits {
            let mut writes = Vec::new();
            for step in steps {
                match step {
                    Step::Put(at, port) => {
                        let instance = instance(&format!("a.b[{at}]"), "x", port);
                        model.instances.insert(instance.key(), instance.clone());
                        writes.push(Write::Put(instance.into()));
                    }
                    Step::Remove(at) => {
                        let key = (address(&format!("a.b[{at}]")), None);
                        model.instances.remove(&key);
                        writes.push(Write::Remove(key));
                    }
                    Step::Move(from, to) => {
                        let from = (address(&format!("a.b[{from}]")), None);
                        let to = (address(&format!("a.b[{to}]")), None);
                        if model.instances.contains_key(&to) {
                            continue;
                        }
                        let Some(mut instance) = model.instances.remove(&from) else { continue };
                        instance.address = to.0.clone();
                        model.instances.insert(to.clone(), instance);
                        writes.push(Write::Move(from, to));
                    }
                    Step::Output(value) => {
                        model.outputs =
                            value.map(|v| ("o".into(), Value::from(v))).into_iter().collect();
                        writes.push(Write::Outputs(model.outputs.clone()));
                    }
                }
            }
            store.commit(&lock, writes).unwrap();
            let snapshot = store.snapshot().unwrap();
            prop_assert_eq!(shown(&snapshot), shown(&model));
            if past.last().unwrap().0 == snapshot.serial {
                prop_assert_eq!(&past.last().unwrap().1, &shown(&model));
            } else {
                past.push((snapshot.serial, shown(&model)));
            }
        }
        for (serial, then) in past {
            prop_assert_eq!(shown(&store.snapshot_at(serial).unwrap()), then);
        }
    }
}

/// Not a test of behaviour: run with `--release -- --ignored --nocapture` to measure.
#[test]
#[ignore = "measures"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn measure_100_000_instances() {
    let (_directory, path) = directory();
    let mut writer = store(&path);
    let lock = take(&mut writer);
    let many = 100_000;
    writer.commit(&lock, vec![Write::BeginRun(run("r1"))]).unwrap();
    let started = std::time::Instant::now();
    for batch in 0..many / 100 {
        let range = batch * 100..(batch + 1) * 100;
        let at = |i: i64| format!("module.edge.forward_entry.web[\"{i}\"]");
        let entries: Vec<JournalEntry> = range.clone().map(|i| entry(&at(i))).collect();
        let intents = entries.iter().map(|e| Write::Intend(e.clone().into())).collect();
        let ids = writer.commit(&lock, intents).unwrap();
        for phase in [Phase::Acknowledged, Phase::Settled] {
            let mut writes = Vec::new();
            for ((i, entry), id) in range.clone().zip(&entries).zip(&ids) {
                let mut entry = entry.clone();
                (entry.id, entry.phase) = (*id, phase);
                entry.request_id = String::from("11111111-1111-1111-1111-111111111111");
                entry.token = String::from("11111111-1111-1111-1111-111111111111");
                entry.object_id = Some(format!("fwd-{i:017}"));
                writes.push(Write::Journal(entry.into()));
                let mut instance = instance(&at(i), &format!("fwd-{i:017}"), i);
                for name in ["forward_table_id", "internal_ip", "ip_protocol", "name"] {
                    instance.object.set(name, Value::from("ftb-11111111111111111"));
                }
                if phase == Phase::Settled {
                    instance.object.set("status", Value::from("Available"));
                } else {
                    instance.status = Status::Creating;
                }
                writes.push(Write::Put(instance.into()));
            }
            writer.commit(&lock, writes).unwrap();
        }
    }
    println!("written in {:?}", started.elapsed());
    drop((lock, writer));
    let size = fs::metadata(&path).unwrap().len();
    println!("{} bytes an instance", size / u64::try_from(many).unwrap());
    let started = std::time::Instant::now();
    let snapshot = store(&path).snapshot().unwrap();
    println!("{} loaded in {:?}", snapshot.instances.len(), started.elapsed());
}

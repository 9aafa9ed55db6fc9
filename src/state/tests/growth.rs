//! What a state keeps of its past, and how large its file gets.

use super::*;
use crate::state::retention;

fn end(id: &str) -> Vec<Write> {
    vec![Write::EndRun { id: id.to_owned(), at: Timestamp(9) }]
}

#[test]
fn the_oldest_serials_go_and_those_that_are_left_lead_back() {
    let (_directory, path) = directory();
    let mut store = store(&path);
    let lock = take(&mut store);
    let mut past = Vec::new();
    for port in 1..=6 {
        let id = format!("r{port}");
        let put = Write::Put(instance("a.b", "x", port).into());
        store.commit(&lock, vec![Write::BeginRun(run(&id)), put]).unwrap();
        store.commit(&lock, end(&id)).unwrap();
        past.push(shown(&store.snapshot().unwrap()));
    }
    store.change(&lock, |writer| retention::prune(writer.connection, 6, 3)).unwrap();
    let serials: Vec<u64> = store.history(10).unwrap().iter().map(|h| h.serial).collect();
    assert_eq!(serials, [6, 5, 4]);
    for (serial, then) in (3..=6).zip(&past[2..]) {
        assert_eq!(shown(&store.snapshot_at(serial).unwrap()), *then, "serial {serial}");
    }
    let refused = store.snapshot_at(2).unwrap_err().to_string();
    assert!(refused.contains("goes from 3 to 6"), "{refused}");
    // Nothing of the last run goes, however much it did.
    store.change(&lock, |writer| retention::prune(writer.connection, 4, 0)).unwrap();
    assert_eq!(store.history(10).unwrap().len(), 3);
}

#[test]
fn closed_calls_of_earlier_runs_go_and_open_ones_stay() {
    let (_directory, path) = directory();
    let mut store = store(&path);
    let lock = take(&mut store);
    for number in 1..=4 {
        let id = format!("r{number}");
        store.commit(&lock, vec![Write::BeginRun(run(&id))]).unwrap();
        let mut call = JournalEntry { run: id.clone(), ..entry("a.b") };
        call.id = store.commit(&lock, vec![Write::Intend(Box::new(call.clone()))]).unwrap()[0];
        if number != 2 {
            call.phase = Phase::Settled;
            store.commit(&lock, vec![Write::Journal(Box::new(call))]).unwrap();
        }
        store.commit(&lock, end(&id)).unwrap();
    }
    store.change(&lock, |writer| retention::prune(writer.connection, 4, 1)).unwrap();
    let left = ["r1", "r2", "r3", "r4"].map(|id| store.entries_of_run(id).unwrap().len());
    assert_eq!(left, [0, 1, 0, 1]);
}

#[test]
fn the_room_of_closed_calls_is_given_back() {
    let (_directory, path) = directory();
    let mut store = store(&path);
    let lock = take(&mut store);
    store.commit(&lock, vec![Write::BeginRun(run("r1"))]).unwrap();
    let count = 1_500;
    let call = |number: usize| {
        let mut call = entry(&format!("a.b[{number}]"));
        call.existing = vec!["fwd-0123456789".to_owned(); 50];
        call
    };
    let calls = (0..count).map(|number| Write::Intend(Box::new(call(number)))).collect();
    let ids = store.commit(&lock, calls).unwrap();
    let mut close = Vec::new();
    for (number, id) in ids.into_iter().enumerate() {
        let (address, object) = (format!("a.b[{number}]"), format!("fwd-{number}"));
        close.push(Write::Put(instance(&address, &object, 80).into()));
        let closed = JournalEntry { id, phase: Phase::Settled, ..call(number) };
        close.push(Write::Journal(Box::new(closed)));
    }
    store.commit(&lock, close).unwrap();
    store.commit(&lock, end("r1")).unwrap();
    let size = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
    assert!(size <= 1024 * count, "{size}");
    assert_eq!(store.snapshot().unwrap().instances.len(), count);
}

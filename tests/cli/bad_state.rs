//! States that cannot be used: one error, and the file is as it was.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};

use proptest::prelude::*;

use crate::servers::Served;
use crate::support::{GATEWAY, Workspace};

/// A run that ends with the test; its output stays open, or it would end with a broken pipe.
struct Running {
    child: Child,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Begins an apply whose first create takes longer than any test; returns the emulator, the flag that
/// leads to it and the apply.
fn begun(workspace: &Workspace) -> (Served, String, Running) {
    workspace.write(
        "faults.json",
        r#"{"faults": [{"match": {"action": "CreateNatGateway"}, "effect": {"delay_ms": 20000}}]}"#,
    );
    let served = Served::start(workspace, &["-faults", "faults.json"]);
    let flag = format!("-endpoint={}", served.url);
    let mut child = workspace
        .command(&["apply", "-auto-approve", &flag])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("Creating...")));
    (served, flag, Running { child, _output: lines })
}

/// Commands that read or write the state.
const COMMANDS: &[&[&str]] = &[
    &["plan"],
    &["apply", "-auto-approve"],
    &["destroy", "-auto-approve"],
    &["show"],
    &["output"],
    &["state", "list"],
];

#[track_caller]
fn refused(workspace: &Workspace, code: &str) {
    let before = workspace.state();
    for command in COMMANDS {
        let run = workspace.run(command);
        run.one_error(code);
        run.says(&["natform.db"]);
        let directory = workspace.directory().to_string_lossy().into_owned();
        assert!(!run.stderr.contains(&directory), "a path is in full:\n{}", run.stderr);
        assert_eq!(workspace.state(), before, "{command:?}");
    }
}

#[test]
fn another_kind_of_file() {
    let workspace = Workspace::with(GATEWAY);
    workspace.write("natform.db", "{\"version\": 4, \"terraform_version\": \"1.11.4\"}\n");
    refused(&workspace, "state-unrecognized");
}

#[test]
fn an_sqlite_file_of_another_program() {
    let workspace = Workspace::with(GATEWAY);
    let file = rusqlite::Connection::open(workspace.path("natform.db")).unwrap();
    file.execute_batch("CREATE TABLE songs (title TEXT);").unwrap();
    drop(file);
    refused(&workspace, "state-unrecognized");
}

#[test]
fn a_newer_version() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    let file = rusqlite::Connection::open(workspace.path("natform.db")).unwrap();
    file.pragma_update(None, "user_version", 9999).unwrap();
    drop(file);
    refused(&workspace, "state-newer");
}

#[test]
fn a_damaged_file() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    let mut bytes = workspace.state();
    for byte in bytes.iter_mut().skip(4096) {
        *byte = 0xa5;
    }
    std::fs::write(workspace.path("natform.db"), bytes).unwrap();
    for command in COMMANDS {
        let run = workspace.run(command).exits(1);
        run.says(&["error[state-damaged]"]);
        run.is_clean();
    }
}

#[test]
fn a_directory() {
    let workspace = Workspace::with(GATEWAY);
    std::fs::create_dir(workspace.path("natform.db")).unwrap();
    for command in COMMANDS {
        let run = workspace.run(command).exits(1);
        run.is_clean();
        run.says(&["natform.db"]);
    }
}

#[test]
fn a_directory_that_is_not_there() {
    let workspace = Workspace::with(&format!(
        "natform {{\n  backend \"sqlite\" {{ path = \"no/such/natform.db\" }}\n}}\n{GATEWAY}"
    ));
    workspace.run(&["apply", "-auto-approve"]).exits(1).says(&["no/such", "does not exist"]);
}

/// A workspace whose state has two serials, and the state as it was at the first.
fn twice_applied() -> (Workspace, Vec<u8>) {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    let first = workspace.state();
    workspace.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"other\"\n}"));
    workspace.run(&["apply", "-auto-approve"]).success();
    (workspace, first)
}

#[test]
fn an_older_copy_in_its_place() {
    let (workspace, first) = twice_applied();
    let second = workspace.state();
    std::fs::write(workspace.path("natform.db"), first).unwrap();
    refused(&workspace, "state-lost");
    let run = workspace.run(&["plan"]);
    run.says(&["it ends with serial", "was written to it at 20"]);
    run.says(&["natform state restore -backup", "`natform.db.backup` holds serial"]);
    run.says(&["removing `natform.db.witness`"]);
    // What is meant is possible, and the right file is taken back.
    let witness = std::fs::read(workspace.path("natform.db.witness")).unwrap();
    std::fs::remove_file(workspace.path("natform.db.witness")).unwrap();
    workspace.run(&["plan"]).success().says(&["Drift: changed outside"]);
    std::fs::write(workspace.path("natform.db"), second).unwrap();
    std::fs::write(workspace.path("natform.db.witness"), witness).unwrap();
    workspace.run(&["plan", "-detailed-exitcode"]).success();
}

#[test]
fn the_backup_is_a_way_back_from_a_damaged_file() {
    let (workspace, _) = twice_applied();
    let run = workspace.run(&["state", "restore", "-backup", "-dry-run"]).success();
    run.says(&["`natform.db.backup` holds serial", "Nothing was written."]);
    workspace.write("natform.db", "no state any more");
    let run = workspace.run(&["state", "restore", "-backup"]);
    run.one_error("no-approval");
    let run = workspace.run(&["state", "restore", "-backup", "-auto-approve"]).success();
    run.says(&["kept as `natform.db.damaged`", "The state has serial"]);
    assert_eq!(std::fs::read(workspace.path("natform.db.damaged")).unwrap(), b"no state any more");
    workspace.run(&["plan", "-detailed-exitcode"]).success();
    std::fs::remove_file(workspace.path("natform.db.backup")).unwrap();
    workspace.run(&["state", "restore", "-backup", "-auto-approve"]).one_error("state-refused");
}

#[test]
fn another_state_in_its_place() {
    let (workspace, _) = twice_applied();
    let other = Workspace::with(GATEWAY);
    other.run(&["apply", "-auto-approve"]).success();
    std::fs::write(workspace.path("natform.db"), other.state()).unwrap();
    refused(&workspace, "state-lost");
    workspace.run(&["plan"]).says(&["it is another state"]);
}

#[test]
fn a_file_cut_off_anywhere() {
    let (workspace, _) = twice_applied();
    let whole = workspace.state();
    for length in [0, 50, 100, 4096, whole.len() / 2, whole.len() - 1] {
        std::fs::write(workspace.path("natform.db"), &whole[..length]).unwrap();
        for command in COMMANDS {
            let run = workspace.run(command).exits(1);
            run.says(&["error[state-", "natform state restore -backup"]);
            run.is_clean();
            assert_eq!(workspace.state(), &whole[..length], "{command:?} at {length}");
        }
    }
}

#[test]
fn a_log_that_was_taken_away() {
    let workspace = Workspace::with(GATEWAY);
    let (_served, flag, first) = begun(&workspace);
    // The witness is written after the log.
    while std::fs::read(workspace.path("natform.db.witness")).unwrap_or_default().is_empty() {
        std::thread::yield_now();
    }
    drop(first);
    let log = std::fs::read(workspace.path("natform.db-wal")).unwrap();
    assert!(!log.is_empty());
    std::fs::remove_file(workspace.path("natform.db-wal")).unwrap();
    refused(&workspace, "state-lost");
    // A part of it is not enough either.
    for length in [log.len() / 2, log.len() - 1] {
        std::fs::write(workspace.path("natform.db-wal"), &log[..length]).unwrap();
        refused(&workspace, "state-lost");
        let left = std::fs::read(workspace.path("natform.db-wal")).unwrap();
        assert_eq!(left, &log[..length], "refused untouched");
    }
    let state = workspace.state();
    std::fs::remove_file(workspace.path("natform.db")).unwrap();
    std::fs::write(workspace.path("natform.db-wal"), &log).unwrap();
    refused(&workspace, "state-lost");
    std::fs::write(workspace.path("natform.db"), state).unwrap();
    workspace.run(&["plan", &flag]).success();
    assert_eq!(std::fs::read(workspace.path("natform.db-wal")).unwrap(), log, "plan wrote");
}

#[test]
fn a_state_that_is_gone_is_missed() {
    let (workspace, _) = twice_applied();
    std::fs::remove_file(workspace.path("natform.db")).unwrap();
    std::fs::remove_dir_all(workspace.path(".natform")).unwrap();
    let plan = workspace.run(&["plan", "-out=anew.plan"]).success();
    plan.says(&["warning[state-gone]", "serial", "natform state restore -backup", "1 to add"]);
    for looking in [&["state", "list"][..], &["show"], &["recover", "-dry-run"], &["drift"]] {
        workspace.run(looking).success().says(&["warning[state-gone]"]);
    }
    // What is in the backup is not made once more.
    for making in [&["apply", "-auto-approve"][..], &["apply", "anew.plan"], &["recover"]] {
        let refused = workspace.run(making);
        refused.one_error("state-lost");
        refused.says(&["Its backup records 1 object", "natform state restore -backup"]);
    }
    assert!(!workspace.path("natform.db").exists());
    std::fs::remove_file(workspace.path("natform.db.backup")).unwrap();
    workspace.run(&["apply", "-auto-approve"]).success().says(&["state-gone", "1 added"]);
}

#[test]
fn what_was_destroyed_may_be_begun_anew() {
    let workspace = Workspace::with(GATEWAY);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.run(&["destroy", "-auto-approve"]).success();
    std::fs::remove_file(workspace.path("natform.db")).unwrap();
    workspace.run(&["apply", "-auto-approve"]).success().says(&["1 added"]);
}

#[test]
fn a_copy_elsewhere_is_a_good_state() {
    let workspace = Workspace::with(GATEWAY);
    let served = Served::start(&workspace, &[]);
    let flag = format!("-endpoint={}", served.url);
    workspace.run(&["apply", "-auto-approve", &flag]).success();
    let elsewhere = Workspace::with(GATEWAY);
    std::fs::write(elsewhere.path("natform.db"), workspace.state()).unwrap();
    elsewhere.run(&["plan", "-detailed-exitcode", &flag]).success();
    elsewhere.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"other\"\n}"));
    elsewhere.run(&["apply", "-auto-approve", &flag]).success();
    // Back again, it is later than what this place knows.
    std::fs::write(workspace.path("natform.db"), elsewhere.state()).unwrap();
    workspace.run(&["plan", &flag]).success();
}

#[test]
fn a_directory_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let (workspace, _) = twice_applied();
    let writable = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(workspace.directory(), permissions).unwrap();
    };
    workspace.write("main.nat.hcl", GATEWAY);
    let before = workspace.state();
    writable(0o500);
    let all_may = std::fs::write(workspace.path("probe"), "").is_ok();
    if !all_may {
        workspace.run(&["apply", "-auto-approve"]).one_error("state-io");
        workspace.run(&["state", "list"]).success();
        assert_eq!(workspace.state(), before);
    }
    writable(0o700);
    workspace.run(&["apply", "-auto-approve"]).success();
}

/// Something that happens to bytes.
#[derive(Debug, Clone)]
enum Damage {
    Flip(usize, u8),
    Zero(usize),
    Cut(usize),
    Swap(usize, usize),
    Noise(usize, u64),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0..200_000_usize;
    prop_oneof![
        (at.clone(), 1..=255_u8).prop_map(|(at, by)| Damage::Flip(at, by)),
        at.clone().prop_map(Damage::Zero),
        at.clone().prop_map(Damage::Cut),
        (at.clone(), at.clone()).prop_map(|(one, other)| Damage::Swap(one, other)),
        (at, any::<u64>()).prop_map(|(at, seed)| Damage::Noise(at, seed)),
    ]
}

fn inflict(bytes: &mut Vec<u8>, damage: &Damage) {
    let length = bytes.len();
    if length == 0 {
        return;
    }
    let page = |at: usize| (at % length) / 4096 * 4096..((at % length) / 4096 + 1) * 4096;
    match *damage {
        Damage::Flip(at, by) => bytes[at % length] ^= by,
        Damage::Zero(at) => {
            if let Some(page) = bytes.get_mut(page(at)) {
                page.fill(0);
            }
        }
        Damage::Cut(at) => bytes.truncate(at % length),
        Damage::Swap(one, other) => {
            let (one, other) = (page(one), page(other));
            let (Some(a), Some(b)) = (bytes.get(one.clone()), bytes.get(other.clone())) else {
                return;
            };
            let (a, b) = (a.to_vec(), b.to_vec());
            bytes[one].copy_from_slice(&b);
            bytes[other].copy_from_slice(&a);
        }
        Damage::Noise(at, seed) => {
            let mut noise = seed;
            for byte in bytes.iter_mut().skip(at % length).take(64) {
                noise = natform::emulator::faults::mix(noise);
                *byte = noise.to_le_bytes()[0];
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// With its witness each change of the bytes is seen; without it nothing crashes, and what is
    /// refused is as it was.
    #[test]
    fn random_damage_is_refused_and_never_a_crash(
        damages in prop::collection::vec(damage(), 1..4),
        witnessed in any::<bool>(),
    ) {
        let workspace = Workspace::with(GATEWAY);
        workspace.run(&["apply", "-auto-approve"]).success();
        let good = workspace.state();
        let mut bytes = good.clone();
        for damage in &damages {
            inflict(&mut bytes, damage);
        }
        if !witnessed {
            std::fs::remove_file(workspace.path("natform.db.witness")).unwrap();
        }
        std::fs::write(workspace.path("natform.db"), &bytes).unwrap();
        let all: [&[&str]; 6] = [
            &["plan"],
            &["show"],
            &["state", "list"],
            &["output"],
            &["drift"],
            &["apply", "-auto-approve"],
        ];
        for command in all {
            let run = workspace.run(command);
            run.is_clean();
            prop_assert!((0..=2).contains(&run.code), "{command:?}: {run:?}");
            let refused = run.stderr.contains("error[state-");
            if refused || command[0] != "apply" {
                prop_assert_eq!(&workspace.state(), &bytes, "{:?} wrote: {:?}", command, run);
            }
            if witnessed && bytes != good {
                prop_assert!(refused, "{command:?} took it: {run:?}");
            }
        }
    }
}

#[test]
fn an_empty_file_is_an_empty_state() {
    let workspace = Workspace::with(GATEWAY);
    workspace.write("natform.db", "");
    workspace.run(&["plan"]).success().says(&["Plan: 1 to add"]);
    workspace.run(&["apply", "-auto-approve"]).success();
}

#[test]
fn a_full_disk_stops_an_apply_before_a_call() {
    let workspace = Workspace::with(GATEWAY);
    let served = Served::start(&workspace, &[]);
    let url = &served.url;
    workspace.run(&["apply", "-auto-approve", "-endpoint", url]).success();
    workspace.write("main.nat.hcl", &GATEWAY.replace("\"edge\"\n}", "\"other\"\n}"));
    let program = env!("CARGO_BIN_EXE_natform");
    // A write beyond the limit fails as on a full disk; the signal for it is ignored.
    let script =
        format!("trap '' XFSZ; ulimit -f 2; exec {program} apply -auto-approve -endpoint {url}");
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(workspace.directory())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error[state-io]") && stderr.contains("make room"), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    let plan = workspace.run(&["plan", "-endpoint", url]).success();
    plan.says(&["\"edge\" -> \"other\""]);
    workspace.run(&["apply", "-auto-approve", "-endpoint", url]).success();
    workspace.run(&["plan", "-detailed-exitcode", "-endpoint", url]).success();
}

#[test]
fn another_apply_is_named_with_its_time_and_plan_only_notes_it() {
    let mut workspace = Workspace::with(GATEWAY);
    workspace.set("USER", "alice");
    let (_served, flag, _first) = begun(&workspace);
    let second = workspace.run(&["apply", "-auto-approve", &flag]);
    second.one_error("state-locked");
    second.says(&["alice@", "apply", "-lock-timeout"]);
    let plan = workspace.run(&["plan", &flag]).exits(0);
    plan.says(&["warning[run-under-way]", "`apply` of alice@"]);
    let late = workspace.run(&["destroy", "-auto-approve", "-lock-timeout=100ms", &flag]);
    late.one_error("state-locked");
}

//! The public model and the saved file.

use super::document::{ActionWord, MASK, PlanDocument};
use super::*;
use serde_json::json;

fn document(bench: &Bench, show_sensitive: bool) -> PlanDocument {
    let (plan, diagnostics, program) = bench.attempt();
    PlanDocument::new(&plan, &diagnostics, &program.configuration().sources, show_sensitive)
}

#[test]
fn a_change_is_written_with_its_shapes() {
    let bench = Bench::new(&format!("{GATEWAY}{}", entry("a", 0, 80, 1)));
    let document = document(&bench, false);
    assert_eq!(document.format_version, "1.1");
    assert_eq!((document.summary.create, document.summary.operations), (3, 3));
    let entry = document.changes.iter().find(|c| c.kind == "forward_entry").unwrap();
    assert_eq!(entry.actions, [ActionWord::Create]);
    assert_eq!(entry.before, json!(null));
    assert_eq!(entry.after["external_port"], json!("80"));
    assert_eq!(entry.after["external_ip"], json!(null));
    assert_eq!(entry.after_unknown["external_ip"], json!(true));
    assert_eq!(entry.after_unknown.get("external_port"), None);
    assert_eq!(entry.after_sensitive, json!({}));
    assert_eq!(entry.location.as_deref(), Some("cfg/main.nat.hcl:11"));
    let operation = &document.operations[2];
    assert_eq!(operation.action, "CreateForwardEntry");
    assert_eq!(operation.parameters["ExternalPort"], json!("80"));
    assert_eq!(operation.unknown, ["ExternalIp", "ForwardTableId"]);
    assert!(document.applicable && !document.errored && !document.partial);
    // It reads back as it is written.
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<PlanDocument>(&text).unwrap(), document);
}

#[test]
fn a_grown_package_shows_what_is_known() {
    let mut bench = Bench::applied(GATEWAY);
    bench.write(&GATEWAY.replace("ip_count       = 2", "ip_count = 3"));
    let document = document(&bench, false);
    let package = document.changes.iter().find(|c| c.kind == "bandwidth_package").unwrap();
    assert_eq!(package.actions, [ActionWord::Update]);
    assert_eq!(package.after_unknown["public_ip_addresses"], json!([false, false, true]));
    assert!(package.after["public_ip_addresses"][0].is_string());
}

#[test]
fn sensitive_values_are_masked_everywhere() {
    let text = "variable \"n\" {\n  default = \"geheim-name\"\n  sensitive = true\n}\n\
                resource \"nat_gateway\" \"g\" {\n vpc_id = \"vpc-1\"\n name = var.n\n}\n\
                output \"n\" {\n  value = var.n\n  sensitive = true\n}\n";
    let mut bench = Bench::new(text);
    let masked = serde_json::to_string(&document(&bench, false)).unwrap();
    assert!(!masked.contains("geheim"), "{masked}");
    assert!(masked.contains(MASK));
    let shown = serde_json::to_string(&document(&bench, true)).unwrap();
    assert!(shown.contains("geheim-name"));
    bench.apply();
    let id = bench.id("nat_gateway.g");
    bench.cloud.edit(&id, "name", crate::value::Value::from("geheim-too"));
    let masked = serde_json::to_string(&document(&bench, false)).unwrap();
    assert!(!masked.contains("geheim"), "{masked}");
    let document = document(&bench, false);
    assert_eq!(document.drift[0].status, "changed");
    assert_eq!(document.drift[0].attributes, ["name"]);
    let gateway = &document.changes[0];
    assert_eq!(gateway.after_sensitive["name"], json!(true));
}

#[test]
fn every_reason_has_a_sentence_and_a_code_of_its_own() {
    let text = || "x".to_owned();
    let all = [
        Reason::Tainted,
        Reason::Requested,
        Reason::CannotUpdate { attributes: vec![text()] },
        Reason::DependencyReplaced { of: text() },
        Reason::Triggered { by: text() },
        Reason::KeyCycle { with: vec![text()] },
        Reason::PlaceCycle { with: vec![text()] },
        Reason::NoConfiguration,
        Reason::NoModule,
        Reason::CountIndex,
        Reason::EachKey,
        Reason::WrongRepetition,
        Reason::Deposed,
        Reason::Vanished,
        Reason::ConfigurationUnknown,
        Reason::DependencyPending,
        Reason::Destroy,
        Reason::Moved { from: text() },
        Reason::Imported { id: text() },
        Reason::OneWay { attributes: vec![text()] },
    ];
    for reason in &all {
        let written = document::reason(reason);
        // The code is the word by which the plan is stored.
        assert_eq!(serde_json::to_value(reason).unwrap()["reason"], written.code.as_str());
        assert!(!written.sentence.is_empty() && !written.sentence.ends_with('.'));
    }
}

#[test]
fn saved_plans_tell_when_they_are_stale() {
    let mut bench = Bench::applied(GATEWAY);
    let saved = saved::SavedPlan {
        plan: bench.plan(),
        providers: bench.providers.clone(),
        ..saved::SavedPlan::default()
    };
    let (bytes, _) = saved::encode(&saved).unwrap();
    let mut loaded = saved::decode(&bytes).unwrap();
    let stale = |loaded: &saved::Loaded, bench: &Bench| {
        let found = saved::other_version(loaded)
            .or_else(|| saved::foreign(loaded, &bench.snapshot, &bench.providers))
            .or_else(|| saved::stale(&loaded.saved.plan, bench.snapshot.serial, &[]));
        found.map(|diagnostic| diagnostic.summary)
    };
    assert_eq!(stale(&loaded, &bench), None);
    bench.snapshot.serial += 1;
    assert!(stale(&loaded, &bench).unwrap().contains("state has changed"));
    bench.snapshot.serial -= 1;
    bench.providers.get_mut("").unwrap().service = Service::Real;
    assert!(stale(&loaded, &bench).unwrap().contains("another service"));
    loaded.natform = "0.0.0".into();
    assert!(stale(&loaded, &bench).unwrap().contains("another version"));
}

#[test]
fn foreign_newer_and_damaged_files_are_told_apart() {
    use saved::SavedPlanError::{Damaged, Newer, NotAPlan};
    assert_eq!(saved::decode(b"").unwrap_err(), NotAPlan);
    assert_eq!(saved::decode(b"{\"format\":\"x\"}\n{}").unwrap_err(), NotAPlan);
    let newer = b"{\"format\":\"natform-plan\",\"version\":99}\n{}";
    assert_eq!(saved::decode(newer).unwrap_err(), Newer { found: 99 });
    let (bytes, _) = saved::encode(&saved::SavedPlan::default()).unwrap();
    assert!(saved::decode(&bytes).is_ok());
    assert!(matches!(saved::decode(&bytes[..bytes.len() - 9]).unwrap_err(), Damaged { .. }));
}

#[test]
fn every_line_of_a_saved_plan_counts() {
    let plan = Bench::new(GATEWAY).plan();
    let saved = saved::SavedPlan { plan: plan.clone(), ..saved::SavedPlan::default() };
    let (bytes, _) = saved::encode(&saved).unwrap();
    let loaded = saved::decode(&bytes).unwrap().saved.plan;
    assert_eq!(loaded.changes, plan.changes);
    assert_eq!(loaded.operations, plan.operations);

    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 2 + plan.changes.len() + plan.operations.len());
    let refused = |lines: &[&str]| {
        let found = saved::decode(lines.concat().as_bytes()).unwrap_err();
        assert!(matches!(found, saved::SavedPlanError::Damaged { .. }), "{found}");
        found.to_string()
    };
    for at in 1..lines.len() {
        let (mut without, mut twice) = (lines.clone(), lines.clone());
        without.remove(at);
        twice.insert(at, lines[at]);
        let other = lines[at].replacen('e', "f", 1);
        let mut changed = lines.clone();
        changed[at] = &other;
        for edited in [without, twice, changed] {
            assert!(refused(&edited).contains("digest"));
        }
    }
    // Also under a digest that fits.
    let signed = |body: &[&str]| {
        let digest = sha256_hex(body.concat().as_bytes());
        let known = serde_json::from_str::<serde_json::Value>(lines[0]).unwrap();
        lines[0].replace(known["sha256"].as_str().unwrap(), &digest)
    };
    let mut more = lines.clone();
    more.push(lines[lines.len() - 1]);
    let header = signed(&more[1..]);
    more[0] = &header;
    assert!(refused(&more).contains("more lines"));
    let mut fewer = lines[..lines.len() - 1].to_vec();
    let header = signed(&fewer[1..]);
    fewer[0] = &header;
    assert!(refused(&fewer).contains("cannot be read"));
}

#[test]
fn what_is_equal_in_a_saved_plan_is_held_once() {
    let plan = Bench::new(GATEWAY).plan();
    let (bytes, _) = saved::encode(&saved::SavedPlan { plan, ..Default::default() }).unwrap();
    let plan = saved::decode(&bytes).unwrap().saved.plan;
    let regions: Vec<_> = plan.changes.iter().map(|change| change.region.as_ptr()).collect();
    assert!(regions.iter().all(|region| *region == regions[0]));
    for operation in &plan.operations {
        let change = &plan.changes[operation.change];
        assert_eq!(operation.address.resource.name.as_ptr(), change.address.resource.name.as_ptr());
    }
}

#[cfg(unix)]
#[test]
fn saved_plans_are_for_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plan");
    let failed = saved::NewFile::create(&path).unwrap();
    failed.finish(|_| Err::<(), _>(std::io::Error::other("full"))).unwrap_err();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    let file = saved::NewFile::create(&path).unwrap();
    file.finish(|file| std::io::Write::write_all(file, b"x")).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

//! `natform bench` at a small size: what it measures holds together.

use crate::support::Workspace;

fn phases(arguments: &[&str]) -> Vec<serde_json::Value> {
    let workspace = Workspace::new();
    let document = workspace.run(arguments).success().json();
    assert_eq!(document["format_version"], "1.0");
    document["phases"].as_array().unwrap().clone()
}

fn number(phase: &serde_json::Value, name: &str) -> f64 {
    phase[name].as_f64().unwrap_or_else(|| panic!("no {name} in {phase}"))
}

#[test]
fn steps_in_virtual_time_are_near_their_bounds_and_never_below() {
    let phases = phases(&["bench", "50", "-entries=23", "-snat=30", "-only=virtual", "-json"]);
    let names: Vec<&str> = phases.iter().map(|p| p["phase"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "create everything",
            "modify every entry",
            "replace every DNAT entry",
            "delete every entry",
            "create every entry",
            "replace everything",
            "destroy everything"
        ]
    );
    for phase in &phases {
        assert_eq!((&phase["instances"], &phase["virtual"]), (&50.into(), &true.into()));
        assert_eq!(phase["refused_calls"], 0, "{phase}");
        assert!(number(phase, "calls") >= number(phase, "least_calls"), "{phase}");
        let ratio = number(phase, "makespan_ms") / number(phase, "least_makespan_ms");
        assert!((number(phase, "ratio") - ratio).abs() < 1e-9, "{phase}");
        // So few entries that learning how long each takes weighs.
        assert!((1.0..1.3).contains(&ratio), "{phase}");
    }
}

#[test]
fn command_lines_are_measured_against_the_emulator() {
    let phases = phases(&["bench", "20", "-entries=8", "-only=real", "-json"]);
    assert_eq!(phases.len(), 5);
    for phase in &phases {
        assert_eq!(phase["virtual"], false);
        assert!(number(phase, "calls") >= number(phase, "least_calls"), "{phase}");
        assert!(number(phase, "peak_memory_bytes") > 1e6, "{phase}");
        assert!(phase.get("makespan_ms").is_none(), "{phase}");
    }
    let least: Vec<f64> = phases.iter().map(|p| number(p, "least_calls")).collect();
    // Twenty are made, with a read for each entry and one for all gateways and all packages; two lists
    // and two tables are read; twenty are deleted, with one read for each table and the gateways.
    assert_eq!(least, [0.0, 38.0, 4.0, 4.0, 4.0 + 20.0 + 3.0]);
    assert_eq!(phases[2]["calls"], 4, "{}", phases[2]);
    assert_eq!(phases[3]["calls"], 4, "{}", phases[3]);
}

#[test]
fn it_says_what_is_exceeded_and_what_it_cannot_make() {
    let workspace = Workspace::new();
    let run = workspace.run(&["bench", "8", "-only=virtual", "-most-ratio=0.5", "-most-calls=9"]);
    let run = run.exits(1);
    run.says(&["error[bench-exceeded]", "8 instances, create everything", "allowed are 0.5"]);
    assert!(run.stdout.contains("makespan"), "{}", run.stdout);
    for arguments in [&["bench", "-entries=101"][..], &["bench", "-snat=60"]] {
        let run = workspace.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""));
        run.says(&["error[bench-shape]", "no table takes so many entries"]);
    }
    let help = workspace.run(&["-help"]).success().stdout;
    assert!(!help.contains("bench"), "{help}");
}

//! Keeps the arrows between the folders of `src/` one-way, every folder documented, and every file
//! small enough to read.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each part may use, as ARCHITECTURE.md says; `api::http` allows that part of `api` only.
const ARROWS: &[(&str, &[&str])] = &[
    ("diagnostic", &[]),
    ("environment", &[]),
    ("address", &["diagnostic"]),
    ("value", &["diagnostic"]),
    ("syntax", &["diagnostic", "value"]),
    ("language", &["diagnostic", "environment", "syntax", "value", "address"]),
    ("api", &["diagnostic", "environment", "value"]),
    (
        "resources",
        &["diagnostic", "value", "api::catalogue", "api::answer", "api::call", "api::error"],
    ),
    (
        "configuration",
        &[
            "diagnostic",
            "environment",
            "address",
            "value",
            "syntax",
            "language",
            "resources",
            "api::catalogue",
        ],
    ),
    (
        "state",
        &["diagnostic", "environment", "address", "value", "api::catalogue", "resources::Object"],
    ),
    ("refresh", &["diagnostic", "environment", "address", "value", "resources", "api", "state"]),
    (
        "plan",
        &[
            "diagnostic",
            "environment",
            "address",
            "value",
            "syntax",
            "language",
            "configuration",
            "resources",
            "state",
            "refresh",
            "api::catalogue",
        ],
    ),
    (
        "apply",
        &[
            "diagnostic",
            "environment",
            "address",
            "value",
            "plan",
            "refresh",
            "state",
            "api",
            "resources",
        ],
    ),
    (
        "drift",
        &["diagnostic", "environment", "address", "value", "plan", "refresh", "state", "resources"],
    ),
    (
        "emulator",
        &[
            "environment",
            "diagnostic",
            "api::http",
            "api::signature",
            "api::catalogue",
            "api::call",
        ],
    ),
    ("bench", &["api::catalogue"]),
    (
        "rehearsal",
        &[
            "diagnostic",
            "environment",
            "address",
            "value",
            "api",
            "resources",
            "plan",
            "refresh",
            "state",
            "apply",
            "emulator",
        ],
    ),
    (
        "report",
        &[
            "diagnostic",
            "address",
            "value",
            "plan",
            "drift",
            "state",
            "rehearsal::document",
            "resources::Impact",
        ],
    ),
];

#[test]
fn arrows_between_folders_point_one_way() {
    let mut wrong = Vec::new();
    for file in sources() {
        if is_test(&file) {
            continue;
        }
        let part = part_of(&file);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == part) else {
            assert!(["command", "lib", "main"].contains(&part.as_str()), "no rule for `{part}`");
            continue;
        };
        for used in crate_paths(&std::fs::read_to_string(&file).unwrap()) {
            let own = used == part || used.starts_with(&format!("{part}::"));
            let fits = |a: &&str| used == **a || used.starts_with(&format!("{a}::"));
            if !own && !allowed.iter().any(fits) {
                wrong.push(format!("{} uses crate::{used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that are not allowed:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_command_folder_prints_and_only_syntax_parses_hcl() {
    for file in sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        if is_test(&file) {
            continue;
        }
        let part = part_of(&file);
        let code = without_tests(&text);
        if part != "syntax" {
            assert!(!code.contains("hcl::"), "{} uses the HCL crate", file.display());
        }
        if !["command", "main"].contains(&part.as_str()) {
            for forbidden in ["println!", "print!(", "stdout()", "process::exit"] {
                assert!(!code.contains(forbidden), "{} has {forbidden}", file.display());
            }
        }
    }
}

#[test]
fn every_folder_says_what_it_owns() {
    for file in sources().into_iter().filter(|file| !is_test(file)) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//!"), "{} has no module documentation", file.display());
    }
}

#[test]
fn no_file_is_longer_than_800_lines() {
    for file in sources() {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 800, "{} has {lines} lines", file.display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All Rust files below `src/`.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 20, "the sources were not found");
    files
}

/// The folder or file directly below `src/`.
fn part_of(file: &Path) -> String {
    let relative = file.strip_prefix(root()).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Whether a file holds tests only.
fn is_test(file: &Path) -> bool {
    file.components().any(|c| matches!(c.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// The `crate::` paths of a file outside its tests, groups (`crate::{a, b::c}`) taken apart.
fn crate_paths(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let code: String = without_tests(text)
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .fold(String::new(), |all, line| all + line + "\n");
    for piece in code.split("crate::").skip(1) {
        if let Some(group) = piece.strip_prefix('{') {
            let mut depth = 0;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '}' if depth == 0 => break,
                    ',' if depth == 0 => add(&mut paths, &std::mem::take(&mut item)),
                    _ => {
                        depth += i32::from(c == '{') - i32::from(c == '}');
                        item.push(c);
                    }
                }
            }
            add(&mut paths, &item);
        } else {
            add(&mut paths, piece);
        }
    }
    paths
}

/// Adds the leading path of `text`.
fn add(paths: &mut BTreeSet<String>, text: &str) {
    let end = text.trim_start().find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    let path = &text.trim_start()[..end.unwrap_or(text.trim_start().len())];
    let path = path.trim_end_matches(':');
    if !path.is_empty() {
        paths.insert(path.to_owned());
    }
}

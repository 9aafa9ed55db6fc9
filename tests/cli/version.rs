//! `version` and `completions`.

use crate::support::Workspace;

#[test]
fn version_is_one_line_or_one_document() {
    let workspace = Workspace::new();
    let text = workspace.run(&["version"]).success();
    assert_eq!(text.stdout.trim(), format!("natform {}", env!("CARGO_PKG_VERSION")));
    let document: serde_json::Value = workspace.run(&["version", "-json"]).success().json();
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["format_version"], "1.0");
}

#[test]
fn completions_name_the_commands() {
    let workspace = Workspace::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = workspace.run(&["completions", shell]).success().stdout;
        assert!(script.contains("emulator"), "{shell}");
    }
}

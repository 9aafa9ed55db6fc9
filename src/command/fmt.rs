//! `fmt`: lays out configuration and variable files in the one common way.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::Session;
use super::arguments::Fmt;
use super::failure::{Exit, Failure};
use crate::configuration::EXTENSION;
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap};
use crate::report::paint::Paint;
use crate::syntax;

/// What the names of variable files end in.
const VARIABLES: &str = ".natvars";

/// The name of standard input on the command line and in messages.
const INPUT: (&str, &str) = ("-", "<stdin>");

/// Runs the command.
pub fn run(session: &Session, arguments: &Fmt) -> Result<Exit, Failure> {
    let mut formatter = Formatter {
        session,
        arguments,
        diagnostics: Diagnostics::new(),
        sources: SourceMap::default(),
        changed: false,
    };
    if arguments.targets.iter().any(|target| target.as_os_str() == INPUT.0) {
        if arguments.targets.len() > 1 {
            return Err(Failure::of(
                Diagnostic::error("arguments", "`-` stands for standard input and stands alone")
                    .help("format files and standard input in two runs"),
            ));
        }
        formatter.standard_input()?;
    } else {
        for file in formatter.files() {
            formatter.file(&file)?;
        }
    }
    let failed = formatter.diagnostics.has_errors();
    session.warn(&formatter.diagnostics, &formatter.sources);
    Ok(if failed {
        Exit::Failed
    } else if arguments.check && formatter.changed {
        Exit::Unformatted
    } else {
        Exit::Done
    })
}

struct Formatter<'s> {
    session: &'s Session,
    arguments: &'s Fmt,
    diagnostics: Diagnostics,
    sources: SourceMap,
    /// Whether a text is not laid out yet.
    changed: bool,
}

impl Formatter<'_> {
    /// Returns the files that are meant, each once, in the order of the arguments.
    fn files(&mut self) -> Vec<PathBuf> {
        let here = [PathBuf::new()];
        let targets = match &*self.arguments.targets {
            [] => &here,
            targets => targets,
        };
        let mut files = Vec::new();
        for target in targets {
            let path = self.on_disk(target);
            if path.is_dir() {
                self.directory(target, &mut files);
            } else if !path.exists() {
                self.complain(target, "there is no such file or directory", "check the spelling");
            } else if is_ours(target) {
                files.push(target.clone());
            } else {
                let help = format!(
                    "natform formats files whose names end in `{EXTENSION}` or `{VARIABLES}`"
                );
                self.complain(target, "this is neither a configuration nor a variable file", &help);
            }
        }
        let mut seen = BTreeSet::new();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// Adds the files of a directory, by name; those of the directories in it come last.
    fn directory(&mut self, directory: &Path, files: &mut Vec<PathBuf>) {
        let names = match self.session.environment.files.list(&self.on_disk(directory)) {
            Ok(names) => names,
            Err(error) => {
                let why = format!("the directory cannot be listed: {error}");
                return self.complain(directory, &why, "check its permissions");
            }
        };
        let mut below = Vec::new();
        for name in names.iter().filter(|name| !name.starts_with(['.', '#'])) {
            let path = directory.join(name);
            let on_disk = self.on_disk(&path);
            if on_disk.is_dir() {
                // A link may lead back up.
                if self.arguments.recursive && !on_disk.is_symlink() {
                    below.push(path);
                }
            } else if is_ours(&path) {
                files.push(path);
            }
        }
        for directory in below {
            self.directory(&directory, files);
        }
    }

    fn on_disk(&self, path: &Path) -> PathBuf {
        self.session.environment.working_directory.join(path)
    }

    fn complain(&mut self, path: &Path, why: &str, help: &str) {
        let summary = format!("cannot format `{}`", path.display());
        self.diagnostics.push(
            Diagnostic::error("format", summary)
                .detail(crate::configuration::sentence(&why))
                .help(help),
        );
    }

    fn standard_input(&mut self) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        let Some(text) = self.text(INPUT.1, bytes) else { return Ok(()) };
        let Some(formatted) = self.formatted(INPUT.1, &text) else { return Ok(()) };
        self.changed |= formatted != text;
        if self.arguments.diff {
            self.show_difference(INPUT.1, &text, &formatted)?;
        } else if self.arguments.write && !self.arguments.check {
            self.session.terminal.print(&formatted)?;
        } else if self.arguments.list && formatted != text {
            self.session.terminal.print(&format!("{}\n", INPUT.1))?;
        }
        Ok(())
    }

    fn file(&mut self, file: &Path) -> Result<(), Failure> {
        let shown = file.display().to_string();
        let path = self.on_disk(file);
        let bytes = match self.session.environment.files.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.complain(
                    file,
                    &format!("it cannot be read: {error}"),
                    "check its permissions",
                );
                return Ok(());
            }
        };
        let Some(text) = self.text(&shown, bytes) else { return Ok(()) };
        let Some(formatted) = self.formatted(&shown, &text) else { return Ok(()) };
        if formatted == text {
            return Ok(());
        }
        self.changed = true;
        if self.arguments.write
            && !self.arguments.check
            && let Err(error) = replace(&path, &formatted)
        {
            self.complain(file, &format!("it cannot be written: {error}"), "check its permissions");
            return Ok(());
        }
        if self.arguments.list {
            self.session.terminal.print(&format!("{shown}\n"))?;
        }
        if self.arguments.diff {
            self.show_difference(&shown, &text, &formatted)?;
        }
        Ok(())
    }

    fn text(&mut self, shown: &str, bytes: Vec<u8>) -> Option<String> {
        let text = String::from_utf8(bytes).ok();
        if text.is_none() {
            self.complain(Path::new(shown), "it is not UTF-8", "save the file as UTF-8");
        }
        text
    }

    /// Formats a text; mistakes in it are noted.
    fn formatted(&mut self, shown: &str, text: &str) -> Option<String> {
        let file = self.sources.add(shown, text);
        match syntax::format(file, text) {
            Ok(formatted) => Some(formatted),
            Err(found) => {
                self.diagnostics.extend(found);
                None
            }
        }
    }

    fn show_difference(&self, shown: &str, before: &str, after: &str) -> Result<(), Failure> {
        if before == after {
            return Ok(());
        }
        let paint = Paint { on: self.session.terminal.colour };
        let difference = TextDiff::from_lines(before, after);
        let unified = difference
            .unified_diff()
            .context_radius(3)
            .header(&format!("old/{shown}"), &format!("new/{shown}"))
            .to_string();
        let lines = unified.split_inclusive('\n').map(|line| match line.as_bytes().first() {
            Some(b'+') => paint.green(line),
            Some(b'-') => paint.red(line),
            _ => line.to_owned(),
        });
        self.session.terminal.print(&lines.collect::<String>())?;
        Ok(())
    }
}

/// Returns whether a file is a configuration or variable file by its name. What is in JSON has a layout
/// of its own.
fn is_ours(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.ends_with(EXTENSION) || name.ends_with(VARIABLES))
}

/// Replaces the text of a file in one step, so that it is never seen half written. Permissions stay, and
/// a link stays a link.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let permissions = std::fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(std::io::ErrorKind::PermissionDenied.into());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = directory.join(format!(".{name}.{}.natform", std::process::id()));
    let written = std::fs::File::create_new(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.set_permissions(permissions)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written
}

//! Reads the files of a directory and of the modules that it calls.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::block::{self, Call};
use super::model::{Configuration, Module, ModuleCall, Repetition};
use super::{Catalogue, check};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use crate::environment::{Environment, Files};
use crate::syntax;
use crate::syntax::ast::Body;

/// What the names of configuration files end in.
pub const EXTENSION: &str = ".nat.hcl";

/// Deepest nesting of modules.
const MAX_MODULE_DEPTH: usize = 32;

/// Loads the configuration of a directory with the resource types that natform has. What was
/// understood is returned also when there are errors.
pub fn load(environment: &Environment, directory: &Path) -> (Configuration, Diagnostics) {
    load_with(environment, directory, &Catalogue::of_natform())
}

/// Loads the configuration of a directory whose blocks are checked against `catalogue`.
pub fn load_with(
    environment: &Environment,
    directory: &Path,
    catalogue: &Catalogue,
) -> (Configuration, Diagnostics) {
    let mut loader = Loader {
        environment,
        files: &*environment.files,
        catalogue,
        configuration: Configuration {
            directory: directory.to_path_buf(),
            ..Configuration::default()
        },
        modules: BTreeMap::new(),
        path: Vec::new(),
        diagnostics: Diagnostics::new(),
    };
    loader.configuration.root = loader.module(Path::new(""), None).unwrap_or_default();
    let Loader { configuration, mut diagnostics, .. } = loader;
    check::check(&configuration, catalogue, &mut diagnostics);
    diagnostics.sort();
    (configuration, diagnostics)
}

struct Loader<'e> {
    environment: &'e Environment,
    files: &'e dyn Files,
    catalogue: &'e Catalogue,
    configuration: Configuration,
    /// Modules that were read, by directory relative to the root's; `None` for one with errors that
    /// leave nothing of it.
    modules: BTreeMap<PathBuf, Option<Arc<Module>>>,
    /// Directories of the modules being read, outermost first.
    path: Vec<PathBuf>,
    diagnostics: Diagnostics,
}

impl Loader<'_> {
    /// Reads the module in a directory relative to the root's; `called` is the place of the source
    /// that names it.
    fn module(&mut self, directory: &Path, called: Option<Span>) -> Option<Arc<Module>> {
        if let Some(known) = self.modules.get(directory) {
            return known.clone();
        }
        self.path.push(directory.to_path_buf());
        let module = self.read_module(directory, called).map(Arc::new);
        self.path.pop();
        self.modules.insert(directory.to_path_buf(), module.clone());
        module
    }

    fn read_module(&mut self, directory: &Path, called: Option<Span>) -> Option<Module> {
        let names = match self.list(directory) {
            Ok(names) => names,
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic.at_opt(called));
                return None;
            }
        };
        let mut incomplete = false;
        let mut bodies = Vec::new();
        for name in names {
            match self.read_file(&directory.join(name)) {
                Some((body, complete)) => {
                    incomplete |= !complete;
                    bodies.push(body);
                }
                None => incomplete = true,
            }
        }
        let is_root = directory.as_os_str().is_empty();
        let (mut module, calls) =
            block::module(bodies, self.catalogue, is_root, &mut self.diagnostics);
        module.directory = directory.to_path_buf();
        module.incomplete = incomplete;
        for call in calls {
            self.call(&mut module, call);
        }
        Some(module)
    }

    /// Reads the module that a `module` block calls and adds the block.
    fn call(&mut self, module: &mut Module, mut call: Call) {
        let name = call.name.text.clone();
        let directory = normalise(&module.directory.join(&*call.source.text));
        let called = match self.refuse_recursion(&directory, call.source.span) {
            Some(diagnostic) => {
                self.diagnostics.push(diagnostic);
                None
            }
            None => self.module(&directory, Some(call.source.span)),
        };
        let Some(called) = called else {
            module.unread.insert(format!("module.{name}"));
            return;
        };
        self.misspelt_repetition(&mut call, &called);
        let call = ModuleCall {
            name: call.name,
            module: called,
            arguments: call.arguments,
            repetition: call.repetition,
            depends_on: call.depends_on,
            providers: call.providers,
            span: call.span,
        };
        module.calls.insert(name, call);
    }

    /// Takes an argument that seems to be meant for `count` or `for_each` as such, after a word on it.
    fn misspelt_repetition(&mut self, call: &mut Call, called: &Module) {
        if called.incomplete || !matches!(call.repetition, Repetition::Single) {
            return;
        }
        let known = || called.variables.keys().map(|name| &**name).chain(["count", "for_each"]);
        let unknown = call.arguments.keys().filter(|name| !called.variables.contains_key(*name));
        let meant = unknown.filter_map(|name| Some((name.clone(), did_you_mean(name, known())?)));
        let meant = meant.map(|(name, near)| (name, near == "count", near == "for_each"));
        let Some((name, is_count, _)) = meant.into_iter().find(|(_, count, each)| *count || *each)
        else {
            return;
        };
        let Some((identifier, value)) = call.arguments.remove(&name) else { return };
        let near = if is_count { "count" } else { "for_each" };
        let summary = format!("the module `{}` has no variable `{name}`", call.name.text);
        self.diagnostics.push(
            Diagnostic::error("unknown-argument", summary)
                .at(identifier.span)
                .help(format!("did you mean `{near}`?"))
                .fix(identifier.span, near),
        );
        call.repetition =
            if is_count { Repetition::Count(value) } else { Repetition::ForEach(value) };
    }

    fn refuse_recursion(&self, directory: &Path, source: Span) -> Option<Diagnostic> {
        if let Some(at) = self.path.iter().position(|d| d == directory) {
            let circle: Vec<String> = self.path[at..]
                .iter()
                .map(PathBuf::as_path)
                .chain([directory])
                .map(|d| format!("`{}`", self.shown(d)))
                .collect();
            return Some(
                Diagnostic::error("module-cycle", "module calls itself")
                    .detail(format!("The way of the calls is {}.", circle.join(" → ")))
                    .at(source),
            );
        }
        (self.path.len() >= MAX_MODULE_DEPTH).then(|| {
            Diagnostic::error("module-cycle", "modules are nested too deeply")
                .detail(format!("At most {MAX_MODULE_DEPTH} levels are read."))
                .at(source)
        })
    }

    /// Returns the names of the configuration files of a directory, sorted.
    fn list(&self, directory: &Path) -> Result<Vec<String>, Box<Diagnostic>> {
        let path = self.on_disk(directory);
        let shown = self.shown(directory);
        let mut names = match self.files.list(&path) {
            Ok(names) if !names.is_empty() || self.files.is_directory(&path) => names,
            Ok(_) => return Err(Box::new(self.no_directory(&path, &shown, None))),
            Err(error) => return Err(Box::new(self.no_directory(&path, &shown, Some(&error)))),
        };
        names.sort();
        let is_file = |name: &String| !self.files.is_directory(&path.join(name));
        let ours = names.iter().filter(|name| is_configuration(name) && is_file(name));
        let ours: Vec<String> = ours.cloned().collect();
        if ours.is_empty() { Err(Box::new(no_files(&shown, &names))) } else { Ok(ours) }
    }

    fn no_directory(&self, path: &Path, shown: &str, error: Option<&io::Error>) -> Diagnostic {
        match error {
            Some(error) if self.files.is_directory(path) => {
                Diagnostic::error("unreadable", format!("cannot list the directory `{shown}`"))
                    .detail(format!("The system says: {error}."))
            }
            _ if self.files.exists(path) => {
                Diagnostic::error("no-such-directory", format!("`{shown}` is a file"))
                    .detail("A configuration is a directory; all its files belong to it.")
                    .help("name the directory that holds the file")
            }
            _ => Diagnostic::error(
                "no-such-directory",
                format!("the directory `{shown}` does not exist"),
            )
            .help("check the spelling; paths of modules start from the file that calls them"),
        }
    }

    /// Reads and parses a file, and tells whether all of it was understood.
    fn read_file(&mut self, file: &Path) -> Option<(Body, bool)> {
        let shown = self.shown(file);
        let text = match read_text(self.files, &self.on_disk(file), &shown) {
            Ok(text) => text,
            Err(diagnostic) => {
                self.diagnostics.push(*diagnostic);
                return None;
            }
        };
        let text: Arc<str> = text.into();
        let id = self.configuration.sources.add(shown, Arc::clone(&text));
        let (body, found) = syntax::parse(id, &text);
        let found = block::without_provider_keys(&body, found);
        let complete = is_complete(&body);
        self.diagnostics.extend(found);
        self.configuration.files.insert(file.to_path_buf(), text);
        Some((body, complete))
    }

    /// Returns where a path relative to the configuration's directory is on disk.
    fn on_disk(&self, path: &Path) -> PathBuf {
        let directory = &self.configuration.directory;
        let joined = normalise(&directory.join(path));
        // The directory of a saved plan is empty, the working directory is not.
        if joined.as_os_str().is_empty() { directory.clone() } else { joined }
    }

    /// Returns how a path is shown to users.
    fn shown(&self, path: &Path) -> String {
        let shown = normalise(&self.on_disk(path));
        if shown.as_os_str().is_empty() {
            return String::from(".");
        }
        self.environment.shown(&shown)
    }
}

/// Returns whether all of a body and of the blocks in it was understood.
fn is_complete(body: &Body) -> bool {
    !body.incomplete && body.blocks.iter().all(|block| is_complete(&block.body))
}

/// Hidden files and the copies that editors leave are not part of a configuration.
fn is_configuration(name: &str) -> bool {
    name.ends_with(EXTENSION) && !name.starts_with('.') && !name.starts_with('#')
}

fn no_files(directory: &str, names: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "no-configuration",
        format!("there is no configuration in `{directory}`"),
    )
    .detail(format!("natform reads the files whose names end in `{EXTENSION}`."));
    let similar = names.iter().find(|name| {
        let lower = name.to_lowercase();
        [".tf", ".hcl", ".nat", ".tofu"].iter().any(|end| lower.ends_with(end))
            || (lower.contains(".nat.hcl") && !is_configuration(name))
    });
    match similar {
        Some(name) => diagnostic.help(format!(
            "`{name}` is not read: give it a name such as `main{EXTENSION}`; natform's resource types are listed in the manual"
        )),
        None => diagnostic.help(format!(
            "run it where the configuration is, or with `-C DIR`; to begin, write a `main{EXTENSION}` as the quickstart in the README shows"
        )),
    }
}

/// Reads a text file; `shown` is its name in messages.
pub(super) fn read_text(
    files: &dyn Files,
    path: &Path,
    shown: &str,
) -> Result<String, Box<Diagnostic>> {
    let bytes = files.read(path).map_err(|error| {
        let diagnostic = Diagnostic::error("unreadable", format!("cannot read `{shown}`"));
        Box::new(diagnostic.detail(format!("The system says: {error}.")))
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = String::from_utf8_lossy(&error.as_bytes()[..valid]).matches('\n').count() + 1;
        Box::new(
            Diagnostic::error("not-utf8", format!("`{shown}` is not UTF-8"))
                .detail(format!("Line {line} has a byte that no UTF-8 text has."))
                .help("save the file as UTF-8"),
        )
    })
}

/// Resolves `.` and `..` without looking at the disk.
pub(super) fn normalise(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match result.components().next_back() {
                Some(Component::Normal(_)) => {
                    result.pop();
                }
                Some(Component::RootDir) => {}
                _ => result.push(".."),
            },
            other => result.push(other),
        }
    }
    result
}

//! Sources, spans and diagnostics: how natform says what is wrong, where, why and how to mend it.
//!
//! This module owns the [`SourceMap`], [`Span`]s into it and the [`Diagnostic`] with its renderings
//! as text ([`render`]) and JSON ([`json`]). It knows nothing of the language or of resources.

mod excerpt;
pub mod json;
pub mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// Identifies one text of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A half-open range of bytes in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file that the range lies in.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// Returns the smallest span that covers both; `other` must lie in the same file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Returns whether both have a byte in common, or one begins where the other does.
    pub fn overlaps(self, other: Self) -> bool {
        self.file == other.file
            && (self.start == other.start || self.start < other.end && other.start < self.end)
    }
}

/// One text with its name as users know it.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Path as shown to users (relative to the working directory), or `<-var name>` and the like.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    /// Where its lines start, once somebody asks for a line.
    lines: OnceLock<Vec<u32>>,
}

impl SourceFile {
    /// Returns the 1-based number of the line that an offset stands in. The first call goes through the
    /// whole text, every other one costs next to nothing.
    pub fn line_number(&self, offset: usize) -> usize {
        let lines = self.lines.get_or_init(|| {
            let breaks = self.text.match_indices('\n').map(|(at, _)| at + 1);
            breaks.map(|start| u32::try_from(start).unwrap_or(u32::MAX)).collect()
        });
        lines.partition_point(|start| *start as usize <= offset) + 1
    }
}

/// All texts of a run. Spans are meaningless without it.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a text and returns its id.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            name: name.into(),
            text: text.into(),
            lines: OnceLock::new(),
        });
        id
    }

    /// Returns the file of `id`, if it is one of this map's.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// Iterates over all files in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(u32::try_from(i).unwrap_or(0)), f))
    }

    /// Returns the text that `span` covers, or an empty string when it lies outside.
    pub fn snippet(&self, span: Span) -> &str {
        self.get(span.file)
            .and_then(|f| f.text.get(span.start as usize..span.end as usize))
            .unwrap_or("")
    }

    /// Returns 1-based line and column (in characters) of the span's start.
    pub fn position(&self, span: Span) -> Option<(usize, usize)> {
        let file = self.get(span.file)?;
        let before = file.text.get(..span.start as usize)?;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        Some((file.line_number(before.len()), column))
    }

    /// Returns `file:line` of the span's start, as errors and plans show it.
    pub fn location(&self, span: Span) -> Option<String> {
        let (line, _) = self.position(span)?;
        Some(format!("{}:{line}", self.get(span.file)?.name))
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The run goes on.
    Warning,
    /// The run stops before it changes anything.
    Error,
}

/// A marked place in a source with what is to be said of it (may be empty).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What to write beside the underline.
    pub text: String,
    /// Whether this is the place where the mistake is, rather than one that explains it.
    pub primary: bool,
}

/// A change of source text that mends the mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What to replace.
    pub span: Span,
    /// With what.
    pub replacement: String,
}

/// One message to the user: what, where, why and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable kebab-case code, such as `unknown-attribute`.
    pub code: &'static str,
    /// What is wrong, in one line without a full stop.
    pub summary: String,
    /// Why, in sentences; may be empty.
    pub detail: String,
    /// Where; the first primary one is the main place.
    pub labels: Vec<Label>,
    /// The resource instance concerned, if there is one.
    pub address: Option<String>,
    /// Further instances that have the same mistake.
    pub also: BTreeSet<String>,
    /// How to mend it.
    pub help: Option<String>,
    /// A mechanical way to mend it.
    pub fix: Option<Fix>,
    /// References involved with their values, for the reader (`var.port` → `80`); never sensitive.
    pub values: Vec<(String, String)>,
}

impl Diagnostic {
    /// Starts an error.
    pub fn error(code: &'static str, summary: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, summary)
    }

    /// Starts a warning.
    pub fn warning(code: &'static str, summary: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, summary)
    }

    fn new(severity: Severity, code: &'static str, summary: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            summary: summary.into(),
            detail: String::new(),
            labels: Vec::new(),
            address: None,
            also: BTreeSet::new(),
            help: None,
            fix: None,
            values: Vec::new(),
        }
    }

    /// Says why.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Marks the place of the mistake.
    #[must_use]
    pub fn at(self, span: Span) -> Self {
        self.label(span, "", true)
    }

    /// Marks the place of the mistake, where there is one.
    #[must_use]
    pub fn at_opt(self, span: Option<Span>) -> Self {
        match span {
            Some(span) => self.at(span),
            None => self,
        }
    }

    /// Marks the place of the mistake with a text.
    #[must_use]
    pub fn at_with(self, span: Span, text: impl Into<String>) -> Self {
        self.label(span, text, true)
    }

    /// Marks a place that explains the mistake.
    #[must_use]
    pub fn see(self, span: Span, text: impl Into<String>) -> Self {
        self.label(span, text, false)
    }

    fn label(mut self, span: Span, text: impl Into<String>, primary: bool) -> Self {
        self.labels.push(Label { span, text: text.into(), primary });
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Gives a mechanical way to mend it.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, replacement: replacement.into() });
        self
    }

    /// Names the resource instance concerned.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "addresses and names are given alike")]
    pub fn address(mut self, address: impl ToString) -> Self {
        self.address = Some(address.to_string());
        self
    }

    /// Shows the value of a reference; the caller makes sure that it is not sensitive.
    #[must_use]
    pub fn value(mut self, reference: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.push((reference.into(), value.into()));
        self
    }

    /// Returns whether another one differs at most in the instance and in the values that it shows.
    fn says_the_same(&self, other: &Self) -> bool {
        self.severity == other.severity
            && self.code == other.code
            && self.summary == other.summary
            && self.detail == other.detail
            && self.labels == other.labels
            && self.help == other.help
            && self.fix == other.fix
    }

    /// Returns the main place.
    pub fn span(&self) -> Option<Span> {
        self.labels.iter().find(|l| l.primary).or(self.labels.first()).map(|l| l.span)
    }
}

/// Most diagnostics of instances that are kept of one kind and place. A block may have a million.
const MAX_OF_INSTANCES: usize = 500;

/// All diagnostics of a step, in the order in which they were found.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// How many of instances there are of a kind and place, and which was the last.
    of_instances: BTreeMap<(Span, &'static str), (usize, usize)>,
}

impl PartialEq for Diagnostics {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Diagnostics {}

impl Diagnostics {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. Of very many instances with the same kind of mistake at one place the later ones are
    /// only named.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if let (Some(address), Some(span)) = (&diagnostic.address, diagnostic.span()) {
            let (count, last) = self.of_instances.entry((span, diagnostic.code)).or_default();
            if *count >= MAX_OF_INSTANCES
                && let Some(last) = self.list.get_mut(*last)
            {
                last.also.insert(address.clone());
                last.also.extend(diagnostic.also);
                return;
            }
            *count += 1;
            *last = self.list.len();
        }
        self.list.push(diagnostic);
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in other {
            self.push(diagnostic);
        }
    }

    /// Returns whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Iterates over them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Sorts warnings first and errors last, then by place, and removes exact repetitions. Errors of
    /// several instances that say the same of the same place become one.
    pub fn sort(&mut self) {
        self.of_instances.clear();
        self.list.sort_by_key(|d| (d.severity, d.span()));
        self.list.dedup();
        let mut merged: Vec<Diagnostic> = Vec::with_capacity(self.list.len());
        // What was said of the place so far, by what it says.
        let mut said: BTreeMap<(String, String), usize> = BTreeMap::new();
        for diagnostic in std::mem::take(&mut self.list) {
            if merged.last().is_none_or(|last| last.span() != diagnostic.span()) {
                said.clear();
            }
            let repeats = diagnostic.severity == Severity::Error
                && diagnostic.address.is_some()
                && diagnostic.span().is_some();
            if repeats {
                let key = (diagnostic.summary.clone(), diagnostic.detail.clone());
                let known = said.get(&key).and_then(|at| merged.get_mut(*at));
                if let Some(known) = known.filter(|known| known.says_the_same(&diagnostic)) {
                    known.also.extend(diagnostic.address);
                    known.also.extend(diagnostic.also);
                    continue;
                }
                said.insert(key, merged.len());
            }
            merged.push(diagnostic);
        }
        for diagnostic in &mut merged {
            if let Some(address) = &diagnostic.address {
                diagnostic.also.remove(address);
            }
        }
        self.list = merged;
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { list: vec![diagnostic], ..Self::default() }
    }
}

/// Writes names as `` `a`, `b` and `c` ``, sorted.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::from("none"),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Most names among which a similar one is looked for.
const MAX_CANDIDATES: usize = 500;

/// Returns the candidate nearest to `name`, if it is near enough to be a slip of the hand.
pub fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).max(1);
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter(|c| c.chars().count().abs_diff(length) <= limit)
        .map(|c| (distance(name, c), c))
        .filter(|(d, _)| *d <= limit && *d < length)
        .min()
        .map(|(_, c)| c)
}

/// Edit distance with transpositions of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best =
                (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

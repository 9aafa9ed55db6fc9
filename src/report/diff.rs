//! The difference of two objects as lines, shared by the text and Markdown renderings.

use serde_json::Value as Json;

use crate::plan::document::MASK;

/// What a line says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: it stays, or is punctuation.
    None,
    /// It is new.
    Add,
    /// It goes.
    Remove,
    /// It changes.
    Change,
}

impl Mark {
    /// Returns the symbol in the margin.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::None => " ",
            Self::Add => "+",
            Self::Remove => "-",
            Self::Change => "~",
        }
    }
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The symbol in the margin.
    pub mark: Mark,
    /// How deep the value lies; 0 for attributes.
    pub depth: usize,
    /// The text without margin.
    pub text: String,
}

/// One side of a difference: a value with the places where it is unknown and sensitive.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The value.
    pub value: &'a Json,
    /// The shape of the value with `true` where it is unknown.
    pub unknown: &'a Json,
    /// The shape of the value with `true` where it is sensitive.
    pub sensitive: &'a Json,
}

const NULL: Json = Json::Null;

impl<'a> Side<'a> {
    /// Returns the side of something that is not there.
    pub const fn nothing() -> Self {
        Self { value: &NULL, unknown: &NULL, sensitive: &NULL }
    }

    fn is_unknown(self) -> bool {
        self.unknown == &Json::Bool(true)
    }

    fn is_sensitive(self) -> bool {
        // A value that somebody asked to see is not masked.
        self.sensitive == &Json::Bool(true) && (self.value.is_null() || self.value == MASK)
    }

    fn is_absent(self) -> bool {
        self.value.is_null() && !self.is_unknown() && !has_true(self.unknown)
    }

    fn at(self, key: &str) -> Self {
        let get = |json: &'a Json| match json {
            Json::Object(entries) if !entries.is_empty() => entries.get(key).unwrap_or(&NULL),
            _ => &NULL,
        };
        Self { value: get(self.value), unknown: get(self.unknown), sensitive: get(self.sensitive) }
    }

    fn item(self, index: usize) -> Self {
        let get = |json: &'a Json| json.get(index).unwrap_or(&NULL);
        Self { value: get(self.value), unknown: get(self.unknown), sensitive: get(self.sensitive) }
    }

    fn is_empty(self) -> bool {
        let objects = [self.value, self.unknown].into_iter().filter_map(Json::as_object);
        objects.into_iter().all(serde_json::Map::is_empty)
    }

    fn length(self) -> usize {
        [self.value, self.unknown]
            .iter()
            .filter_map(|j| j.as_array())
            .map(Vec::len)
            .max()
            .unwrap_or(0)
    }

    fn is_map(self) -> bool {
        self.value.is_object() || (self.value.is_null() && self.unknown.is_object())
    }

    fn is_list(self) -> bool {
        self.value.is_array() || (self.value.is_null() && self.unknown.is_array())
    }

    fn same_as(self, other: Self) -> bool {
        self.value == other.value && self.unknown == other.unknown && !has_true(self.unknown)
    }
}

/// Returns whether a shape marks anything.
fn has_true(shape: &Json) -> bool {
    match shape {
        Json::Bool(b) => *b,
        Json::Array(items) => items.iter().any(has_true),
        Json::Object(entries) => entries.values().any(has_true),
        _ => false,
    }
}

/// What to show beside the attributes that change.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Attributes that force a replacement.
    pub replace: &'a [String],
    /// Attributes to show although they do not change.
    pub always: &'a [&'a str],
    /// Whether to hide what does not change and count it.
    pub hide: bool,
}

/// Returns the lines of an object's attributes, sorted by name and aligned.
pub fn object(before: Side<'_>, after: Side<'_>, options: Options<'_>) -> Vec<Line> {
    let forces = |name: &str| options.replace.iter().any(|path| path == name);
    let mut hidden = 0;
    let mut shown = Vec::new();
    for (name, before, after) in pairs(before, after) {
        let is_shown = !options.hide
            || options.always.contains(&name)
            || forces(name)
            || !before.same_as(after);
        if is_shown {
            shown.push((name, before, after));
        } else {
            hidden += 1;
        }
    }
    let width = shown.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::with_capacity(shown.len() + 1);
    for (name, before, after) in shown {
        let note = if forces(name) { " # forces replacement" } else { "" };
        let label = format!("{name:width$} = ");
        value(before, after, &label, note, 0, &mut lines);
    }
    if hidden > 0 {
        let plural = if hidden == 1 { "" } else { "s" };
        let text = format!("# ({hidden} unchanged attribute{plural} hidden)");
        lines.push(Line { mark: Mark::None, depth: 0, text });
    }
    lines
}

/// Returns the entries of two objects that are there on either side, by name.
fn pairs<'a>(before: Side<'a>, after: Side<'a>) -> Vec<(&'a str, Side<'a>, Side<'a>)> {
    let all = [before.value, before.unknown, after.value, after.unknown];
    let objects = all.into_iter().filter_map(Json::as_object);
    let mut names: Vec<&str> = objects.flat_map(|o| o.keys().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    let pairs = names.into_iter().map(|name| (name, before.at(name), after.at(name)));
    pairs.filter(|(_, before, after)| !(before.is_absent() && after.is_absent())).collect()
}

/// Appends the lines of one value.
fn value(
    before: Side<'_>,
    after: Side<'_>,
    label: &str,
    note: &str,
    depth: usize,
    lines: &mut Vec<Line>,
) {
    let mark = mark_of(before, after);
    let mut push = |mark, text: String| lines.push(Line { mark, depth, text });
    let hidden = before.is_sensitive() || after.is_sensitive();
    if mark == Mark::Change && !hidden && before.is_map() && after.is_map() {
        push(mark, format!("{label}{{{note}"));
        entries(before, after, depth + 1, lines);
        return lines.push(Line { mark: Mark::None, depth, text: "}".into() });
    }
    if mark == Mark::Change && !hidden && before.is_list() && after.is_list() {
        push(mark, format!("{label}[{note}"));
        items(before, after, depth + 1, lines);
        return lines.push(Line { mark: Mark::None, depth, text: "]".into() });
    }
    match mark {
        Mark::None | Mark::Add => whole(after, label, note, mark, depth, lines),
        Mark::Remove if is_simple(before) => {
            push(mark, format!("{label}{} -> null{note}", simple(before)));
        }
        Mark::Remove => whole(before, label, note, mark, depth, lines),
        Mark::Change if is_simple(before) && is_simple(after) => {
            push(mark, format!("{label}{} -> {}{note}", simple(before), simple(after)));
        }
        Mark::Change if is_simple(after) => {
            whole(before, label, "", mark, depth, lines);
            if let Some(last) = lines.last_mut() {
                last.text = format!("{} -> {}{note}", last.text, simple(after));
            }
        }
        Mark::Change => {
            whole(after, &format!("{label}{} -> ", simple(before)), note, mark, depth, lines);
        }
    }
}

fn mark_of(before: Side<'_>, after: Side<'_>) -> Mark {
    match (before.is_absent(), after.is_absent()) {
        (true, true) => Mark::None,
        (true, false) => Mark::Add,
        (false, true) => Mark::Remove,
        (false, false) if before.same_as(after) && before.sensitive == after.sensitive => {
            Mark::None
        }
        (false, false) => Mark::Change,
    }
}

/// Appends a value that is only on one side, or on both alike.
fn whole(side: Side<'_>, label: &str, note: &str, mark: Mark, depth: usize, lines: &mut Vec<Line>) {
    if is_simple(side) {
        let text = simple(side);
        if !text.contains('\n') {
            lines.push(Line { mark, depth, text: [label, &text, note].concat() });
            return;
        }
        let mut parts = text.split('\n');
        let first = parts.next().unwrap_or("");
        lines.push(Line { mark, depth, text: format!("{label}{first}{note}") });
        lines.extend(parts.map(|p| Line { mark: Mark::None, depth: depth + 1, text: p.into() }));
        return;
    }
    let (open, close) = if side.is_map() { ("{", "}") } else { ("[", "]") };
    lines.push(Line { mark, depth, text: format!("{label}{open}{note}") });
    let (none, one) = (Side::nothing(), side);
    let (before, after) = match mark {
        Mark::Remove => (one, none),
        Mark::Add => (none, one),
        Mark::None | Mark::Change => (one, one),
    };
    if side.is_map() {
        entries(before, after, depth + 1, lines);
    } else {
        for index in 0..side.length() {
            element(before.item(index), after.item(index), depth + 1, lines);
        }
    }
    lines.push(Line { mark: Mark::None, depth, text: close.into() });
}

/// Appends the entries of two maps.
fn entries(before: Side<'_>, after: Side<'_>, depth: usize, lines: &mut Vec<Line>) {
    let pairs = pairs(before, after);
    let name = |key: &str| {
        let word = key.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if word { key.to_owned() } else { quote(key) }
    };
    let width = pairs.iter().map(|(key, ..)| name(key).chars().count()).max().unwrap_or(0);
    for (key, before, after) in pairs {
        let label = format!("{:width$} = ", name(key));
        value(before, after, &label, "", depth, lines);
    }
}

/// Appends the elements of two lists, paired by their longest common subsequence.
fn items(before: Side<'_>, after: Side<'_>, depth: usize, lines: &mut Vec<Line>) {
    let old: Vec<Side<'_>> = (0..before.length()).map(|i| before.item(i)).collect();
    let new: Vec<Side<'_>> = (0..after.length()).map(|i| after.item(i)).collect();
    let text = |s: &Side<'_>| format!("{}{}", s.value, s.unknown);
    let old_texts: Vec<String> = old.iter().map(text).collect();
    let new_texts: Vec<String> = new.iter().map(text).collect();
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, &old_texts, &new_texts) {
        let (tag, old_range, new_range) = op.as_tag_tuple();
        if tag == similar::DiffTag::Equal {
            for index in new_range {
                element(new[index], new[index], depth, lines);
            }
            continue;
        }
        let pairs = old_range.len().max(new_range.len());
        for offset in 0..pairs {
            let side = |list: &[Side<'_>], range: &std::ops::Range<usize>| {
                range.clone().nth(offset).map(|i| (i, list.len())).map(|(i, _)| i)
            };
            let left = side(&old, &old_range).map_or(Side::nothing(), |i| old[i]);
            let right = side(&new, &new_range).map_or(Side::nothing(), |i| new[i]);
            let both = !left.is_absent() && !right.is_absent();
            if both && is_simple(left) && is_simple(right) && !right.is_unknown() {
                element(left, Side::nothing(), depth, lines);
                element(Side::nothing(), right, depth, lines);
            } else {
                element(left, right, depth, lines);
            }
        }
    }
}

/// Appends one element of a list.
fn element(before: Side<'_>, after: Side<'_>, depth: usize, lines: &mut Vec<Line>) {
    value(before, after, "", "", depth, lines);
    if let Some(last) = lines.last_mut() {
        last.text = last.text.strip_suffix(" -> null").unwrap_or(&last.text).to_owned() + ",";
    }
}

/// Returns whether a value fits behind its name (texts of several lines do, as a heredoc).
fn is_simple(side: Side<'_>) -> bool {
    side.is_unknown()
        || side.is_sensitive()
        || match side.value {
            Json::Array(items) => items.is_empty() && side.length() == 0,
            Json::Object(_) => side.is_empty(),
            Json::Null => !has_true(side.unknown),
            _ => true,
        }
}

/// Returns a simple value as text.
fn simple(side: Side<'_>) -> String {
    if side.is_unknown() {
        return "(known after apply)".into();
    }
    if side.is_sensitive() {
        return "(sensitive value)".into();
    }
    scalar(side.value)
}

/// Returns a value as configuration would spell it; collections in one line.
pub fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => quote(text),
        Json::Array(items) => {
            format!("[{}]", items.iter().map(scalar).collect::<Vec<_>>().join(", "))
        }
        Json::Object(entries) => {
            let list: Vec<String> =
                entries.iter().map(|(k, v)| format!("{} = {}", quote(k), scalar(v))).collect();
            if list.is_empty() { "{}".into() } else { format!("{{ {} }}", list.join(", ")) }
        }
        other => other.to_string(),
    }
}

/// Returns a text quoted as configuration would write it; control characters escaped.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

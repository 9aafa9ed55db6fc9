//! Regular expressions in RE2's syntax, translated for the `regex` crate, which has the same
//! semantics and a syntax of its own: other classes, other escapes, nested classes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use regex::{Captures, Regex, RegexBuilder};

use super::{Failure, Outcome, check_count, check_length};
use crate::value::{Name, Type, Value};

/// Largest number of repetitions that may be asked for.
const REPEAT_LIMIT: u32 = 1000;
/// Deepest nesting of groups.
const NEST_LIMIT: usize = 200;
/// Largest compiled program, in bytes.
const SIZE_LIMIT: usize = 16 << 20;

/// The classes that have a name, such as `[:alpha:]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];
/// Most patterns that are kept compiled.
const KEPT: usize = 64;

/// Patterns that were compiled already: the same one is often used for each of many instances.
static COMPILED: Mutex<BTreeMap<String, Arc<Pattern>>> = Mutex::new(BTreeMap::new());

/// A compiled pattern.
pub(super) struct Pattern {
    regex: Regex,
    /// The names of the groups in order; none for those without a name.
    groups: Vec<Option<String>>,
}

impl Pattern {
    /// Translates and compiles; the error says what is wrong.
    pub(super) fn compile(pattern: &str) -> Result<Arc<Self>, String> {
        let kept = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = kept().get(pattern) {
            return Ok(Arc::clone(compiled));
        }
        let compiled = Arc::new(Self::build(pattern)?);
        let mut kept = kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), Arc::clone(&compiled));
        Ok(compiled)
    }

    fn build(pattern: &str) -> Result<Self, String> {
        let mut translator = Translator { rest: pattern, out: String::new(), groups: Vec::new() };
        translator.translate()?;
        let regex = RegexBuilder::new(&translator.out).size_limit(SIZE_LIMIT).build();
        let regex = regex.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => String::from("the pattern is too large"),
            // The last line of the message is what is wrong; the others draw the pattern.
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            }
        })?;
        Ok(Self { regex, groups: translator.groups })
    }

    /// Refuses patterns in which only some groups have names: their matches have no shape.
    pub(super) fn check_groups(&self) -> Result<(), String> {
        let named = self.groups.iter().filter(|name| name.is_some()).count();
        if named > 0 && named < self.groups.len() {
            return Err(String::from("cannot mix both named and unnamed capture groups"));
        }
        Ok(())
    }

    /// Returns the type of one match: a string, or a tuple or object of groups.
    pub(super) fn result_type(&self) -> Type {
        if self.groups.is_empty() {
            Type::String
        } else if self.groups.iter().all(Option::is_some) {
            Type::object(self.groups.iter().flatten().map(|name| (&**name, Type::String)))
        } else {
            Type::tuple(self.groups.iter().map(|_| Type::String))
        }
    }

    /// Returns the first match.
    pub(super) fn first(&self, text: &str) -> Option<Value> {
        self.regex.captures(text).map(|captures| self.result(&captures))
    }

    /// Returns all matches.
    pub(super) fn all(&self, text: &str) -> Outcome {
        let mut found = Vec::new();
        for captures in self.regex.captures_iter(text) {
            check_count(found.len() + 1)?;
            found.push(self.result(&captures));
        }
        Ok(Value::list(self.result_type(), found))
    }

    fn result(&self, captures: &Captures<'_>) -> Value {
        let group =
            |i: usize| captures.get(i).map_or_else(Value::null, |m| Value::text(m.as_str()));
        if self.groups.is_empty() {
            return group(0);
        }
        if self.groups.iter().all(Option::is_some) {
            let mut attributes: BTreeMap<Name, Value> = BTreeMap::new();
            for (i, name) in self.groups.iter().enumerate() {
                attributes.insert(name.as_deref().unwrap_or_default().into(), group(i + 1));
            }
            return Value::object(attributes.into());
        }
        Value::tuple((1..=self.groups.len()).map(group))
    }

    /// Replaces all matches; `$1`, `$name`, `${name}` and `$$` in the replacement stand for groups.
    pub(super) fn replace_all(&self, text: &str, replacement: &str) -> Result<String, Failure> {
        let mut out = String::new();
        let mut done = 0;
        for captures in self.regex.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            out.push_str(&text[done..whole.start()]);
            self.expand(&captures, replacement, &mut out);
            done = whole.end();
            check_length(out.len())?;
        }
        out.push_str(&text[done..]);
        Ok(out)
    }

    fn expand(&self, captures: &Captures<'_>, replacement: &str, out: &mut String) {
        let mut rest = replacement;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let word = |text: &str| {
                text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len())
            };
            let (name, after) = match rest.strip_prefix('{') {
                Some(inner) => {
                    let end = word(inner);
                    match inner[end..].strip_prefix('}') {
                        Some(after) => (&inner[..end], after),
                        None => ("", rest),
                    }
                }
                None => rest.split_at(word(rest)),
            };
            if name.is_empty() {
                out.push('$');
                continue;
            }
            out.push_str(self.group(captures, name).unwrap_or_default());
            rest = after;
        }
        out.push_str(rest);
    }

    fn group<'t>(&self, captures: &Captures<'t>, name: &str) -> Option<&'t str> {
        let index = match name.parse::<usize>() {
            Ok(number) => number,
            Err(_) => self.groups.iter().position(|group| group.as_deref() == Some(name))? + 1,
        };
        captures.get(index).map(|group| group.as_str())
    }
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    groups: Vec<Option<String>>,
}

impl Translator<'_> {
    fn translate(&mut self) -> Result<(), String> {
        let whole = self.rest;
        let mut open = 0_usize;
        // What may be repeated: nothing yet, something, or something that is repeated already.
        let mut before = Before::Nothing;
        while let Some(c) = self.rest.chars().next() {
            before = match c {
                '\\' => self.escape()?,
                '[' => {
                    self.class()?;
                    Before::Something
                }
                '(' => {
                    open += 1;
                    if open > NEST_LIMIT {
                        return Err(String::from("expression nests too deeply"));
                    }
                    let flags_only = self.group()?;
                    open -= usize::from(flags_only);
                    Before::Nothing
                }
                ')' => {
                    if open == 0 {
                        return Err(format!("unexpected ) in {whole}"));
                    }
                    open -= 1;
                    self.take(1);
                    self.out.push(')');
                    Before::Something
                }
                '|' => {
                    self.take(1);
                    self.out.push('|');
                    Before::Nothing
                }
                '*' | '+' | '?' => {
                    self.take(1);
                    let repeat = self.lazy(c.to_string());
                    self.repeat(&repeat, before)?
                }
                '{' => {
                    if let Some(repeat) = self.counted()? {
                        self.repeat(&repeat, before)?
                    } else {
                        self.take(1);
                        self.out.push_str("\\{");
                        Before::Something
                    }
                }
                '}' | ']' => {
                    self.take(1);
                    self.out.push('\\');
                    self.out.push(c);
                    Before::Something
                }
                _ => {
                    self.take(c.len_utf8());
                    self.out.push(c);
                    Before::Something
                }
            };
        }
        if open > 0 {
            return Err(format!("missing closing ) in {whole}"));
        }
        Ok(())
    }

    fn take(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Takes a `?` that makes a repetition lazy.
    fn lazy(&mut self, repeat: String) -> String {
        if self.rest.starts_with('?') {
            self.take(1);
            return repeat + "?";
        }
        repeat
    }

    fn repeat(&mut self, repeat: &str, before: Before) -> Result<Before, String> {
        match before {
            Before::Nothing => Err(format!("missing argument to repetition operator in {repeat}")),
            Before::Repeated => Err(format!("invalid nested repetition operator in {repeat}")),
            Before::Something => {
                self.out.push_str(repeat);
                Ok(Before::Repeated)
            }
        }
    }

    /// Reads `{2}`, `{2,}` or `{2,3}`; none when the brace is a plain character.
    fn counted(&mut self) -> Result<Option<String>, String> {
        let Some(end) = self.rest.find('}') else { return Ok(None) };
        let inner = &self.rest[1..end];
        let (low, high) = inner.split_once(',').unwrap_or((inner, inner));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(low) || !(high.is_empty() && inner.contains(',') || digits(high)) {
            return Ok(None);
        }
        let written = self.rest[..=end].to_owned();
        let bound = |text: &str| text.parse::<u32>().ok().filter(|n| *n <= REPEAT_LIMIT);
        let valid = match (bound(low), bound(high)) {
            (Some(low), Some(high)) => low <= high,
            (Some(_), None) => high.is_empty(),
            _ => false,
        };
        if !valid {
            return Err(format!("invalid repeat count in {written}"));
        }
        self.take(end + 1);
        Ok(Some(self.lazy(written)))
    }

    /// Reads the start of a group; returns whether it was only a setting of flags.
    fn group(&mut self) -> Result<bool, String> {
        let Some(special) = self.rest.strip_prefix("(?") else {
            self.take(1);
            self.out.push('(');
            self.groups.push(None);
            return Ok(false);
        };
        let named = special.strip_prefix("P<").or_else(|| special.strip_prefix('<'));
        if let Some(named) = named {
            let invalid = || format!("invalid named capture in {}", self.rest);
            let end = named.find('>').ok_or_else(invalid)?;
            let name = &named[..end];
            if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_alphanumeric()) {
                return Err(invalid());
            }
            self.groups.push(Some(name.to_owned()));
            let length = self.rest.len() - named.len() + end + 1;
            self.take(length);
            self.out.push('(');
            return Ok(false);
        }
        let end = special.find([':', ')']).unwrap_or(special.len());
        let flags = &special[..end];
        let mut letters = flags.splitn(2, '-');
        let valid = |part: Option<&str>| part.is_none_or(|p| p.chars().all(|c| "imsU".contains(c)));
        let ok = valid(letters.next()) && valid(letters.next()) && !flags.ends_with('-');
        if !ok || end == special.len() {
            let shown: String = self.rest.chars().take(end + 3).collect();
            return Err(format!("invalid or unsupported Perl syntax in {shown}"));
        }
        let flags_only = special[end..].starts_with(')');
        if flags_only && flags.is_empty() {
            return Err(String::from("missing argument to repetition operator in ?"));
        }
        self.out.push_str(&self.rest[..end + 3]);
        self.take(end + 3);
        Ok(flags_only)
    }

    /// Translates an escape outside of a class.
    fn escape(&mut self) -> Result<Before, String> {
        let Some(c) = self.rest[1..].chars().next() else {
            return Err(String::from("trailing backslash at end of expression"));
        };
        let translated = match c {
            'Q' => {
                let quoted = &self.rest[2..];
                let end = quoted.find("\\E").unwrap_or(quoted.len());
                let literal = regex::escape(&quoted[..end]);
                let closing = if end < quoted.len() { 2 } else { 0 };
                let empty = literal.is_empty();
                self.out.push_str(&literal);
                self.take(2 + end + closing);
                return Ok(if empty { Before::Nothing } else { Before::Something });
            }
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => "[\\t\\n\\f\\r ]",
            'S' => "[^\\t\\n\\f\\r ]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            'b' => "(?-u:\\b)",
            'B' => "\\B",
            'A' => "\\A",
            'z' => "\\z",
            _ => {
                self.common_escape(c)?;
                return Ok(Before::Something);
            }
        };
        self.out.push_str(translated);
        self.take(2);
        Ok(Before::Something)
    }

    /// Translates an escape that is the same inside and outside of a class.
    fn common_escape(&mut self, c: char) -> Result<(), String> {
        let invalid = |text: &str| format!("invalid escape sequence in {text}");
        match c {
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => {
                self.out.push('\\');
                self.out.push(c);
                self.take(2);
            }
            'p' | 'P' => self.unicode_class()?,
            'x' => {
                let code = match self.rest[2..].strip_prefix('{') {
                    Some(inner) => inner.find('}').map(|end| (&inner[..end], 4 + end)),
                    None => self.rest.get(2..4).map(|digits| (digits, 4)),
                };
                let code = code.filter(|(digits, _)| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let parsed = code.and_then(|(digits, length)| {
                    let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                    Some((c, length))
                });
                let (c, length) = parsed.ok_or_else(|| invalid("\\x"))?;
                self.literal(c);
                self.take(length);
            }
            '0'..='7' => {
                let digits: String = self.rest[1..]
                    .chars()
                    .take(3)
                    .take_while(|d| ('0'..='7').contains(d))
                    .collect();
                // A single digit other than 0 would refer to a group, which RE2 does not have.
                if c != '0' && digits.len() < 2 {
                    return Err(invalid(&format!("\\{c}")));
                }
                let code = u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32);
                self.literal(code.ok_or_else(|| invalid(&digits))?);
                self.take(1 + digits.len());
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => {
                self.literal(c);
                self.take(2);
            }
            c => return Err(invalid(&format!("\\{c}"))),
        }
        Ok(())
    }

    /// Writes a character that stands for itself.
    fn literal(&mut self, c: char) {
        let written = write!(self.out, "\\x{{{:x}}}", u32::from(c));
        debug_assert!(written.is_ok());
    }

    /// `\pL`, `\p{Greek}`, `\P{^Greek}`
    fn unicode_class(&mut self) -> Result<(), String> {
        let negative = self.rest[1..].starts_with('P');
        let (name, length) = if let Some(inner) = self.rest[2..].strip_prefix('{') {
            let end = inner
                .find('}')
                .ok_or_else(|| format!("invalid character class range in {}", self.rest))?;
            (&inner[..end], 4 + end)
        } else {
            let bytes = self.rest[2..].chars().next().map_or(0, char::len_utf8);
            (&self.rest[2..2 + bytes], 2 + bytes)
        };
        let (name, negative) = match name.strip_prefix('^') {
            Some(name) => (name, !negative),
            None => (name, negative),
        };
        let class = format!("\\{}{{{name}}}", if negative { 'P' } else { 'p' });
        let known = !name.is_empty()
            && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
            && (name == "Any" || Regex::new(&class).is_ok());
        if !known {
            return Err(format!("invalid character class range in {}", &self.rest[..length]));
        }
        self.out.push_str(&class);
        self.take(length);
        Ok(())
    }

    /// Translates a class in brackets.
    fn class(&mut self) -> Result<(), String> {
        let start = self.rest;
        let missing = || format!("missing closing ] in {start}");
        self.take(1);
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.take(1);
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let c = self.rest.chars().next().ok_or_else(missing)?;
            if c == ']' && !first {
                self.take(1);
                self.out.push(']');
                return Ok(());
            }
            first = false;
            if self.class_set()? {
                continue;
            }
            let low = self.class_character(missing)?;
            let ranged = self.rest.starts_with('-') && !self.rest[1..].starts_with(']');
            if ranged {
                self.take(1);
                self.out.push('-');
                let high = self.class_character(missing)?;
                if high < low {
                    return Err(format!("invalid character class range in {low}-{high}"));
                }
            }
        }
    }

    /// Translates a set within a class (`[:alpha:]`, `\d`, `\pL`); returns whether there was one.
    fn class_set(&mut self) -> Result<bool, String> {
        if self.rest.starts_with("[:")
            && let Some(end) = self.rest.find(":]")
        {
            let name = &self.rest[2..end];
            let plain = name.strip_prefix('^').unwrap_or(name);
            let written = &self.rest[..end + 2];
            if !CLASSES.contains(&plain) {
                return Err(format!("invalid character class range in {written}"));
            }
            self.out.push_str(written);
            self.take(end + 2);
            return Ok(true);
        }
        let Some(escaped) = self.rest.strip_prefix('\\').and_then(|rest| rest.chars().next())
        else {
            return Ok(false);
        };
        let translated = match escaped {
            'd' => "0-9",
            'D' => "[^0-9]",
            's' => "\\t\\n\\f\\r ",
            'S' => "[^\\t\\n\\f\\r ]",
            'w' => "0-9A-Za-z_",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => {
                self.unicode_class()?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.out.push_str(translated);
        self.take(2);
        Ok(true)
    }

    /// Translates one character of a class and returns it.
    fn class_character(&mut self, missing: impl Fn() -> String) -> Result<char, String> {
        let c = self.rest.chars().next().ok_or_else(missing)?;
        if c != '\\' {
            self.literal(c);
            self.take(c.len_utf8());
            return Ok(c);
        }
        let Some(escaped) = self.rest[1..].chars().next() else {
            return Err(String::from("trailing backslash at end of expression"));
        };
        let before = self.out.len();
        self.common_escape(escaped)?;
        let written = &self.out[before..];
        let code = written.strip_prefix("\\x{").and_then(|rest| rest.strip_suffix('}'));
        Ok(match code {
            Some(code) => u32::from_str_radix(code, 16).ok().and_then(char::from_u32),
            None => match escaped {
                'a' => Some('\u{7}'),
                'f' => Some('\u{c}'),
                'n' => Some('\n'),
                'r' => Some('\r'),
                't' => Some('\t'),
                _ => Some('\u{b}'),
            },
        }
        .unwrap_or_default())
    }
}

/// What stands before a repetition.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    Something,
    Repeated,
}

//! Finding files by patterns: `*`, `?`, `[a-z]`, `{a,b}` within a name, `**` over directories.

use std::collections::BTreeSet;
use std::path::Path;

use super::{ELEMENT_LIMIT, Failure};
use crate::environment::Files;

/// Most names that alternatives in braces may stand for.
const ALTERNATIVES: usize = 1000;
/// Deepest directory below the first.
const DEPTH_LIMIT: usize = 100;

/// Returns the paths of the files that match, relative to `directory`, with `/`.
pub(super) fn find(
    files: &dyn Files,
    directory: &Path,
    pattern: &str,
) -> Result<BTreeSet<String>, Failure> {
    let mut parts = Vec::new();
    for part in pattern.split('/') {
        match (part, parts.last()) {
            ("**", Some(Part::Directories)) => {}
            ("**", _) => parts.push(Part::Directories),
            (part, _) => parts.push(Part::Names(names(part)?)),
        }
    }
    let mut search = Search { files, found: BTreeSet::new(), seen: 0 };
    search.walk(directory, "", &parts, 0)?;
    Ok(search.found)
}

enum Part {
    /// `**`
    Directories,
    /// The patterns that a name may match.
    Names(Vec<Vec<Token>>),
}

#[derive(Debug, Clone)]
enum Token {
    Literal(char),
    /// `?`
    One,
    /// `*`
    Many,
    /// `[…]`: ranges, and whether they are those left out.
    Class(Vec<(char, char)>, bool),
}

struct Search<'a> {
    files: &'a dyn Files,
    found: BTreeSet<String>,
    seen: usize,
}

impl Search<'_> {
    fn walk(
        &mut self,
        directory: &Path,
        prefix: &str,
        parts: &[Part],
        depth: usize,
    ) -> Result<(), Failure> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        if depth > DEPTH_LIMIT {
            return Err(Failure::at(0, "the directories are nested too deeply"));
        }
        if let Part::Directories = part {
            self.walk(directory, prefix, rest, depth)?;
        }
        // A directory that cannot be read has no files.
        for name in self.files.list(directory).unwrap_or_default() {
            self.seen += 1;
            if self.seen > ELEMENT_LIMIT {
                return Err(Failure::at(0, "there are too many files"));
            }
            let matching = match part {
                Part::Directories => true,
                Part::Names(patterns) => patterns.iter().any(|pattern| matches(pattern, &name)),
            };
            if !matching {
                continue;
            }
            let path = directory.join(&name);
            let relative =
                if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            let is_directory = self.files.is_directory(&path);
            match (part, is_directory) {
                (Part::Directories, true) => self.walk(&path, &relative, parts, depth + 1)?,
                (Part::Names(_), true) => self.walk(&path, &relative, rest, depth + 1)?,
                (_, false) if rest.is_empty() => {
                    self.found.insert(relative);
                }
                (_, false) => {}
            }
        }
        Ok(())
    }
}

/// Compiles the pattern of one name; alternatives are written out.
fn names(pattern: &str) -> Result<Vec<Vec<Token>>, Failure> {
    let wrong = || Failure::at(1, format!("syntax error in pattern {pattern:?}")).quoting();
    let characters: Vec<char> = pattern.chars().collect();
    let mut expanded = vec![Vec::new()];
    let mut at = 0;
    while at < characters.len() {
        let choices = match characters[at] {
            '{' => {
                let end = closing(&characters, at).ok_or_else(wrong)?;
                let choices = alternatives(&characters[at + 1..end])?;
                at = end;
                choices
            }
            _ => vec![vec![token(&characters, &mut at).ok_or_else(wrong)?]],
        };
        at += 1;
        if expanded.len() * choices.len() > ALTERNATIVES {
            return Err(Failure::at(1, "too many alternatives in the pattern"));
        }
        expanded = expanded
            .iter()
            .flat_map(|before| {
                choices.iter().map(|choice| [before.as_slice(), choice.as_slice()].concat())
            })
            .collect();
    }
    Ok(expanded)
}

/// Finds the brace that closes the one at `open`.
fn closing(characters: &[char], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = open;
    while let Some(c) = characters.get(at) {
        match c {
            '\\' => at += 1,
            '{' => depth += 1,
            '}' if depth == 1 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Compiles what stands between commas; braces may be nested.
fn alternatives(inner: &[char]) -> Result<Vec<Vec<Token>>, Failure> {
    let mut choices = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0_usize);
    while at <= inner.len() {
        match inner.get(at) {
            Some('\\') => at += 1,
            Some('{') => depth += 1,
            Some('}') => depth = depth.saturating_sub(1),
            Some(',') if depth == 0 => {
                choices.extend(names(&inner[start..at].iter().collect::<String>())?);
                start = at + 1;
            }
            None => {
                choices.extend(names(&inner[start.min(inner.len())..].iter().collect::<String>())?);
            }
            Some(_) => {}
        }
        at += 1;
    }
    Ok(choices)
}

/// Reads one token and moves to its last character.
fn token(characters: &[char], at: &mut usize) -> Option<Token> {
    Some(match characters[*at] {
        '?' => Token::One,
        '*' => Token::Many,
        '\\' => {
            *at += 1;
            Token::Literal(*characters.get(*at)?)
        }
        '[' => {
            *at += 1;
            let negative = characters.get(*at) == Some(&'^');
            *at += usize::from(negative);
            let mut ranges = Vec::new();
            while *characters.get(*at)? != ']' || ranges.is_empty() {
                let low = class_character(characters, at)?;
                let high = if characters.get(*at) == Some(&'-')
                    && characters.get(*at + 1).is_some_and(|c| *c != ']')
                {
                    *at += 1;
                    class_character(characters, at)?
                } else {
                    low
                };
                ranges.push((low, high));
            }
            Token::Class(ranges, negative)
        }
        c => Token::Literal(c),
    })
}

fn class_character(characters: &[char], at: &mut usize) -> Option<char> {
    if characters.get(*at) == Some(&'\\') {
        *at += 1;
    }
    let c = *characters.get(*at)?;
    *at += 1;
    Some(c)
}

/// Matches a name; after a mismatch the last `*` takes one character more.
fn matches(pattern: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        let fits = match pattern.get(p) {
            Some(Token::Many) => {
                retry = Some((p, n));
                p += 1;
                continue;
            }
            Some(Token::One) => true,
            Some(Token::Literal(c)) => *c == name[n],
            Some(Token::Class(ranges, negative)) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&name[n])) != *negative
            }
            None => false,
        };
        if fits {
            p += 1;
            n += 1;
        } else if let Some((star, taken)) = retry {
            retry = Some((star, taken + 1));
            p = star + 1;
            n = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|token| matches!(token, Token::Many))
}

//! Versions and constraints on them: `>= 0.1, < 2`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version `major.minor.patch` with an optional pre-release, after Semantic Versioning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    pre: Vec<String>,
}

impl Version {
    /// Returns the version of this program.
    pub fn of_natform() -> Self {
        env!("CARGO_PKG_VERSION").parse().unwrap_or(Self { numbers: [0; 3], pre: Vec::new() })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if self.pre.is_empty() { Ok(()) } else { write!(f, "-{}", self.pre.join(".")) }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (&*self.pre, &*other.pre) {
            ([], []) => Ordering::Equal,
            ([], _) => Ordering::Greater,
            (_, []) => Ordering::Less,
            (a, b) => compare_pre(a, b),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares pre-releases: numbers by value and before words, the longer one later.
fn compare_pre(a: &[String], b: &[String]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_version(text).map(|(version, _)| version)
    }
}

/// Parses a version and returns how many of its numbers were written.
fn parse_version(text: &str) -> Result<(Version, usize), String> {
    let fail = || format!("`{text}` is not a version such as `0.1.0`");
    let text_without_build = text.split('+').next().unwrap_or("");
    let (core, pre) = match text_without_build.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (text_without_build, None),
    };
    let core = core.strip_prefix('v').unwrap_or(core);
    let mut numbers = [0; 3];
    let mut written = 0;
    for part in core.split('.') {
        let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let slot = numbers.get_mut(written).filter(|_| plain).ok_or_else(fail)?;
        *slot = part.parse().map_err(|_| fail())?;
        written += 1;
    }
    let pre = match pre {
        None => Vec::new(),
        Some(pre) => pre.split('.').map(String::from).collect(),
    };
    let word =
        |p: &String| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !pre.iter().all(word) {
        return Err(fail());
    }
    Ok((Version { numbers, pre }, written))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Pessimistic,
}

/// The longer ones first, so that `>=` is not read as `>`.
const OPERATORS: [(&str, Operator); 7] = [
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("!=", Operator::NotEqual),
    ("~>", Operator::Pessimistic),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Equal),
];

/// Constraints separated by commas, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraints(Vec<(Operator, Version, usize)>);

impl Constraints {
    /// Returns whether all of them hold. A pre-release is let in only by a constraint that names a
    /// pre-release of the same numbers.
    pub fn allow(&self, version: &Version) -> bool {
        let named = |(_, bound, _): &(Operator, Version, usize)| {
            !bound.pre.is_empty() && bound.numbers == version.numbers
        };
        (version.pre.is_empty() || self.0.iter().any(named))
            && self
                .0
                .iter()
                .all(|(operator, bound, written)| holds(*operator, bound, *written, version))
    }
}

fn holds(operator: Operator, bound: &Version, written: usize, version: &Version) -> bool {
    match operator {
        Operator::Equal => version == bound,
        Operator::NotEqual => version != bound,
        Operator::Greater => version > bound,
        Operator::GreaterOrEqual => version >= bound,
        Operator::Less => version < bound,
        Operator::LessOrEqual => version <= bound,
        // Only the last number that was written may grow.
        Operator::Pessimistic => {
            let fixed = written.saturating_sub(1);
            version >= bound && version.numbers[..fixed] == bound.numbers[..fixed]
        }
    }
}

impl FromStr for Constraints {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut list = Vec::new();
        for part in text.split(',') {
            let part = part.trim();
            let (operator, version) = OPERATORS
                .iter()
                .find_map(|(sign, operator)| Some((*operator, part.strip_prefix(sign)?)))
                .unwrap_or((Operator::Equal, part));
            let (version, written) = parse_version(version.trim())?;
            list.push((operator, version, written));
        }
        Ok(Self(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(constraints: &str, version: &str) -> bool {
        constraints.parse::<Constraints>().unwrap().allow(&version.parse().unwrap())
    }

    #[test]
    fn constraints_hold_together() {
        assert!(allows(">= 0.1, < 2", "0.1.0"));
        assert!(allows(">= 0.1, < 2", "1.9.9"));
        assert!(!allows(">= 0.1, < 2", "2.0.0"));
        assert!(allows("1.2", "1.2.0"));
        assert!(!allows("= 1.2.1", "1.2.0"));
        assert!(allows("!= 1.2.1", "1.2.0"));
        assert!(allows(">0.9,<=1", "1.0.0"));
    }

    #[test]
    fn the_pessimistic_operator_lets_the_last_number_grow() {
        assert!(allows("~> 1.2", "1.9.0"));
        assert!(!allows("~> 1.2", "2.0.0"));
        assert!(!allows("~> 1.2", "1.1.9"));
        assert!(allows("~> 1.2.3", "1.2.9"));
        assert!(!allows("~> 1.2.3", "1.3.0"));
        assert!(allows("~> 1", "7.0.0"));
    }

    #[test]
    fn pre_releases_come_before_and_must_be_named() {
        assert!(!allows(">= 1.0", "1.1.0-beta"));
        assert!(allows(">= 1.1.0-alpha", "1.1.0-beta"));
        assert!(!allows(">= 1.1.0-beta.2", "1.1.0-beta.1"));
        assert!("1.0.0-9".parse::<Version>().unwrap() < "1.0.0-10".parse().unwrap());
        assert!("1.0.0-10".parse::<Version>().unwrap() < "1.0.0-a".parse().unwrap());
        assert!("1.0.0-a".parse::<Version>().unwrap() < "1.0.0-a.1".parse().unwrap());
        assert!("1.0.0-a".parse::<Version>().unwrap() < "1.0.0".parse().unwrap());
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "x", "1.2.3.4", ">= ", "1..2", ">< 1", "1.2,", "1.0-", "99999999999999999999"]
        {
            assert!(text.parse::<Constraints>().is_err(), "{text}");
        }
    }
}

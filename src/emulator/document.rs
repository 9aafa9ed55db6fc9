//! JSON documents that come from people: read such that what is wrong is said with its place.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::diagnostic::did_you_mean;

/// Something wrong in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, such as `gateways[0].vpc`; empty for the document as a whole.
    pub path: String,
    /// What is wrong, and what is expected.
    pub why: String,
}

impl Problem {
    /// Creates one.
    pub fn new(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self { path: path.into(), why: why.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.why)
        } else {
            write!(f, "`{}`: {}", self.path, self.why)
        }
    }
}

/// Reads a whole JSON document, an object; on failure says at which path, line and column, and what was expected.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new("", "it is empty"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // Where a text is no JSON at all, what stands around the place says nothing.
        let meant = error.inner().is_data() && path != ".";
        let why = nearer(error.inner().to_string());
        Problem::new(if meant { path } else { String::new() }, why)
    })?;
    deserializer.end().map_err(|error| Problem::new("", error.to_string()))?;
    // A list of values would fill the fields in their order, and an empty one none of them.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::new("", "it is a list, where an object is expected"));
    }
    Ok(value)
}

/// Puts the one name that was probably meant in place of a list of all that are allowed.
fn nearer(why: String) -> String {
    let meant = || {
        let (wrong, rest) = why.split_once(", expected ")?;
        let name = wrong.strip_prefix("unknown ")?.split('`').nth(1)?;
        let (list, position) = rest.rsplit_once(" at line ")?;
        let near = did_you_mean(name, list.split('`').skip(1).step_by(2))?;
        Some(format!("{wrong}; did you mean `{near}`? at line {position}"))
    };
    meant().unwrap_or(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::world::dump::Dump;

    fn problem(text: &str) -> Problem {
        read::<Dump>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let wrong = problem("{\n \"snat_entries\": [{\"id\": 5}]}");
        assert_eq!(wrong.path, "snat_entries[0].id");
        assert_eq!(wrong.why, "invalid type: integer `5`, expected a string at line 2 column 26");
        let wrong = problem("{\"vpc\": []}");
        assert_eq!(wrong.path, "vpc");
        assert_eq!(wrong.why, "unknown field `vpc`; did you mean `vpcs`? at line 1 column 6");
        assert!(
            problem("{\"nothing\": 1}").why.contains("expected one of `format_version`, `meta`")
        );
        assert_eq!(problem(" ").to_string(), "it is empty");
        assert_eq!(problem("{} {}").to_string(), "trailing characters at line 1 column 4");
        assert!(problem("[").to_string().starts_with("EOF"));
        assert_eq!(problem(" []").to_string(), "it is a list, where an object is expected");
    }
}

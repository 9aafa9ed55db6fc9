//! What may be shown: secrets and sensitive values are masked, and text from outside is cut and
//! freed of what could drive a terminal.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::signature::percent_encode;

/// What stands in place of a masked value.
pub const MASK: &str = "(sensitive)";

/// Values shorter than this are masked only where they stand alone: within other text they would
/// say more by their holes than they hide.
const SHORTEST_WITHIN_TEXT: usize = 4;

/// A set of values that must not be shown, shared by its clones.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<String>>>);

impl Redactor {
    /// Adds a value; its percent-encoded forms are masked too. An empty one is ignored.
    pub fn add(&self, value: &str) {
        if value.is_empty() {
            return;
        }
        let once = percent_encode(value);
        let twice = percent_encode(&once);
        let mut values = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for form in [value.to_owned(), once, twice] {
            if !values.contains(&form) {
                values.push(form);
            }
        }
        // The longest first, so that what contains another is masked whole.
        values.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    }

    /// Masks every occurrence of the values within a text.
    pub fn redact(&self, text: &str) -> String {
        let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if values.iter().any(|value| value == text) {
            return MASK.to_owned();
        }
        let mut out = text.to_owned();
        for value in values.iter().filter(|value| value.len() >= SHORTEST_WITHIN_TEXT) {
            if out.contains(value.as_str()) {
                out = out.replace(value.as_str(), MASK);
            }
        }
        out
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Redactor")
    }
}

/// Returns text from outside as it may be printed: control characters, line breaks and marks that
/// reorder text become spaces, runs of spaces one, and what is over `limit` characters is cut.
pub fn printable(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    for character in text.chars() {
        let character = if is_unprintable(character) { ' ' } else { character };
        if character == ' ' && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if count == limit {
            out.truncate(out.trim_end().len());
            out.push('…');
            return out;
        }
        out.push(character);
        count += 1;
    }
    out.truncate(out.trim_end().len());
    out
}

fn is_unprintable(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn masks_values_and_their_encodings() {
        let redactor = Redactor::default();
        redactor.add("s3cret/+");
        redactor.add("s3cret/+longer");
        redactor.add("ab");
        redactor.add("");
        assert_eq!(redactor.redact("key s3cret/+ end"), format!("key {MASK} end"));
        assert_eq!(redactor.redact("s3cret%2F%2B,s3cret%252F%252B"), format!("{MASK},{MASK}"));
        assert_eq!(redactor.redact("x s3cret/+longer"), format!("x {MASK}"));
        assert_eq!(redactor.redact("ab"), MASK);
        assert_eq!(redactor.redact("about"), "about");
        assert_eq!(redactor.clone().redact(""), "");
        assert_eq!(format!("{redactor:?}"), "Redactor");
    }

    #[test]
    fn text_from_outside_cannot_drive_a_terminal() {
        assert_eq!(printable(" a\u{1b}[31mb\r\n\tc\u{202e}d ", 100), "a [31mb c d");
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
        assert_eq!(printable("ab cd", 3), "ab…");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_secret_survives(secret in "[a-zA-Z0-9+/=]{6,20}", around in "[ -~]{0,20}") {
            let redactor = Redactor::default();
            redactor.add(&secret);
            let text = format!("{around}{secret}{around}{}", percent_encode(&secret));
            let shown = redactor.redact(&text);
            prop_assert!(!shown.contains(&secret));
            prop_assert!(!shown.contains(&percent_encode(&secret)));
        }
    }
}

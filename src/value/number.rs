//! Numbers that behave as 512-bit binary floats do.

use std::fmt;

/// A number.
#[derive(Debug, Clone, PartialEq)]
pub struct Number(f64);

impl From<i64> for Number {
    #[expect(clippy::cast_precision_loss, reason = "replaced by the real implementation")]
    fn from(n: i64) -> Self {
        Self(n as f64)
    }
}

impl Number {
    /// Reads a literal.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

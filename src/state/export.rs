//! The state as one JSON document, for `state pull`, `state push` and `show`.

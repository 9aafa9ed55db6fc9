//! The state as text.

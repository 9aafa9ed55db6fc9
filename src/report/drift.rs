//! A drift report as text.

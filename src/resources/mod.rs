//! The resource types: schema, rules, list reads, compilation of changes into calls, settling.

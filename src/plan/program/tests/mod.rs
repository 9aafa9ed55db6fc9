//! Programs over configurations held in memory.

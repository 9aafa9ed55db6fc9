//! Runs the list reads that resource types describe; the one reader of live objects.

//! Live against recorded objects, and unmanaged ones.

//! The recorded objects, the journal and the lock.

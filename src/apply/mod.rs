//! Executes a plan: scheduler, journal, sending, settling, recovery.

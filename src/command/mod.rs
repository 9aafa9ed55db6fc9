//! The commands: the only place with stdout, stderr, signals and exit.

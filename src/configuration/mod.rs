//! Files → module tree → typed blocks; variables and their sources.

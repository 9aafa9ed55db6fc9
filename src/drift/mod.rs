//! Live against recorded objects, and unmanaged ones.
//!
//! A scan reads and never writes: it takes a snapshot and a [`Reader`], and gives a [`DriftReport`].
//! Drift that somebody expects is listed with the reason and does not count.

mod expected;
mod model;
mod scan;
#[cfg(test)]
mod tests;

pub use expected::{Expectation, ExpectationError, expectations};
pub use model::{
    AttributeDrift, ChangedObject, Coverage, DriftReport, DriftStatus, ExpectationStatus,
    ExpectationUse, Expected, FORMAT_VERSION, FailedList, MissingObject, UnmanagedObject,
};
pub use scan::{ScanInput, scan};

#[cfg(doc)]
use crate::refresh::Reader;

//! What comes of a request: the answer, what happens to it on its way, and a record for people.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::api::http::HttpResponse;
use crate::environment::Timestamp;

/// How an answer is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As it is.
    Whole,
    /// Not at all: the connection is closed.
    Nothing,
    /// The connection is closed after so many bytes of the body.
    Truncated(usize),
    /// Headers and the first bytes of the body come, the rest never does.
    Stalled,
}

/// What comes of a request.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The answer.
    pub response: HttpResponse,
    /// How it is delivered.
    pub delivery: Delivery,
    /// How long it is held back.
    pub delay: Duration,
    /// The record of the call; none for requests to the emulator itself.
    pub record: Option<Record>,
}

impl Outcome {
    /// Wraps an answer that is delivered as it is.
    pub fn plain(response: HttpResponse) -> Self {
        Self { response, delivery: Delivery::Whole, delay: Duration::ZERO, record: None }
    }
}

/// A call as `/_natform/calls` shows it. Holds no keys, signatures or security tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Number among all calls, from 1.
    pub number: u64,
    /// When it came, by the clock.
    #[serde(flatten, serialize_with = "time")]
    pub at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Action named, or empty.
    pub action: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// Names of parameters that the action does not take.
    pub unknown_parameters: Vec<String>,
    /// Status of the answer, also when it was not delivered.
    pub status: u16,
    /// Error code of the answer, if it is an error.
    pub code: Option<String>,
    /// Request id of the answer.
    pub request_id: String,
    /// Whether a `ClientToken` brought an earlier answer again.
    pub replayed: bool,
    /// Name of the fault that hit it.
    pub fault: Option<String>,
    /// Whether the answer was lost on its way.
    pub lost: bool,
    /// Body of the answer as far as it left; without the string to sign, which has the key's id and
    /// the security token in it. Only what the recorder keeps has it.
    #[serde(serialize_with = "json_or_text")]
    pub answer: String,
}

/// Writes a time for people and one for programs.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_map(Some(2))?;
    fields.serialize_entry("time", &at.iso8601())?;
    fields.serialize_entry("time_ms", at)?;
    fields.end()
}

/// Writes an answer as what it is in JSON, any other as a text, and none as null.
fn json_or_text<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if text.is_empty() {
        return serializer.serialize_none();
    }
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => value.serialize(serializer),
        Err(_) => serializer.serialize_str(text),
    }
}

//! Errors of the service as typed values, each with a class that decides retry, wording and advice.

/// What an error means for the one who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The object or one beside it is in a state that refuses this for now: wait, then send again.
    Busy,
    /// Too many requests: slow down, then send again.
    Throttled,
    /// The service failed in itself (5xx), or there was no answer; the call may have had its effect.
    Transient,
    /// The object certainly does not exist. From a closed list only.
    Gone,
    /// The account may not do this.
    Denied,
    /// The request is wrong as it stands.
    Invalid,
    /// A limit is reached.
    Quota,
    /// A unique key, an address or the name is taken.
    Conflict,
    /// Something that depends on the object, or on which it depends, stands in the way.
    Dependency,
    /// What was asked for already holds (`NATGW_MODIFY_SPEC_SAME`).
    AlreadyDone,
}

/// An error that the service answered, or that stands for a missing or unreadable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action}: {code}: {message} (HTTP {status}, request {request_id})")]
pub struct ApiError {
    /// The action called.
    pub action: String,
    /// HTTP status; 0 when there was no answer.
    pub status: u16,
    /// The service's code; `NoAnswer`, `NotSent` or `UnreadableAnswer` when there is none.
    pub code: String,
    /// The service's message, redacted.
    pub message: String,
    /// The service's request id, or empty.
    pub request_id: String,
    /// What it means.
    pub class: Class,
    /// How long the service asks to wait, if it does.
    pub retry_after: Option<std::time::Duration>,
}

//! Errors of the service as typed values, each with a class that decides retry, wording and advice.

use std::time::Duration;

use super::catalogue::Action;
use super::error_catalogue::{classify, is_about_token};

/// The code of an error for a request that certainly did not reach the service.
pub const NOT_SENT: &str = "NotSent";
/// The code of an error for a request whose answer did not come.
pub const NO_ANSWER: &str = "NoAnswer";
/// The code of an error for an answer that is not one of the service's.
pub const UNREADABLE_ANSWER: &str = "UnreadableAnswer";

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

impl Class {
    /// Returns whether a refusal of this class certainly had no effect. [`ApiError::is_definite`]
    /// also knows the codes that a class cannot tell apart.
    pub fn is_definite(self) -> bool {
        !matches!(self, Self::Busy | Self::Throttled | Self::Transient)
    }
}

/// An error that the service answered, or that stands for a missing or unreadable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
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
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// Creates the error that the service answered with a code.
    pub fn answered(
        action: Action,
        status: u16,
        code: &str,
        message: &str,
        request_id: &str,
    ) -> Self {
        Self {
            action: action.name().to_owned(),
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: request_id.to_owned(),
            class: classify(action, code, message, status),
            retry_after: None,
        }
    }

    /// Creates the error of a request that certainly did not reach the service.
    pub fn not_sent(action: Action, why: impl Into<String>) -> Self {
        Self::without_code(action, 0, NOT_SENT, why.into())
    }

    /// Creates the error of a request whose answer did not come.
    pub fn no_answer(action: Action, why: impl Into<String>) -> Self {
        Self::without_code(action, 0, NO_ANSWER, why.into())
    }

    /// Creates the error of an answer that is not one of the service's, or lacks what the action
    /// promises. The call may have had its effect.
    pub fn unreadable(action: Action, status: u16, why: impl Into<String>) -> Self {
        let mut error = Self::without_code(action, status, UNREADABLE_ANSWER, why.into());
        if status == 429 {
            error.class = Class::Throttled;
        }
        error
    }

    /// Returns whether it says that there are too many requests, in whatever words: a server that is
    /// too busy says that it is not available.
    pub fn is_too_many(&self) -> bool {
        self.class == Class::Throttled || matches!(self.status, 429 | 503)
    }

    /// Returns whether the call certainly had no effect: a refusal that is neither about time nor
    /// about the token, or a request that was not sent.
    pub fn is_definite(&self) -> bool {
        self.code == NOT_SENT || (self.class.is_definite() && !is_about_token(&self.code))
    }

    fn describe(&self) -> String {
        let source = match (self.status, self.request_id.as_str()) {
            (0, _) => String::new(),
            (status, "") => format!(" (HTTP {status})"),
            (status, id) => format!(" (HTTP {status}, request {id})"),
        };
        format!("{}: {}: {}{source}", self.action, self.code, self.message.trim())
    }

    fn without_code(action: Action, status: u16, code: &str, message: String) -> Self {
        Self {
            action: action.name().to_owned(),
            status,
            code: code.to_owned(),
            message,
            request_id: String::new(),
            class: Class::Transient,
            retry_after: None,
        }
    }
}

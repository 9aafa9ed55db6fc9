//! From an HTTP answer to an [`Answer`] or an [`ApiError`], whatever came: either edition's JSON or
//! XML, an error body, or something that is none of the service's.

use std::time::Duration;

use serde_json::Value;

use crate::environment::Timestamp;

use super::answer::{Answer, check_complete, field, get_str};
use super::catalogue::Action;
use super::error::ApiError;
use super::http::HttpResponse;
use super::redact::printable;
use super::xml;

/// An answer may be this long, in bytes.
pub const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// The longest wait that an answer may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Who asks for a longer wait than this does not mean it.
const ABSURD_WAIT: Duration = Duration::from_secs(3600);

/// Reads the answer to a call of `action` that came at `now`.
pub fn decode(action: Action, response: &HttpResponse, now: Timestamp) -> Result<Answer, ApiError> {
    let status = response.status;
    let body = match read_body(response) {
        Ok(body) => body,
        Err(what) => {
            let mut error = ApiError::unreadable(action, status, what);
            error.retry_after = retry_after(response, now);
            error.request_id = header_request_id(response);
            return Err(error);
        }
    };
    let request_id = get_str(&body, "RequestId")
        .map_or_else(|| header_request_id(response), |id| printable(&id, 100));
    let refusal = refusal(&body);
    let accepted = (200..300).contains(&status);
    if accepted && refusal.is_none() {
        return match check_complete(action, &body) {
            Ok(()) => Ok(Answer { body, request_id, status }),
            Err(what) => {
                let mut error = ApiError::unreadable(action, status, what);
                error.request_id = request_id;
                Err(error)
            }
        };
    }
    let mut error = match refusal {
        Some((code, message)) => ApiError::answered(action, status, &code, &message, &request_id),
        None => ApiError::unreadable(action, status, "an error without a code"),
    };
    error.request_id = request_id;
    error.retry_after = retry_after(response, now);
    Err(error)
}

/// Returns the body as an object, or what it is instead.
fn read_body(response: &HttpResponse) -> Result<Value, String> {
    if (300..400).contains(&response.status) {
        let to = response.header("location").map_or_else(String::new, |location| {
            // The query of a redirected request repeats its signature.
            let place = location.split('?').next().unwrap_or_default();
            format!(" to `{}`", printable(place, 200))
        });
        return Err(format!("a redirect{to}, which is not followed"));
    }
    if response.body.len() > LONGEST_ANSWER {
        return Err(format!("an answer of more than {} MiB", LONGEST_ANSWER / 1024 / 1024));
    }
    if let Some(encoding) = response.header("content-encoding").filter(|e| *e != "identity") {
        return Err(format!("an answer encoded as `{}`", printable(encoding, 40)));
    }
    let text = std::str::from_utf8(&response.body)
        .map_err(|_| "an answer that is not UTF-8".to_owned())?
        .trim_start_matches('\u{feff}')
        .trim();
    match text.bytes().next() {
        None => Err("an empty answer".to_owned()),
        Some(b'<') => read_xml(text),
        Some(_) => read_json(text),
    }
}

fn read_json(text: &str) -> Result<Value, String> {
    match serde_json::from_str::<Value>(text) {
        Ok(body @ Value::Object(_)) => Ok(body),
        Ok(_) => Err(format!("JSON that is not an object: `{}`", printable(text, 120))),
        Err(error) if error.is_eof() && text.starts_with('{') => {
            Err("JSON that ends early".to_owned())
        }
        Err(error) if text.starts_with('{') => {
            Err(format!("malformed JSON: {}", printable(&error.to_string(), 120)))
        }
        Err(_) => Err(format!("neither JSON nor XML: `{}`", printable(text, 120))),
    }
}

fn read_xml(text: &str) -> Result<Value, String> {
    let start = text.get(..200.min(text.len())).unwrap_or(text).to_ascii_lowercase();
    if start.contains("<!doctype html") || start.contains("<html") || start.contains("<head") {
        return Err(html_title(text).map_or_else(
            || "an HTML page".to_owned(),
            |title| format!("an HTML page titled `{}`", printable(title, 120)),
        ));
    }
    let document = xml::parse(text)?;
    if document.root != "Error" && !document.root.ends_with("Response") {
        let root = printable(&document.root, 60);
        return Err(format!("XML with the root `{root}`, which is not one of the service's"));
    }
    match document.content {
        body @ Value::Object(_) => Ok(body),
        Value::String(text) if text.is_empty() => Ok(Value::Object(serde_json::Map::new())),
        _ => Err("XML without elements".to_owned()),
    }
}

fn html_title(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower.get(start..)?.find("</title>")?;
    text.get(start..end)
}

/// Returns code and message, if the body says anything but success.
fn refusal(body: &Value) -> Option<(String, String)> {
    let source = field(body, "Error").filter(|inner| inner.is_object()).unwrap_or(body);
    let code = get_str(source, "Code").or_else(|| get_str(source, "ErrorCode"))?;
    let code = printable(&code, 120);
    if ["", "0", "200", "ok", "success"].contains(&code.to_ascii_lowercase().as_str()) {
        return None;
    }
    let message =
        get_str(source, "Message").or_else(|| get_str(source, "ErrorMessage")).unwrap_or_default();
    Some((code, printable(&message, 2000)))
}

fn header_request_id(response: &HttpResponse) -> String {
    printable(response.header("x-acs-request-id").unwrap_or_default(), 100)
}

/// Returns how long the service asks to wait: `x-acs-retry-after` in milliseconds, or `retry-after`
/// in seconds or as a date; never more than five minutes. What nobody can mean is as good as nothing.
fn retry_after(response: &HttpResponse, now: Timestamp) -> Option<Duration> {
    let asked = response
        .header("x-acs-retry-after")
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_millis)
        .or_else(|| {
            let text = response.header("retry-after")?.trim();
            text.parse().ok().map(Duration::from_secs).or_else(|| {
                let date = jiff::fmt::rfc2822::parse(text).ok()?;
                Some(Timestamp(date.timestamp().as_millisecond()).since(now))
            })
        })?;
    (asked <= ABSURD_WAIT).then(|| asked.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests;

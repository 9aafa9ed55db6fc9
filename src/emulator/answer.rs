//! Answers in the two formats of the service. Both are written from one JSON object.

use serde_json::{Map, Value, json};

use crate::api::http::HttpResponse;
use crate::emulator::errors::Refusal;

/// Format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// XML.
    Xml,
}

/// Returns `{plural: {singular: […]}}`, as the service writes lists.
pub fn list(plural: &str, singular: &str, rows: Vec<Value>) -> Map<String, Value> {
    let inner = Map::from_iter([(singular.to_owned(), Value::Array(rows))]);
    Map::from_iter([(plural.to_owned(), Value::Object(inner))])
}

/// Writes a success: the fields of `body` behind the request id.
pub fn success(
    format: Format,
    action: &str,
    request_id: &str,
    body: Map<String, Value>,
) -> HttpResponse {
    let mut whole = Map::with_capacity(body.len() + 1);
    whole.insert("RequestId".to_owned(), json!(request_id));
    whole.extend(body);
    let headers = vec![id_header(request_id)];
    write(format, 200, &format!("{action}Response"), &Value::Object(whole), headers)
}

/// Writes an error.
pub fn error(format: Format, refusal: &Refusal, request_id: &str, host: &str) -> HttpResponse {
    let body = json!({
        "RequestId": request_id,
        "HostId": host,
        "Code": refusal.code,
        "Message": refusal.message,
        "Recommend": format!(
            "https://api.aliyun.com/troubleshoot?q={}&product=Vpc&requestId={request_id}",
            refusal.code
        ),
    });
    let mut headers = vec![id_header(request_id)];
    if refusal.status == 405 {
        headers.push(("allow".to_owned(), "GET, POST".to_owned()));
    }
    headers.extend(refusal.retry_after_ms.map(|ms| ("x-acs-retry-after".into(), ms.to_string())));
    write(format, refusal.status, "Error", &body, headers)
}

fn id_header(request_id: &str) -> (String, String) {
    ("x-acs-request-id".to_owned(), request_id.to_owned())
}

fn write(
    format: Format,
    status: u16,
    root: &str,
    body: &Value,
    mut headers: Vec<(String, String)>,
) -> HttpResponse {
    let (kind, bytes) = match format {
        Format::Json => {
            ("application/json;charset=utf-8", serde_json::to_vec(body).unwrap_or_default())
        }
        Format::Xml => ("text/xml;charset=utf-8", xml(root, body).into_bytes()),
    };
    headers.insert(0, ("content-type".to_owned(), kind.to_owned()));
    HttpResponse { status, headers, body: bytes }
}

fn xml(root: &str, body: &Value) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    element(&mut out, root, body);
    out
}

/// Writes an element; a list is the element repeated, without one around it.
fn element(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| element(out, name, item)),
        Value::Object(fields) => {
            open(out, name);
            fields.iter().for_each(|(name, value)| element(out, name, value));
            close(out, name);
        }
        Value::Null => {
            open(out, name);
            close(out, name);
        }
        Value::String(text) => {
            open(out, name);
            escape(out, text);
            close(out, name);
        }
        Value::Bool(_) | Value::Number(_) => {
            open(out, name);
            out.push_str(&value.to_string());
            close(out, name);
        }
    }
}

fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Writes text, leaving out characters that XML cannot hold.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_nested_in_xml_as_in_json() {
        let body = json!({"PageNumber": 1, "Zones": {"Zone": [{"ZoneId": "a"}, {"ZoneId": "<&>"}]}, "None": {"N": []}});
        assert_eq!(
            xml("R", &body),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><R><PageNumber>1</PageNumber><Zones>\
             <Zone><ZoneId>a</ZoneId></Zone><Zone><ZoneId>&lt;&amp;&gt;</ZoneId></Zone></Zones>\
             <None></None></R>"
        );
    }
}

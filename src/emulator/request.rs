//! Requests as the emulator understands them: decoded from query, form body and headers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::api::catalogue::{Action, Edition};
use crate::api::http::HttpRequest;
use crate::api::signature::percent_decode;
use crate::emulator::answer::Format;

/// Most parameters that are read; real requests have some dozen.
const MOST_PARAMETERS: usize = 2000;

/// A decoded request.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Path without query.
    pub path: String,
    /// Parameters of the query alone.
    pub query: BTreeMap<String, String>,
    /// Parameters of query and body.
    pub parameters: BTreeMap<String, String>,
    /// Value of the `host` header, or empty.
    pub host: String,
    /// Whether it is signed in the header rather than in the parameters.
    pub header_signed: bool,
    /// Whether query and body could be decoded in full.
    pub decodable: bool,
    /// A parameter that comes more than once, with different values.
    pub repeated: Option<String>,
}

impl Arrival {
    /// Decodes a request, as far as it can be.
    pub fn of(request: &HttpRequest) -> Self {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        // A fragment never belongs to a request; clients that send one mean the part before it.
        let query = query.split('#').next().unwrap_or("");
        let mut pairs = Pairs { decodable: true, ..Pairs::default() };
        pairs.form(query);
        let query = pairs.all.clone();
        let kind = request.header("content-type").unwrap_or(FORM).trim_start();
        let kind = kind.split(';').next().unwrap_or("").trim_end();
        if kind.eq_ignore_ascii_case(FORM) {
            let body = String::from_utf8_lossy(&request.body);
            pairs.decodable &= matches!(body, Cow::Borrowed(_));
            pairs.form(&body);
        } else if kind.eq_ignore_ascii_case(JSON) && !request.body.is_empty() {
            match serde_json::from_slice(&request.body) {
                Ok(Value::Object(fields)) => pairs.object("", fields),
                _ => pairs.decodable = false,
            }
        }
        let in_header = !request.header("authorization").unwrap_or("").trim().is_empty();
        let signature = pairs.all.get("Signature").is_some_and(|text| !text.is_empty());
        Self {
            path: path.to_owned(),
            query,
            parameters: pairs.all,
            host: request.header("host").unwrap_or("").to_owned(),
            header_signed: in_header && !signature,
            decodable: pairs.decodable,
            repeated: pairs.repeated,
        }
    }

    /// Returns a parameter that is there and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|t| !t.is_empty())
    }

    /// Returns the action's name. Where a request is signed in the header, the header decides;
    /// otherwise no header does, for nothing would vouch for it.
    pub fn action_name<'a>(&'a self, request: &'a HttpRequest) -> Option<&'a str> {
        self.common(request, "x-acs-action", "Action")
    }

    /// Returns the version, from where [`Arrival::action_name`] has the action.
    pub fn version<'a>(&'a self, request: &'a HttpRequest) -> Option<&'a str> {
        self.common(request, "x-acs-version", "Version")
    }

    fn common<'a>(&'a self, request: &'a HttpRequest, header: &str, name: &str) -> Option<&'a str> {
        let in_header = request.header(header).filter(|t| self.header_signed && !t.is_empty());
        in_header.or_else(|| self.text(name))
    }

    /// Returns the format to answer in.
    pub fn format(&self, request: &HttpRequest, edition: Edition) -> Format {
        match self.text("Format") {
            Some(text) if text.eq_ignore_ascii_case("json") => Format::Json,
            Some(text) if text.eq_ignore_ascii_case("xml") => Format::Xml,
            // Clients that sign in the header name no format and read JSON, unless they say otherwise.
            _ if self.header_signed => {
                let accept = request.header("accept").unwrap_or("");
                if accept.contains("xml") && !accept.contains("json") {
                    Format::Xml
                } else {
                    Format::Json
                }
            }
            _ => match edition {
                Edition::V2019_07_19 => Format::Xml,
                Edition::V2020_09_25 => Format::Json,
            },
        }
    }

    /// Splits the parameters into those that the action takes in the edition, without empty ones, and
    /// the names of those that nobody knows.
    pub fn business(
        &self,
        action: Action,
        edition: Edition,
    ) -> (BTreeMap<String, String>, Vec<String>) {
        let mut known = BTreeMap::new();
        let mut unknown = Vec::new();
        for (name, value) in &self.parameters {
            if COMMON.contains(&name.as_str()) {
                continue;
            }
            // The older edition's table spells this one parameter otherwise than its own example.
            let name = match (action, name.as_str()) {
                (Action::ModifyBandwidthPackageSpec, "BandWidth") => "Bandwidth",
                (_, name) => name,
            };
            // Clients older than the edition still create packages together with a gateway.
            let legacy =
                action == Action::CreateNatGateway && name.starts_with("BandwidthPackage.");
            let taken = action.parameter(name).is_some_and(|p| legacy || p.exists_in(edition));
            if !taken {
                unknown.push(name.to_owned());
            } else if !value.is_empty() {
                known.insert(name.to_owned(), value.clone());
            }
        }
        (known, unknown)
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Parameters as they are read.
#[derive(Debug, Default)]
struct Pairs {
    all: BTreeMap<String, String>,
    decodable: bool,
    repeated: Option<String>,
}

impl Pairs {
    fn add(&mut self, name: String, value: String) {
        if self.all.len() >= MOST_PARAMETERS {
            self.decodable = false;
        } else if self.all.get(&name).is_some_and(|before| *before != value) {
            self.repeated = Some(name);
        } else {
            self.all.insert(name, value);
        }
    }

    /// Adds those of a query or form. What cannot be decoded stays as it is, so that the rest of
    /// the request still tells what it is about.
    fn form(&mut self, text: &str) {
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let mut decoded = |text: &str| {
                percent_decode(text).unwrap_or_else(|| {
                    self.decodable = false;
                    text.to_owned()
                })
            };
            let (name, value) = (decoded(name), decoded(value));
            self.add(name, value);
        }
    }

    /// Adds those of a JSON body: members of lists and objects as `List.1.Name`.
    fn object(&mut self, prefix: &str, fields: Map<String, Value>) {
        for (name, value) in fields {
            self.value(format!("{prefix}{name}"), value);
        }
    }

    fn value(&mut self, name: String, value: Value) {
        match value {
            Value::Null => {}
            Value::Bool(value) => self.add(name, value.to_string()),
            Value::Number(value) => self.add(name, value.to_string()),
            Value::String(value) => self.add(name, value),
            Value::Object(fields) => self.object(&format!("{name}."), fields),
            Value::Array(items) => {
                for (index, item) in (1..).zip(items).take(MOST_PARAMETERS) {
                    self.value(format!("{name}.{index}"), item);
                }
            }
        }
    }
}

/// Parameters common to all actions.
const COMMON: [&str; 13] = [
    "Action",
    "Format",
    "Version",
    "AccessKeyId",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "SignatureType",
    "Timestamp",
    "TimeStamp",
    "SecurityToken",
    "BearerToken",
];

//! What is wrong with an object, and the checks that several resource types share.

use super::{Attribute, Kind, Object, spelling};
use crate::api::catalogue::Edition;
use crate::value::{Data, Value};

/// What is wrong with one attribute of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable code of the diagnostic.
    pub code: &'static str,
    /// The attribute.
    pub attribute: String,
    /// What is wrong, in one line.
    pub message: String,
    /// How to mend it.
    pub help: String,
    /// Whether it only deserves a warning.
    pub warning: bool,
}

impl Fault {
    /// Creates an error.
    pub fn new(
        code: &'static str,
        attribute: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code,
            attribute: attribute.to_owned(),
            message: message.into(),
            help: help.into(),
            warning: false,
        }
    }

    /// Returns what is wrong with a configured attribute that another edition of the reference has, and
    /// this one lacks. What the service does anyway is no mistake.
    pub fn other_edition(attribute: &Attribute, value: &Value, here: Edition) -> Option<Self> {
        let edition = attribute.edition.filter(|edition| *edition != here)?;
        let as_ever = value.as_bool() == Some(false)
            || value
                .as_str()
                .is_some_and(|text| ["Normal", "PostPaid", "PayBySpec"].contains(&text));
        if as_ever {
            return None;
        }
        let name = attribute.name;
        let what = format!("`{name}` exists in edition {edition} only; the provider speaks {here}");
        let instead = match attribute.kind {
            Kind::Objects(_) => format!(
                "remove the blocks: `{name}` resources do the same in every edition, and packages \
                 that were made inline before stay"
            ),
            _ => "remove it".to_owned(),
        };
        let help = format!("set `edition = \"{edition}\"` in the provider block, or {instead}");
        Some(Self::new("other-edition", name, what, help))
    }

    /// Withholds what it says where that would show a sensitive value of the object.
    #[must_use]
    pub fn discreet(mut self, object: &Object) -> Self {
        let base = self.attribute.split(['.', '[']).next().unwrap_or_default();
        let own = object.get(base).is_some_and(Value::deep_sensitive);
        let shown = |text: &str| {
            object.iter().filter(|(_, value)| value.deep_sensitive()).any(|(_, value)| {
                let mut found = false;
                value.walk(&mut |_, part| {
                    let secret = match part.data() {
                        Data::String(secret) => secret.to_string(),
                        Data::Number(secret) => secret.to_string(),
                        _ => String::new(),
                    };
                    found |= !secret.is_empty() && text.contains(&secret);
                    true
                });
                found
            })
        };
        if own || shown(&self.message) {
            self.message =
                format!("value of `{base}` is not valid; why is withheld because it is sensitive");
        }
        if shown(&self.help) {
            self.help = String::from("compare it with the documentation of the resource type");
        }
        self
    }

    /// Makes it a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.warning = true;
        self
    }
}

/// Collects the faults of one object. Unknown and absent values are passed over.
pub(super) struct Checks<'a> {
    pub(super) object: &'a Object,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Checks<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        Self { object, faults: Vec::new() }
    }

    pub(super) fn add(
        &mut self,
        code: &'static str,
        attribute: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(Fault::new(code, attribute, message, help));
    }

    /// A name: 2 to 128 characters, first a letter or Chinese character. `strict` ones have letters,
    /// digits, `.`, `_` and `-` only (gateways and packages; entries have no such rule).
    pub(super) fn name(&mut self, attribute: &str, strict: bool) {
        let Some(text) = self.object.text(attribute) else { return };
        let wrong = |c: &char| !c.is_alphanumeric() && !"._-".contains(*c);
        let problem = if let Some(problem) = length_problem(text, 128) {
            problem
        } else if starts_with_scheme(text) {
            "starts with `http://` or `https://`".to_owned()
        } else if !text.starts_with(char::is_alphabetic) {
            "does not start with a letter or Chinese character".to_owned()
        } else if let Some(c) = text.chars().find(wrong).filter(|_| strict) {
            format!("contains `{}`", c.escape_default())
        } else {
            return;
        };
        let rest = if strict { ", and has only letters, digits, `.`, `_` and `-`" } else { "" };
        let help = format!(
            "a name has 2 to 128 characters, starts with a letter or Chinese character, not with \
             `http://` or `https://`{rest}; leave it out for none of your own"
        );
        self.add("name-malformed", attribute, format!("`{attribute}` {problem}"), help);
    }

    /// A description: 2 to 256 characters.
    pub(super) fn description(&mut self) {
        let Some(text) = self.object.text("description") else { return };
        let problem = if let Some(problem) = length_problem(text, 256) {
            problem
        } else if starts_with_scheme(text) {
            "starts with `http://` or `https://`".to_owned()
        } else {
            return;
        };
        self.add(
            "description-malformed",
            "description",
            format!("`description` {problem}"),
            "a description has 2 to 256 characters and does not start with `http://` or \
             `https://`; leave it out for none",
        );
    }

    /// One of a few words, spelt exactly.
    pub(super) fn one_of(&mut self, attribute: &str, words: &[&str]) {
        let Some(text) = self.object.text(attribute) else { return };
        if words.contains(&text) {
            return;
        }
        let help = match words.iter().find(|word| word.eq_ignore_ascii_case(text.trim())) {
            Some(word) => format!("write `{word}`"),
            None => format!("it is one of {}", listed(words)),
        };
        let message = format!("`{attribute}` cannot be `{}`", short(text));
        self.add("value-not-supported", attribute, message, help);
    }

    /// A whole number within a range.
    pub(super) fn range(&mut self, attribute: &str, low: i64, high: Option<i64>, unit: &str) {
        let Some(number) = self.object.get(attribute).and_then(Value::as_number) else { return };
        let within = number.to_i64().is_some_and(|n| n >= low && high.is_none_or(|high| n <= high));
        if within {
            return;
        }
        let range = match high {
            Some(high) => format!("from {low} to {high}"),
            None => format!("of at least {low}"),
        };
        let message = format!("`{attribute}` cannot be {number}");
        self.add("out-of-range", attribute, message, format!("give a whole number {range}{unit}"));
    }

    /// An IPv4 address.
    pub(super) fn address(&mut self, attribute: &str) {
        if let Some(text) = self.object.text(attribute) {
            self.address_text(attribute, text);
        }
    }

    /// The text of an IPv4 address.
    pub(super) fn address_text(&mut self, attribute: &str, text: &str) {
        if spelling::address(text).is_some() {
            return;
        }
        let help = if text.starts_with("eip-") || text.starts_with("nateip-") {
            "this is the id of an address; give the address itself, such as `203.0.113.7`"
        } else if text.starts_with("i-") || text.starts_with("eni-") {
            "this is the id of an instance; give its private address, such as `192.168.1.10`"
        } else if text.contains('/') {
            "give one address without a prefix length, such as `192.168.1.10`"
        } else if text.contains(':') {
            "only IPv4 addresses are possible here"
        } else {
            "give an IPv4 address, such as `203.0.113.7`"
        };
        let message = format!("`{attribute}`: `{}` is not an IPv4 address", short(text));
        self.add("not-an-address", attribute, message, help);
    }

    /// A port: 1 to 65535, or `any`.
    pub(super) fn port(&mut self, attribute: &str) {
        let Some(text) = self.object.text(attribute) else { return };
        if spelling::port(text).is_some() {
            return;
        }
        let help = if text.trim_start_matches('-').contains(['/', '-', ':']) {
            "a port range is not possible; make one entry for each port, with `for_each`"
        } else {
            "give a number from 1 to 65535, or `any`"
        };
        let message = format!("`{attribute}` cannot be `{}`", short(text));
        self.add("port-malformed", attribute, message, help);
    }

    /// A protocol, in any case of letters.
    pub(super) fn protocol(&mut self) {
        let Some(text) = self.object.text("ip_protocol") else { return };
        if spelling::protocol(text).is_none() {
            let message = format!("`ip_protocol` cannot be `{}`", short(text));
            let help = "it is one of `tcp`, `udp` or `any`";
            self.add("value-not-supported", "ip_protocol", message, help);
        }
    }

    /// A specification; other spellings deserve a warning.
    pub(super) fn spec(&mut self) {
        let Some(text) = self.object.text("spec") else { return };
        match spelling::spec(text) {
            None => self.one_of("spec", &spelling::SPECS),
            Some(spelt) if spelt != text => {
                let message = format!("`spec`: `{text}` is spelt `{spelt}`");
                let help = format!("write `{spelt}`, as edition 2020-09-25 does");
                let fault = Fault::new("other-spelling", "spec", message, help);
                self.faults.push(fault.as_warning());
            }
            Some(_) => {}
        }
    }

    /// An IPv4 network in CIDR notation.
    pub(super) fn network(&mut self, attribute: &str) {
        let Some(text) = self.object.text(attribute) else { return };
        if spelling::network(text).is_some() {
            return;
        }
        let help = match text.trim().parse::<ipnet::Ipv4Net>() {
            Ok(network) => format!("the network is `{}`", network.trunc()),
            Err(_) => match spelling::address(text) {
                Some(address) => format!("for one instance, write `{address}/32`"),
                None => "give an IPv4 network, such as `192.168.1.0/24`".to_owned(),
            },
        };
        let message =
            format!("`{attribute}`: `{}` is not an IPv4 network in CIDR notation", short(text));
        self.add("not-a-network", attribute, message, help);
    }

    /// The id of something, by its prefix.
    pub(super) fn id(&mut self, attribute: &str, prefix: &str) {
        let Some(text) = self.object.text(attribute) else { return };
        if text.trim() == text && !text.is_empty() && !text.contains(char::is_whitespace) {
            return;
        }
        let message = format!("`{attribute}` cannot be `{}`", short(text));
        self.add("id-malformed", attribute, message, format!("give an id, such as `{prefix}-…`"));
    }
}

fn length_problem(text: &str, longest: usize) -> Option<String> {
    let length = text.chars().count();
    match length {
        0 => Some("is empty".to_owned()),
        1 => Some("has only 1 character".to_owned()),
        _ if length > longest => Some(format!("has {length} characters")),
        _ => None,
    }
}

fn starts_with_scheme(text: &str) -> bool {
    let lower = text.chars().take(8).collect::<String>().to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// Lists words for a sentence: `a`, `b` or `c`.
pub(super) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Cuts a text for a message and shows what cannot be seen.
fn short(text: &str) -> String {
    let shown: String = text
        .chars()
        .take(60)
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect();
    if text.chars().count() > 60 { format!("{shown}…") } else { shown }
}

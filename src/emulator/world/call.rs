//! A call as an action sees it: its parameters, checked for presence and read with their types.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use crate::api::catalogue::Action;
use crate::api::catalogue::Edition;
use crate::emulator::answer;
use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::network::Region;
use crate::environment::Timestamp;

/// A call of an action.
#[derive(Debug, Clone)]
pub struct Call {
    /// The action.
    pub action: Action,
    /// The edition in which it is answered.
    pub edition: Edition,
    /// The world's time.
    pub now: Timestamp,
    /// The region named.
    pub region: Region,
    /// Parameters that the action takes in the edition, without empty ones.
    pub parameters: BTreeMap<String, String>,
}

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Number, from 1.
    pub number: usize,
    /// Rows a page.
    pub size: usize,
}

/// Rows a page at most.
const LARGEST_PAGE: usize = 50;

impl Call {
    /// Returns a parameter that is there and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Returns a parameter, or the refusal for its absence.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| self.missing(name))
    }

    /// Returns the refusal for the absence of a parameter.
    pub fn missing(&self, name: &str) -> Refusal {
        Refusal::missing(Some(self.action), name)
    }

    /// Returns the refusal of that code which the reference lists for this action.
    pub fn refuse(&self, code: &str) -> Refusal {
        Refusal::listed(self.action, code)
    }

    /// Reads a boolean, false when it is absent.
    pub fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(invalid(name)),
        }
    }

    /// Reads which page of a list is asked for.
    pub fn page(&self) -> Result<Page, Refusal> {
        let number = |name: &str, default: usize| match self.text(name) {
            None => Ok(default),
            Some(text) => text.parse().ok().filter(|n| *n >= 1).ok_or_else(|| invalid(name)),
        };
        let page = Page { number: number("PageNumber", 1)?, size: number("PageSize", 10)? };
        if page.size > LARGEST_PAGE { Err(invalid("PageSize")) } else { Ok(page) }
    }

    /// Reads `name.1`, `name.2`, … up to the first that is absent.
    pub fn list(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|n: usize| self.text(&format!("{name}.{n}"))).collect()
    }

    /// Reads an IPv4 address.
    pub fn address(&self, name: &str, code: &str) -> Result<Option<Ipv4Addr>, Refusal> {
        self.text(name).map(|t| t.parse().map_err(|_| self.refuse(code))).transpose()
    }

    /// Reads the name of a gateway or bandwidth package: only letters, digits, `.`, `_` and `-`.
    pub fn object_name(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let refusal = || self.refuse("InvalidParameter.Name.Malformed");
        self.text(name)
            .map(|text| {
                let plain =
                    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
                if plain && is_name(text) { Ok(text) } else { Err(refusal()) }
            })
            .transpose()
    }

    /// Reads the name of an entry.
    pub fn entry_name(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let refusal = || self.refuse("InvalidParameter.Name.Malformed");
        self.text(name)
            .map(|text| if is_name(text) { Ok(text) } else { Err(refusal()) })
            .transpose()
    }

    /// Reads a description that starts with a letter, as all but that of a new gateway do.
    pub fn description(&self) -> Result<Option<&str>, Refusal> {
        match self.free_description()? {
            Some(text) if !text.starts_with(char::is_alphabetic) => {
                Err(self.refuse("InvalidParameter.Description.Malformed"))
            }
            read => Ok(read),
        }
    }

    /// Reads a description that may start with anything but a link.
    pub fn free_description(&self) -> Result<Option<&str>, Refusal> {
        let refusal = || self.refuse("InvalidParameter.Description.Malformed");
        self.text("Description")
            .map(|text| {
                let length = text.chars().count();
                if (2..=256).contains(&length) && !is_link(text) {
                    Ok(text)
                } else {
                    Err(refusal())
                }
            })
            .transpose()
    }
}

/// Returns the refusal for a value outside its range, where no code is listed.
pub fn invalid(name: &str) -> Refusal {
    let refusal = Refusal::unlisted(Unlisted::InvalidValue);
    Refusal {
        code: format!("{}.{name}", refusal.code).into(),
        message: format!("The specified value of {name} is not valid.").into(),
        ..refusal
    }
}

/// Returns whether the text starts as a link does, which names and descriptions must not.
pub fn is_link(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn is_name(text: &str) -> bool {
    let length = text.chars().count();
    (2..=128).contains(&length)
        && text.chars().next().is_some_and(char::is_alphabetic)
        && !is_link(text)
}

/// Returns one page of a list with the counts that every list has, under `plural.singular`.
pub fn page_of(
    page: Page,
    total: usize,
    (plural, singular): (&str, &str),
    shown: Vec<Value>,
) -> Value {
    let mut body = Map::new();
    body.insert("PageNumber".to_owned(), json!(page.number));
    body.insert("TotalCount".to_owned(), json!(total));
    body.insert("PageSize".to_owned(), json!(page.size));
    body.append(&mut answer::list(plural, singular, shown));
    Value::Object(body)
}

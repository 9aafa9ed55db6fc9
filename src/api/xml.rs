//! XML answers in the shape of JSON ones: an element with elements becomes an object, repeated
//! elements an array, any other element its text.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use serde_json::{Map, Value};

/// Elements may be nested this deep.
const DEPTH: usize = 64;

/// A document: the name of its root and what stands in it.
#[derive(Debug, PartialEq)]
pub(super) struct Document {
    /// Local name of the root element.
    pub(super) root: String,
    /// Its content.
    pub(super) content: Value,
}

#[derive(Default)]
struct Element {
    name: String,
    children: Map<String, Value>,
    text: String,
}

impl Element {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn into_value(self) -> Value {
        if self.children.is_empty() {
            Value::String(self.text.trim().to_owned())
        } else {
            Value::Object(self.children)
        }
    }

    fn add(&mut self, child: Self) {
        let name = child.name.clone();
        let value = child.into_value();
        match self.children.get_mut(&name) {
            None => {
                self.children.insert(name, value);
            }
            Some(Value::Array(members)) => members.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
}

/// Parses a document; the error says what is wrong with it, in lower case.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        let closed = match reader.read_event().map_err(|error| format!("malformed XML: {error}"))? {
            Event::Start(start) => {
                if open.len() >= DEPTH {
                    return Err(format!("XML nested deeper than {DEPTH} elements"));
                }
                open.push(Element::named(start.local_name().as_ref()));
                None
            }
            Event::Empty(empty) => Some(Element::named(empty.local_name().as_ref())),
            Event::End(_) => open.pop(),
            Event::Text(part) => {
                append(&mut open, &part.xml10_content());
                None
            }
            Event::CData(part) => {
                append(&mut open, &part.xml10_content());
                None
            }
            Event::GeneralRef(reference) => {
                append(&mut open, &resolve(&reference)?);
                None
            }
            Event::DocType(_) => return Err("XML with a document type".to_owned()),
            Event::Eof => return Err("XML that ends early".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
        };
        if let Some(element) = closed {
            let Some(parent) = open.last_mut() else {
                let root = element.name.clone();
                return Ok(Document { root, content: element.into_value() });
            };
            parent.add(element);
        }
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Resolves a character reference or one of the five entities that need no declaration.
fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    let character = reference.resolve_char_ref();
    if let Some(character) = character.map_err(|error| format!("malformed XML: {error}"))? {
        return Ok(character.to_string());
    }
    quick_xml::escape::resolve_xml_entity(&reference.xml10_content())
        .map(str::to_owned)
        .ok_or_else(|| "XML with an unknown entity".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_take_the_shape_of_json_answers() {
        let document = parse(
            r#"<?xml version="1.0" encoding="utf-8"?>
            <!-- the root -->
            <DescribeNatGatewaysResponse>
              <TotalCount>2</TotalCount>
              <NatGateways>
                <NatGateway><Name>a &amp; b &#x4e2d;</Name><Description/></NatGateway>
                <NatGateway><Name><![CDATA[<c>]]></Name></NatGateway>
              </NatGateways>
              <Empty></Empty>
            </DescribeNatGatewaysResponse>"#,
        )
        .unwrap();
        assert_eq!(document.root, "DescribeNatGatewaysResponse");
        assert_eq!(
            document.content,
            json!({
                "TotalCount": "2",
                "NatGateways": {"NatGateway": [
                    {"Name": "a & b 中", "Description": ""}, {"Name": "<c>"},
                ]},
                "Empty": "",
            })
        );
    }

    #[test]
    fn repeated_elements_become_one_array() {
        let document = parse("<R><S>1</S><S>2</S><S>3</S></R>").unwrap();
        assert_eq!(document.content, json!({"S": ["1", "2", "3"]}));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000));
        for text in [
            "",
            "text",
            "<a><b></a>",
            "<a>",
            "<a><b>1</b>",
            "</a>",
            "<a>&unknown;</a>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            deep.as_str(),
        ] {
            assert!(parse(text).is_err(), "{}", &text[..text.len().min(40)]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_panics(text in "[<>/a-c&;!\\[\\]\"= x#0-9-]{0,60}") {
            drop(parse(&text));
        }
    }
}

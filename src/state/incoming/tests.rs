//! Documents that are good, and ones that are not.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn document() -> Json {
    json!({
        "format_version": "1.0",
        "lineage": "0b8c",
        "serial": 7,
        "instances": [{
            "address": "forward_entry.web[\"80\"]",
            "deposed": "k1",
            "id": "fwd-1",
            "status": "ready",
            "provider": "",
            "region": "cn-hangzhou",
            "service": "server:http://127.0.0.1:1",
            "schema_version": 1,
            "prevent_destroy": true,
            "dependencies": ["nat_gateway.edge"],
            "attributes": {
                "external_port": "80",
                "note": {"sensitive": "hush"},
                "ips": {"list": ["string", ["1.2.3.4"]]},
            },
        }],
        "outputs": {"port": {"sensitive": null}, "ratio": {"number": "0.5"}},
    })
}

fn parse(text: &str) -> Result<Snapshot, Diagnostics> {
    parse_export(text, FileId(0), &|_| Vec::new())
}

#[test]
fn a_good_document_comes_back() {
    let text = document().to_string();
    let snapshot = parse(&format!("\u{feff}{text}")).unwrap();
    assert_eq!(serde_json::to_value(snapshot.export(true)).unwrap(), document());
}

#[test]
fn a_flood_of_mistakes_is_counted() {
    let mut flood = document();
    flood["instances"] = json!(vec![1; 100]);
    let found = parse(&flood.to_string()).unwrap_err();
    assert_eq!(found.len(), SHOWN + 1);
    let last = found.iter().last().unwrap();
    assert_eq!(last.summary, "the document has 80 more mistakes");
}

/// Returns all places of a document.
fn pointers(json: &Json, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match json {
        Json::Object(entries) => {
            entries.iter().for_each(|(k, v)| pointers(v, &format!("{at}/{k}"), found));
        }
        Json::Array(list) => {
            list.iter().enumerate().for_each(|(i, v)| pointers(v, &format!("{at}/{i}"), found));
        }
        _ => {}
    }
}

fn anything() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "\\PC{0,8}".prop_map(Json::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"list": ["string", [1]]})),
        Just(json!(["nat_gateway.a", {"unknown": {"type": "string"}}])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn mistaken_documents_are_explained_within_their_text(
        place in any::<prop::sample::Index>(),
        value in anything(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut mistaken = document();
        let mut places = Vec::new();
        pointers(&mistaken, "", &mut places);
        *mistaken.pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        let mut text = format!("{mistaken:#}");
        if cut.index(4) == 0 {
            let at = (0..text.len()).rev().find(|at| text.is_char_boundary(*at)
                && *at <= cut.index(text.len())).unwrap_or_default();
            text.truncate(at);
        }
        match parse(&text) {
            Ok(snapshot) => {
                let again = snapshot.export(true).to_string();
                let back = parse(&again).unwrap();
                prop_assert_eq!(back.export(true).to_string(), again);
            }
            Err(found) => {
                prop_assert!(!found.is_empty());
                for diagnostic in &found {
                    let span = diagnostic.span().unwrap();
                    prop_assert!(span.start <= span.end);
                    prop_assert!(text.get(span.start as usize..span.end as usize).is_some());
                }
            }
        }
    }
}

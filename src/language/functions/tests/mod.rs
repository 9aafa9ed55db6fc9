//! Vectors for every function, and what the functions have in common.
//!
//! The files beside this one hold expressions and what an interactive console prints for them: a
//! line `» expression`, then the value, or `! message` for an error with the index of the argument
//! that is to blame. `unknown("type")` stands for an unknown value, `typeof(…)` returns a type.

mod notation;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::environment::SeededIds;
use notation::{context, evaluate};

/// The vectors, by family.
const GOLDEN: [(&str, &str); 12] = [
    ("cidr", include_str!("cidr.txt")),
    ("collection", include_str!("collection.txt")),
    ("dates", include_str!("dates.txt")),
    ("encoding", include_str!("encoding.txt")),
    ("files", include_str!("files.txt")),
    ("format", include_str!("format.txt")),
    ("hashes", include_str!("hashes.txt")),
    ("marks", include_str!("marks.txt")),
    ("meta", include_str!("meta.txt")),
    ("numeric", include_str!("numeric.txt")),
    ("text", include_str!("text.txt")),
    ("yaml", include_str!("yaml.txt")),
];

/// Splits vectors into expressions and what they print.
fn vectors(golden: &str) -> impl Iterator<Item = (&str, &str)> {
    golden.split("» ").skip(1).filter_map(|vector| vector.trim_end_matches('\n').split_once('\n'))
}

#[test]
fn functions_give_the_known_results() {
    let mut wrong = Vec::new();
    for (family, golden) in GOLDEN {
        for (expression, expected) in vectors(golden) {
            let got = match evaluate(expression) {
                Ok(value) => value.to_string(),
                Err(error) => format!("! {error}"),
            };
            if got != expected {
                wrong.push(format!("{family}: {expression}\nexpected {expected}\ngot {got}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_function_has_vectors() {
    let tested: BTreeSet<&str> = GOLDEN
        .iter()
        .flat_map(|(_, golden)| vectors(golden))
        .filter_map(|(expression, _)| expression.split('(').next())
        .collect();
    let missing: Vec<&str> = names().filter(|name| !tested.contains(name)).collect();
    // What bcrypt returns is checked below.
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn the_table_is_in_order() {
    let mut sorted: Vec<&str> = names().collect();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted, names().collect::<Vec<_>>());
    for name in names() {
        let function = lookup(name).unwrap();
        assert_eq!(function.name, name);
        assert_eq!(function.parameters.len(), function.kinds.len(), "{name}");
        assert!(function.doc.ends_with('.') && function.doc.len() > 10, "{name}");
        assert!(!function.variadic || !function.parameters.is_empty(), "{name}");
    }
    assert!(lookup("core::upper").is_some() && lookup("core::core::upper").is_none());
    assert!(lookup("nope").is_none());
}

#[test]
fn some_results_are_known_only_after_apply() {
    let ids = SeededIds::new(1);
    let planning = FunctionContext { applying: false, plan_time: None, ..context(&ids) };
    for (name, arguments) in [
        ("timestamp", vec![]),
        ("uuid", vec![]),
        ("plantimestamp", vec![]),
        ("bcrypt", vec![Value::from("a")]),
    ] {
        let result = call(lookup(name).unwrap(), &arguments, &planning).unwrap();
        assert_eq!(result, Value::unknown(Type::String), "{name}");
    }
    let password = [Value::from("hello"), Value::from(4_i64)];
    let applying = context(&ids);
    let hash = call(lookup("bcrypt").unwrap(), &password, &applying).unwrap();
    let hash = hash.as_str().unwrap();
    assert!(hash.starts_with("$2a$04$") && ::bcrypt::verify("hello", hash).unwrap());
    let again = call(lookup("bcrypt").unwrap(), &password, &applying).unwrap();
    assert_ne!(again.as_str().unwrap(), hash);
}

/// `log` and `pow` agree with another implementation to the last digit where users would see it.
#[test]
fn logarithms_and_powers_have_the_usual_last_digit() {
    for (base, exponent, power) in [
        (0.1, 3.0, "0.0010000000000000002"),
        (1.1, 10.0, "2.593742460100002"),
        (3.0, -2.0, "0.1111111111111111"),
        (10.0, 22.0, "10000000000000000000000"),
        (10.0, -5.0, "0.00001"),
        (2.0, -1022.0, &Number::from_f64(f64::MIN_POSITIVE).unwrap().to_string()),
    ] {
        assert_eq!(Number::from_f64(numeric::power(base, exponent)).unwrap().to_string(), power);
    }
    for (number, base, logarithm) in [
        (69.4, 3.0, 3.859_311_343_270_098),
        (54.7, 14.0, 1.516_398_929_465_983_4),
        (0.8, 14.0, -0.084_554_264_437_575_22),
        (536_870_912.0, 2.0, 29.000_000_000_000_004),
        (1000.0, 10.0, 2.999_999_999_999_999_6),
    ] {
        let got: f64 = numeric::natural_log(number) / numeric::natural_log(base);
        assert_eq!(got.to_bits(), f64::to_bits(logarithm), "log({number}, {base}) = {got}");
    }
}

#[test]
fn bombs_are_refused_or_cheap() {
    let long = Value::from("a".repeat(1 << 20));
    let many = Value::list(Type::String, (0..2000).map(|i| Value::from(i.to_string())));
    let wide: Vec<Value> = (0..200).map(|_| long.clone()).collect();
    let all = Value::tuple(wide.clone());
    let text = |text: &str, times: usize| Value::from(text.repeat(times));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &vec![0; 1 << 20]).unwrap();
    let members = encoder.finish().unwrap().repeat(65);
    let bomb = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, members);
    let ids = SeededIds::new(1);
    for (name, arguments) in [
        ("join", vec![long.clone(), many.clone()]),
        ("join", vec![Value::from(","), all.clone()]),
        ("replace", vec![long.clone(), Value::from(""), long.clone()]),
        ("replace", vec![long.clone(), Value::from("/a/"), long.clone()]),
        ("replace", vec![long.clone(), Value::from("/b?/"), long]),
        ("format", [vec![text("%s", 200)], wide].concat()),
        ("formatlist", vec![Value::from("%s"), all.clone()]),
        ("jsonencode", vec![all]),
        ("setproduct", vec![many.clone(), many]),
        ("range", vec![Value::from(Number::parse("1e9").unwrap())]),
        ("indent", vec![Value::from(1_000_000_000_i64), Value::from("\n")]),
        ("jsondecode", vec![text("[", 1 << 20)]),
        ("yamldecode", vec![text("[", 10_000)]),
        ("yamldecode", vec![text("- ", 10_000)]),
        ("yamldecode", vec![text("? ", 10_000)]),
        ("regex", vec![text("(", 100_000), Value::from("")]),
        ("regex", vec![Value::from("((a{100}){100}){100}"), Value::from("")]),
        ("fileset", vec![Value::from("."), text("{a,b}", 1000)]),
        ("base64gunzip", vec![Value::from(bomb)]),
    ] {
        let result = call(lookup(name).unwrap(), &arguments, &context(&ids));
        assert!(result.is_err(), "{name}");
    }
}

/// As deep as values may be: no function and no form of a value needs more stack than a thread has.
#[test]
fn the_deepest_values_fit_the_stack() {
    let depth = 128;
    let ids = SeededIds::new(1);
    let context = context(&ids);
    let run = |name: &str, arguments: &[Value]| call(lookup(name).unwrap(), arguments, &context);
    for text in [
        format!("{}1{}", "[".repeat(depth), "]".repeat(depth)),
        format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)),
        format!("{}1{}", "[{\"a\":".repeat(depth / 2), "}]".repeat(depth / 2)),
    ] {
        let deep = run("jsondecode", &[Value::from(&*text)]).unwrap();
        assert_eq!(run("jsonencode", std::slice::from_ref(&deep)).unwrap().as_str(), Some(&*text));
        for name in names() {
            let _ = run(name, std::slice::from_ref(&deep));
            let _ = run(name, &[deep.clone(), deep.clone()]);
        }
        let collection = convert(&deep, &Type::list(Type::Any));
        let _ = collection.or_else(|_| convert(&deep, &Type::map(Type::Any)));
        assert!(!deep.to_string().is_empty() && !deep.type_of().to_string().is_empty());
        assert!(!deep.rebuilt(&|part| Some(part.clone())).is_null());
        assert_eq!(crate::value::decode(&crate::value::encode(&deep)).unwrap(), deep);
    }
}

fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-z/%{}\\[\\]().*+?\\\\|:,\"' 0-9-]{0,12}",
        Just(String::from("10.0.0.0/8")),
        Just(String::from("2018-01-02T23:12:01Z")),
        Just(String::from("e\u{301}👨\u{200d}👩 \n\t")),
    ];
    let number = prop_oneof![
        any::<i64>().prop_map(Number::from),
        (-3_i64..40).prop_map(Number::from),
        any::<f64>().prop_filter_map("NaN", Number::from_f64),
        Just(Number::infinity(true)),
    ];
    let leaf = prop_oneof![
        3 => text.prop_map(|text| Value::text(&text)),
        3 => number.prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::null()),
        1 => Just(Value::unknown(Type::Any)),
        1 => Just(Value::unknown(Type::String)),
        1 => Just(Value::unknown(Type::list(Type::String))),
    ];
    let tree = leaf.prop_recursive(2, 12, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            many.clone().prop_map(Value::tuple),
            many.clone().prop_map(|elements| Value::set(Type::Any, elements)),
            many.prop_map(|elements| Value::list(Type::Any, elements)),
            prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(Value::object_of),
        ]
    });
    (tree, prop::bool::weighted(0.1)).prop_map(|(value, sensitive)| {
        let marked = sensitive || value.is_sensitive();
        value.with_sensitive(marked)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every function, on arguments that make no sense: a value or an error, and secrets stay
    /// secret.
    #[test]
    fn no_argument_upsets_a_function(arguments in prop::collection::vec(values(), 0..4)) {
        let ids = SeededIds::new(1);
        let planning = FunctionContext { applying: false, ..context(&ids) };
        for name in names() {
            let function = lookup(name).unwrap();
            let result = call(function, &arguments, &planning);
            let handed_on = ["nonsensitive", "issensitive"].contains(&name);
            if let Ok(value) = result && !handed_on {
                let secret = arguments.iter().any(Value::is_sensitive);
                prop_assert!(!secret || value.is_sensitive(), "{} {:?}", name, arguments);
                let type_of_result = value.type_of();
                if let Returns::Fixed(kind) = function.returns && !value.is_null() {
                    prop_assert!(
                        kind == Kind::Any || type_of_result == kind.ty(),
                        "{} {:?} {}", name, arguments, type_of_result
                    );
                }
            }
        }
    }

    #[test]
    fn encodings_come_back(text in ".{0,40}") {
        let ids = SeededIds::new(1);
        let context = context(&ids);
        let run = |name: &str, argument: &Value| {
            call(lookup(name).unwrap(), std::slice::from_ref(argument), &context).unwrap()
        };
        let text = Value::text(&text);
        for (encode, decode) in [
            ("base64encode", "base64decode"),
            ("base64gzip", "base64gunzip"),
            ("jsonencode", "jsondecode"),
            ("yamlencode", "yamldecode"),
            ("urlencode", "urldecode"),
        ] {
            prop_assert_eq!(&run(decode, &run(encode, &text)), &text, "{}", encode);
        }
    }

    #[test]
    fn patterns_are_translated_or_refused(pattern in "[a-c\\[\\]^$.|?*+(){}\\\\0-9:PdDwWbBsSQExpL<>,=!i-]{0,16}") {
        if let Ok(compiled) = pattern::Pattern::compile(&pattern) {
            let _ = compiled.first("abc 012 [x]");
            prop_assert!(compiled.all("abc 012 [x]").is_ok());
        }
    }
}

use super::*;
use crate::value::Type;

#[test]
fn what_the_instance_itself_will_tell_is_no_gap() {
    let own = "nat_gateway.a.";
    let mine = Value::unknown_from(Type::String, "nat_gateway.a.id");
    let other = Value::unknown_from(Type::String, "nat_gateway.b.id");
    assert!(is_own(&mine, own) && !is_own(&other, own));
    assert!(!is_own(&Value::unknown(Type::String), own));
    assert!(is_own(&Value::tuple(vec![Value::from("x"), mine.clone()]), own));
    assert!(!is_own(&Value::tuple(vec![mine, other]), own));
}

#[test]
fn parameters_are_texts_and_absent_ones_are_left_out() {
    let address: Address = "nat_gateway.a".parse().unwrap();
    let pair = |name: &str, value| (name.to_owned(), value, Name::from("x"));
    let sent = texts(
        &address,
        &[
            pair("A", Value::from("a")),
            pair("B", Value::from(true)),
            pair("C", Value::from(5_i64)),
            pair("D", Value::null()),
        ],
    );
    let expected = [("A", "a"), ("B", "true"), ("C", "5")];
    let expected = expected.map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(sent.unwrap(), expected.into());
    let unknown = [pair("E", Value::unknown(Type::String))];
    let error = texts(&address, &unknown).unwrap_err();
    assert_eq!(error.iter().next().unwrap().code, "value-unknown");
}

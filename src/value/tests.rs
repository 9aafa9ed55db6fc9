use super::*;

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

#[test]
fn a_value_is_small() {
    assert!(size_of::<Value>() <= 40, "{}", size_of::<Value>());
}

#[test]
fn decimal_fractions_add_up() {
    let sum = number("0.1").add(&number("0.2")).unwrap();
    assert_eq!(sum, number("0.3"));
    assert_eq!(sum.to_string(), "0.3");
}

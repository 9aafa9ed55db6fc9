//! Stub.
use crate::value::Value;
/// f
pub struct Function;
/// c
pub struct FunctionContext<'a> {
    /// b
    pub base: &'a str,
}
/// e
pub struct FunctionError {
    /// a
    pub argument: Option<usize>,
    /// m
    pub message: String,
}
/// l
pub fn lookup(_: &str) -> Option<&'static Function> {
    None
}
/// n
pub fn names() -> impl Iterator<Item = &'static str> {
    [].into_iter()
}
/// c
pub fn call(_: &Function, _: &[Value], _: &FunctionContext<'_>) -> Result<Value, FunctionError> {
    Ok(Value::null())
}

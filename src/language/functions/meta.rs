//! Conversion and marks: `tobool` to `tostring`, `sensitive` and its kin.

use super::{Call, Failure, Outcome};
use crate::value::{Type, Value, convert};

pub(super) fn tobool(call: &Call<'_>) -> Outcome {
    let text = call.value(0).as_str();
    to(call, &Type::Bool).map_err(|failure| match text {
        Some(text) => Failure::at(
            0,
            format!(
                "cannot convert {text:?} to bool; only the strings \"true\" or \"false\" are allowed"
            ),
        )
        .quoting(),
        None => failure,
    })
}

pub(super) fn tonumber(call: &Call<'_>) -> Outcome {
    let text = call.value(0).as_str();
    to(call, &Type::Number).map_err(|failure| match text {
        Some(text) => Failure::at(
            0,
            format!(
                "cannot convert {text:?} to number; given string must be a decimal representation \
                 of a number"
            ),
        )
        .quoting(),
        None => failure,
    })
}

pub(super) fn tostring(call: &Call<'_>) -> Outcome {
    to(call, &Type::String)
}

pub(super) fn tolist(call: &Call<'_>) -> Outcome {
    to(call, &Type::list(Type::Any))
}

pub(super) fn toset(call: &Call<'_>) -> Outcome {
    to(call, &Type::set(Type::Any))
}

pub(super) fn tomap(call: &Call<'_>) -> Outcome {
    to(call, &Type::map(Type::Any))
}

fn to(call: &Call<'_>, ty: &Type) -> Outcome {
    convert(call.value(0), ty).map_err(|error| {
        let have = call.value(0).type_of().friendly_name();
        let message = format!("cannot convert {have} to {}", ty.friendly_name());
        let alike = error.path.is_root() && !error.message.starts_with("all ");
        Failure::at(0, if alike { message } else { format!("{message}: {error}") })
    })
}

pub(super) fn sensitive(call: &Call<'_>) -> Outcome {
    Ok(call.value(0).clone().with_sensitive(true))
}

pub(super) fn identity(call: &Call<'_>) -> Outcome {
    Ok(call.value(0).clone())
}

pub(super) fn nonsensitive(call: &Call<'_>) -> Outcome {
    Ok(call.value(0).clone().with_sensitive(false))
}

/// What is unknown may still turn out to be sensitive.
pub(super) fn issensitive(call: &Call<'_>) -> Outcome {
    let value = call.value(0);
    if value.is_unknown() && !value.is_sensitive() {
        return Ok(Value::unknown(Type::Bool));
    }
    Ok(value.is_sensitive().into())
}

pub(super) fn list(_: &Call<'_>) -> Outcome {
    Err(Failure::new("there is no function `list` any more; write `tolist([…])`"))
}

pub(super) fn map(_: &Call<'_>) -> Outcome {
    Err(Failure::new("there is no function `map` any more; write `tomap({…})`"))
}

//! Numbers: `abs` to `sum`.

use dashu_int::UBig;

use super::{Call, Failure, Outcome};
use crate::value::{Data, Number, Value};

pub(super) fn abs(call: &Call<'_>) -> Outcome {
    Ok(call.number(0).absolute().into())
}

pub(super) fn ceil(call: &Call<'_>) -> Outcome {
    Ok(without_negative_zero(call.number(0).ceiling()))
}

pub(super) fn floor(call: &Call<'_>) -> Outcome {
    Ok(without_negative_zero(call.number(0).floor()))
}

fn without_negative_zero(number: Number) -> Value {
    Value::from(if number.is_zero() { Number::ZERO } else { number })
}

pub(super) fn log(call: &Call<'_>) -> Outcome {
    float(natural_log(call.number(0).to_f64()) / natural_log(call.number(1).to_f64()))
}

/// Returns the natural logarithm as the portable C library `fdlibm` computes it, and with it Go and
/// Terraform. The platform's own may differ in the last digit, which `ceil(log(…))` would show.
#[expect(clippy::excessive_precision, reason = "the constants are the published ones")]
#[expect(clippy::cast_precision_loss, reason = "the exponent is small")]
pub(super) fn natural_log(x: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238_164_90e-01;
    const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;
    const ODD: [f64; 4] = [
        6.666_666_666_666_735_130e-01,
        2.857_142_874_366_239_149e-01,
        1.818_357_216_161_805_012e-01,
        1.479_819_860_511_658_591e-01,
    ];
    const EVEN: [f64; 3] = [
        3.999_999_999_940_941_908e-01,
        2.222_219_843_214_978_396e-01,
        1.531_383_769_920_937_332e-01,
    ];
    if x <= 0.0 || !x.is_finite() {
        return x.ln();
    }
    let (mut fraction, mut exponent) = split(x);
    if fraction < std::f64::consts::FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let f = fraction - 1.0;
    let k = exponent as f64;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let odd = s2 * (ODD[0] + s4 * (ODD[1] + s4 * (ODD[2] + s4 * ODD[3])));
    let even = s4 * (EVEN[0] + s4 * (EVEN[1] + s4 * EVEN[2]));
    let rest = odd + even;
    let half_square = 0.5 * f * f;
    k * LN2_HIGH - ((half_square - (s * (half_square + rest) + k * LN2_LOW)) - f)
}

pub(super) fn pow(call: &Call<'_>) -> Outcome {
    let (base, exponent) = (call.number(0).to_f64(), call.number(1).to_f64());
    float(power(base, exponent))
}

fn float(result: f64) -> Outcome {
    Number::from_f64(result)
        .map(Value::from)
        .ok_or_else(|| Failure::new("the result is not a number"))
}

/// Raises to a power of 64-bit floats. Whole powers are multiplied out with the exponents kept
/// apart, so that the last digits are those that users know from Terraform.
#[expect(clippy::float_cmp, reason = "special cases are exact")]
#[expect(clippy::cast_possible_truncation, reason = "checked to be below 2^63")]
pub(super) fn power(base: f64, exponent: f64) -> f64 {
    let magnitude = exponent.abs();
    let special = exponent == 0.0
        || base == 1.0
        || base == 0.0
        || !base.is_finite()
        || !exponent.is_finite()
        || magnitude == 0.5
        || magnitude >= 9.0e18
        || (base < 0.0 && exponent.fract() != 0.0);
    if special {
        return base.powf(exponent);
    }
    let (mut whole, mut fraction) = (magnitude.trunc(), magnitude.fract());
    let (mut product, mut scale) = (1.0_f64, 0_i64);
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            whole += 1.0;
        }
        product = (fraction * natural_log(base)).exp();
    }
    let (mut square, mut square_scale) = split(base);
    let mut remaining = whole as i64;
    while remaining != 0 {
        if square_scale.abs() > 1 << 12 {
            scale += square_scale;
            break;
        }
        if remaining & 1 == 1 {
            product *= square;
            scale += square_scale;
        }
        square *= square;
        square_scale <<= 1;
        if square < 0.5 {
            square += square;
            square_scale -= 1;
        }
        remaining >>= 1;
    }
    if exponent < 0.0 {
        product = 1.0 / product;
        scale = -scale;
    }
    scaled(product, scale)
}

/// Splits a finite number other than zero into a fraction from ½ to 1 and a power of two.
fn split(float: f64) -> (f64, i64) {
    let (float, offset) =
        if float.abs() < f64::MIN_POSITIVE { (float * two_to_the(64), -64) } else { (float, 0) };
    let bits = float.to_bits();
    let exponent = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0) - 1022;
    let fraction = f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52));
    (fraction, exponent + offset)
}

/// Multiplies by a power of two with one rounding.
fn scaled(float: f64, power: i64) -> f64 {
    if float == 0.0 || !float.is_finite() {
        return float;
    }
    let (fraction, exponent) = split(float);
    match exponent + power {
        total if total > 1024 => f64::INFINITY.copysign(float),
        total if total < -1100 => 0_f64.copysign(float),
        total if total > -1021 => fraction * two_to_the(total - 1) * 2.0,
        total => fraction * two_to_the(-1000) * two_to_the(total + 1000),
    }
}

/// Returns a power of two within the range of normal floats.
fn two_to_the(power: i64) -> f64 {
    f64::from_bits(u64::try_from(power + 1023).unwrap_or(0) << 52)
}

pub(super) fn signum(call: &Call<'_>) -> Outcome {
    Ok(Value::from(call.whole(0)?.signum()))
}

pub(super) fn max(call: &Call<'_>) -> Outcome {
    extreme(call, |candidate, best| candidate > best)
}

pub(super) fn min(call: &Call<'_>) -> Outcome {
    extreme(call, |candidate, best| candidate < best)
}

fn extreme(call: &Call<'_>, better: fn(&Number, &Number) -> bool) -> Outcome {
    let mut numbers = call.rest(0).iter().filter_map(Value::as_number);
    let first = numbers.next().ok_or_else(|| Failure::new("must pass at least one number"))?;
    let best = numbers.fold(first, |best, next| if better(next, best) { next } else { best });
    Ok(best.clone().into())
}

pub(super) fn parseint(call: &Call<'_>) -> Outcome {
    let Some(text) = call.value(0).as_str() else {
        let message = format!(
            "first argument must be a string, not {}",
            call.value(0).type_of().friendly_name()
        );
        return Err(Failure::at(0, message));
    };
    let base = call.whole(1)?;
    let base = u32::try_from(base)
        .ok()
        .filter(|base| (2..=62).contains(base))
        .ok_or_else(|| Failure::at(1, "base must be a whole number between 2 and 62 inclusive"))?;
    let unparsable =
        || Failure::at(0, format!("cannot parse {text:?} as a base {base} integer")).quoting();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || digits.len() > 20_000 {
        return Err(unparsable());
    }
    let values: Option<Vec<u64>> = digits.bytes().map(|b| digit(b, base)).collect();
    let values = values.ok_or_else(unparsable)?;
    let magnitude = UBig::from_digits(u64::from(base), &values).map_err(|_| unparsable())?;
    let number = Number::from_integer(magnitude.into());
    Ok(if negative && !number.is_zero() { number.negate() } else { number }.into())
}

/// Returns what a digit stands for: up to base 36 in either case, beyond lower case before upper.
fn digit(byte: u8, base: u32) -> Option<u64> {
    let value = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'z' => byte - b'a' + 10,
        b'A'..=b'Z' if base <= 36 => byte - b'A' + 10,
        b'A'..=b'Z' => byte - b'A' + 36,
        _ => return None,
    };
    (u32::from(value) < base).then_some(u64::from(value))
}

pub(super) fn sum(call: &Call<'_>) -> Outcome {
    let list = call.value(0);
    let elements = match list.data() {
        Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => elements,
        Data::Map(..) | Data::Object(_) => {
            let message = format!(
                "argument must be list, set, or tuple. Received {}",
                list.type_of().friendly_name()
            );
            return Err(Failure::at(0, message));
        }
        _ => return Err(Failure::at(0, "cannot sum noniterable")),
    };
    if elements.is_empty() {
        return Err(Failure::at(0, "cannot sum an empty list"));
    }
    let mut total = Number::ZERO;
    for (i, element) in elements.iter().enumerate() {
        let number = match element.data() {
            Data::Number(number) => Some(number.clone()),
            Data::String(text) => Number::parse(text).ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| {
            Failure::at(0, "argument must be list, set, or tuple of number values")
        })?;
        total = if i == 0 {
            number
        } else {
            total.add(&number).map_err(|error| Failure::new(error.to_string()))?
        };
    }
    Ok(total.into())
}

//! Numbers that behave as 512-bit binary floats do: exact up to 512 significant bits, rounded to
//! the nearest (ties to even) beyond, with signed zero and infinities.
//!
//! Most numbers of a configuration are small integers; those are held without an allocation.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use dashu_int::Sign;
use dashu_int::ops::{BitTest, DivRem};
use dashu_int::{IBig, UBig};

use super::decimal::Decimal;

/// Significant bits of numbers that come from text or from whole numbers.
const PRECISION: usize = 512;
/// Significant bits of numbers that come from 64-bit floats.
const FLOAT_PRECISION: usize = 53;
/// Numbers of a magnitude of 2^this and above are infinite, those below 2^-this are zero. It bounds
/// the memory and the text that any number can take (some 20,000 digits).
const EXPONENT_LIMIT: i64 = 65_536;
/// Longest text that is read as a number, in bytes.
const TEXT_LIMIT: usize = 40_000;

/// A number.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    /// A whole number other than negative zero.
    Small(i64),
    Big(Arc<Float>),
}

#[derive(Clone)]
struct Float {
    negative: bool,
    magnitude: Magnitude,
    /// Significant bits that results of operations with this number have at least.
    precision: usize,
}

#[derive(Clone)]
enum Magnitude {
    Zero,
    /// `mantissa` × 2^`exponent`; the mantissa is odd.
    Finite {
        mantissa: UBig,
        exponent: i64,
    },
    Infinite,
}

/// Why an operation on numbers has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text is no number.
    #[error("a number is required")]
    Syntax,
    /// The number is longer or larger than natform handles.
    #[error("the number is too large or too long")]
    Range,
    /// ∞ − ∞
    #[error("can't compute sum of opposing infinities")]
    OpposingInfinities,
    /// 0 × ∞
    #[error("can't multiply zero by infinity")]
    ZeroTimesInfinity,
    /// 0 / 0 or ∞ / ∞
    #[error("can't divide zero by zero or infinity by infinity")]
    Division,
}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self(Repr::Small(0));
    /// One.
    pub const ONE: Self = Self(Repr::Small(1));

    /// Reads a decimal number: digits with an optional sign, point and exponent (`e` decimal, `p`
    /// binary), or `inf`. Refuses what is beyond 2^65536 or longer than 40,000 bytes.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        if let Ok(small) = text.parse::<i64>()
            && (small != 0 || !text.starts_with('-'))
        {
            return Ok(Self::from(small));
        }
        if text.len() > TEXT_LIMIT {
            return Err(NumberError::Range);
        }
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if unsigned == "inf" || unsigned == "Inf" {
            return Ok(Self::infinity(negative));
        }
        let (mantissa, exponent, binary) = match unsigned.find(['e', 'E', 'p', 'P']) {
            Some(at) => {
                let marker = unsigned.as_bytes()[at];
                (&unsigned[..at], exponent(&unsigned[at + 1..])?, matches!(marker, b'p' | b'P'))
            }
            None => (unsigned, 0, false),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NumberError::Syntax);
        }
        let places = i64::try_from(fraction.len()).map_err(|_| NumberError::Range)?;
        let (ten, two) = if binary { (-places, exponent) } else { (exponent - places, 0) };
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Self::zero(negative));
        }
        // Refuse what cannot be within the limits before powers of ten are computed.
        let decimal_limit = 2 * i64::try_from(TEXT_LIMIT).unwrap_or(i64::MAX);
        if ten.abs() > decimal_limit || two.abs() > 4 * EXPONENT_LIMIT {
            return Err(NumberError::Range);
        }
        let digits = UBig::from_str_radix(digits, 10).map_err(|_| NumberError::Syntax)?;
        let power = UBig::from(5u8).pow(usize::try_from(ten.unsigned_abs()).unwrap_or(0));
        let number = if ten >= 0 {
            Self::rounded(negative, digits * power, ten + two, false, PRECISION)
        } else {
            quotient(negative, (&digits, ten + two), (&power, 0), PRECISION)
        };
        if number.is_infinite() || number.is_zero() {
            return Err(NumberError::Range);
        }
        Ok(number)
    }

    /// Returns the number that a whole number of any size is; all its bits are kept.
    pub fn from_integer(integer: IBig) -> Self {
        let (sign, magnitude) = integer.into_parts();
        let precision = magnitude.bit_len().max(PRECISION);
        Self::rounded(sign == Sign::Negative, magnitude, 0, false, precision)
    }

    /// Returns the number that a 64-bit float stands for; none for NaN.
    #[expect(clippy::float_cmp, reason = "exact comparison with a whole number is meant")]
    pub fn from_f64(float: f64) -> Option<Self> {
        if float.is_nan() {
            return None;
        }
        let negative = float.is_sign_negative();
        if float.is_infinite() {
            return Some(Self::infinity(negative));
        }
        let bits = float.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        let biased = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
        let (mantissa, exponent) =
            if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
        let number =
            Self::rounded(negative, UBig::from(mantissa), exponent, false, FLOAT_PRECISION);
        debug_assert!(number.to_f64() == float);
        Some(number)
    }

    /// Returns positive or negative infinity.
    pub fn infinity(negative: bool) -> Self {
        Self::big(negative, Magnitude::Infinite, PRECISION)
    }

    fn zero(negative: bool) -> Self {
        if negative { Self::big(true, Magnitude::Zero, PRECISION) } else { Self::ZERO }
    }

    fn big(negative: bool, magnitude: Magnitude, precision: usize) -> Self {
        Self(Repr::Big(Arc::new(Float { negative, magnitude, precision })))
    }

    /// Rounds `mantissa` × 2^`exponent` to `precision` bits. `sticky` says that something was cut
    /// off below the mantissa, which then has at least two bits more than the precision.
    fn rounded(
        negative: bool,
        mantissa: UBig,
        exponent: i64,
        sticky: bool,
        precision: usize,
    ) -> Self {
        if mantissa.is_zero() {
            return Self::zero(negative);
        }
        let (mut mantissa, mut exponent) = (mantissa, exponent);
        let bits = mantissa.bit_len();
        if bits > precision {
            let cut = bits - precision;
            let (low, high) = mantissa.split_bits(cut);
            let half = UBig::ONE << (cut - 1);
            let up = match low.cmp(&half) {
                Ordering::Greater => true,
                Ordering::Equal => sticky || high.bit(0),
                Ordering::Less => false,
            };
            mantissa = if up { high + UBig::ONE } else { high };
            exponent += signed(cut);
        }
        let zeros = mantissa.trailing_zeros().unwrap_or(0);
        mantissa >>= zeros;
        exponent += signed(zeros);
        let top = signed(mantissa.bit_len()) + exponent;
        if top > EXPONENT_LIMIT {
            return Self::infinity(negative);
        }
        if top < -EXPONENT_LIMIT {
            return Self::zero(negative);
        }
        if exponent >= 0
            && top <= signed(precision.min(63))
            && let Ok(small) = i64::try_from(&mantissa << unsigned(exponent))
        {
            return Self(Repr::Small(if negative { -small } else { small }));
        }
        Self::big(negative, Magnitude::Finite { mantissa, exponent }, precision)
    }

    fn float(&self) -> Float {
        match &self.0 {
            Repr::Big(float) => (**float).clone(),
            Repr::Small(0) => {
                Float { negative: false, magnitude: Magnitude::Zero, precision: PRECISION }
            }
            Repr::Small(small) => {
                let mantissa = UBig::from(small.unsigned_abs());
                let zeros = mantissa.trailing_zeros().unwrap_or(0);
                Float {
                    negative: *small < 0,
                    magnitude: Magnitude::Finite {
                        mantissa: mantissa >> zeros,
                        exponent: signed(zeros),
                    },
                    precision: PRECISION,
                }
            }
        }
    }

    /// Adds.
    pub fn add(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && let Some(sum) = a.checked_add(*b)
        {
            return Ok(Self::from(sum));
        }
        let (a, b) = (self.float(), other.float());
        let precision = a.precision.max(b.precision);
        match (a.magnitude, b.magnitude) {
            (Magnitude::Infinite, Magnitude::Infinite) if a.negative != b.negative => {
                Err(NumberError::OpposingInfinities)
            }
            (Magnitude::Infinite, _) => Ok(Self::infinity(a.negative)),
            (_, Magnitude::Infinite) => Ok(Self::infinity(b.negative)),
            (Magnitude::Zero, Magnitude::Zero) => Ok(Self::zero(a.negative && b.negative)),
            (Magnitude::Zero, Magnitude::Finite { mantissa, exponent }) => {
                Ok(Self::rounded(b.negative, mantissa, exponent, false, precision))
            }
            (Magnitude::Finite { mantissa, exponent }, Magnitude::Zero) => {
                Ok(Self::rounded(a.negative, mantissa, exponent, false, precision))
            }
            (
                Magnitude::Finite { mantissa: am, exponent: ae },
                Magnitude::Finite { mantissa: bm, exponent: be },
            ) => {
                let exponent = ae.min(be);
                let left = IBig::from_parts(sign(a.negative), am << unsigned(ae - exponent));
                let right = IBig::from_parts(sign(b.negative), bm << unsigned(be - exponent));
                let (sum_sign, sum) = (left + right).into_parts();
                let negative = sum_sign == Sign::Negative;
                Ok(Self::rounded(negative, sum, exponent, false, precision))
            }
        }
    }

    /// Subtracts.
    pub fn subtract(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && let Some(difference) = a.checked_sub(*b)
        {
            return Ok(Self::from(difference));
        }
        // Zero minus zero is positive zero.
        if self.is_zero() && other.is_zero() {
            return Ok(Self::zero(self.is_negative() && !other.is_negative()));
        }
        self.add(&other.negate())
    }

    /// Multiplies; a product keeps as many bits as it needs, up to 512.
    pub fn multiply(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && let Some(product) = a.checked_mul(*b)
            && product != 0
        {
            return Ok(Self::from(product));
        }
        let (a, b) = (self.float(), other.float());
        let negative = a.negative != b.negative;
        match (a.magnitude, b.magnitude) {
            (Magnitude::Infinite, Magnitude::Zero) | (Magnitude::Zero, Magnitude::Infinite) => {
                Err(NumberError::ZeroTimesInfinity)
            }
            (Magnitude::Infinite, _) | (_, Magnitude::Infinite) => Ok(Self::infinity(negative)),
            (Magnitude::Zero, _) | (_, Magnitude::Zero) => Ok(Self::zero(negative)),
            (
                Magnitude::Finite { mantissa: am, exponent: ae },
                Magnitude::Finite { mantissa: bm, exponent: be },
            ) => {
                let product = am * bm;
                let least = a.precision.max(b.precision);
                let precision = product.bit_len().min(PRECISION).max(least);
                Ok(Self::rounded(negative, product, ae + be, false, precision))
            }
        }
    }

    /// Divides; by zero gives an infinity.
    pub fn divide(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && *a != 0
            && a.checked_rem(*b) == Some(0)
            && let Some(quotient) = a.checked_div(*b)
        {
            return Ok(Self::from(quotient));
        }
        let (a, b) = (self.float(), other.float());
        let negative = a.negative != b.negative;
        match (&a.magnitude, &b.magnitude) {
            (Magnitude::Infinite, Magnitude::Infinite) | (Magnitude::Zero, Magnitude::Zero) => {
                Err(NumberError::Division)
            }
            (Magnitude::Infinite, _) | (_, Magnitude::Zero) => Ok(Self::infinity(negative)),
            (Magnitude::Zero, _) | (_, Magnitude::Infinite) => Ok(Self::zero(negative)),
            (
                Magnitude::Finite { mantissa: am, exponent: ae },
                Magnitude::Finite { mantissa: bm, exponent: be },
            ) => Ok(quotient(negative, (am, *ae), (bm, *be), a.precision.max(b.precision))),
        }
    }

    /// Returns the remainder of the division that cuts towards zero (the sign of `self`); by zero
    /// it is `self`, and with an infinity it is what a product would be.
    pub fn remainder(&self, other: &Self) -> Result<Self, NumberError> {
        if self.is_infinite() || other.is_infinite() {
            return self.multiply(other);
        }
        if other.is_zero() {
            return Ok(self.clone());
        }
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0) {
            return Ok(Self::from(a.wrapping_rem(*b)));
        }
        let whole = self.divide(other)?.truncate();
        if whole.is_zero() {
            let plus_zero = self.is_zero() && (!self.is_negative() || other.is_negative());
            return Ok(if plus_zero { Self::ZERO } else { self.clone() });
        }
        self.subtract(&whole.multiply(other)?)
    }

    /// Changes the sign, that of zero too.
    #[must_use]
    pub fn negate(&self) -> Self {
        match &self.0 {
            Repr::Small(0) => Self::zero(true),
            Repr::Small(small) if *small != i64::MIN => Self::from(-small),
            _ => {
                let float = self.float();
                match float.magnitude {
                    Magnitude::Zero => Self::zero(!float.negative),
                    Magnitude::Infinite => Self::infinity(!float.negative),
                    Magnitude::Finite { mantissa, exponent } => {
                        Self::rounded(!float.negative, mantissa, exponent, false, float.precision)
                    }
                }
            }
        }
    }

    /// Returns the distance from zero.
    #[must_use]
    pub fn absolute(&self) -> Self {
        if self.is_negative() { self.negate() } else { self.clone() }
    }

    /// Cuts what is behind the point.
    #[must_use]
    pub fn truncate(&self) -> Self {
        match &self.0 {
            Repr::Big(float) => match &float.magnitude {
                Magnitude::Finite { mantissa, exponent } if *exponent < 0 => {
                    let whole = mantissa >> unsigned(-exponent);
                    Self::rounded(float.negative, whole, 0, false, float.precision)
                }
                _ => self.clone(),
            },
            Repr::Small(_) => self.clone(),
        }
    }

    /// Returns the largest whole number that is not above it.
    #[must_use]
    pub fn floor(&self) -> Self {
        let cut = self.truncate();
        if cut > *self { cut.subtract(&Self::ONE).unwrap_or(cut) } else { cut }
    }

    /// Returns the smallest whole number that is not below it.
    #[must_use]
    pub fn ceiling(&self) -> Self {
        let cut = self.truncate();
        if cut < *self { cut.add(&Self::ONE).unwrap_or(cut) } else { cut }
    }

    /// Returns whether it is below zero, or negative zero.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Small(small) => *small < 0,
            Repr::Big(float) => float.negative,
        }
    }

    /// Returns whether it is zero of either sign.
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Repr::Small(small) => *small == 0,
            Repr::Big(float) => matches!(float.magnitude, Magnitude::Zero),
        }
    }

    /// Returns whether it is an infinity.
    pub fn is_infinite(&self) -> bool {
        matches!(&self.0, Repr::Big(float) if matches!(float.magnitude, Magnitude::Infinite))
    }

    /// Returns whether it is a whole number.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Small(_) => true,
            Repr::Big(float) => match &float.magnitude {
                Magnitude::Zero => true,
                Magnitude::Finite { exponent, .. } => *exponent >= 0,
                Magnitude::Infinite => false,
            },
        }
    }

    /// Returns the whole number that it is; none when it is not whole.
    pub fn to_integer(&self) -> Option<IBig> {
        match &self.0 {
            Repr::Small(small) => Some(IBig::from(*small)),
            Repr::Big(float) => match &float.magnitude {
                Magnitude::Zero => Some(IBig::ZERO),
                Magnitude::Finite { mantissa, exponent } if *exponent >= 0 => {
                    let magnitude = mantissa << unsigned(*exponent);
                    Some(IBig::from_parts(sign(float.negative), magnitude))
                }
                _ => None,
            },
        }
    }

    /// Returns it as `i64`, if it is whole and in range.
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(small) => Some(*small),
            Repr::Big(_) => i64::try_from(self.to_integer()?).ok(),
        }
    }

    /// Returns it as `u64`, if it is whole and in range.
    pub fn to_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Small(small) => u64::try_from(*small).ok(),
            Repr::Big(_) => u64::try_from(self.to_integer()?).ok(),
        }
    }

    /// Returns it as `usize`, if it is whole and in range.
    pub fn to_usize(&self) -> Option<usize> {
        usize::try_from(self.to_u64()?).ok()
    }

    /// Returns the nearest 64-bit float.
    #[expect(clippy::cast_precision_loss, reason = "checked to be exact")]
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Small(small) if small.unsigned_abs() <= 1 << 53 => *small as f64,
            _ if self.is_infinite() => {
                if self.is_negative() {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                }
            }
            _ => self.exact().to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// Returns the shortest digits that give the same number back at its precision; none for an
    /// infinity.
    pub(crate) fn shortest(&self) -> Option<Decimal> {
        self.digits(true)
    }

    /// Returns all its digits; zero for an infinity.
    pub(crate) fn exact(&self) -> Decimal {
        self.digits(false).unwrap_or_else(|| Decimal::zero(false))
    }

    fn digits(&self, shortest: bool) -> Option<Decimal> {
        let float = self.float();
        match &float.magnitude {
            Magnitude::Infinite => None,
            Magnitude::Zero => Some(Decimal::zero(float.negative)),
            Magnitude::Finite { mantissa, exponent } => Some(if shortest {
                Decimal::shortest(float.negative, mantissa, *exponent, float.precision)
            } else {
                Decimal::exact(float.negative, mantissa, *exponent)
            }),
        }
    }

    /// Returns a decimal text that [`Number::parse`] reads as an equal number, also for numbers that
    /// came from a 64-bit float and are displayed with fewer digits.
    pub fn lossless_text(&self) -> String {
        match &self.0 {
            Repr::Big(float) => match &float.magnitude {
                Magnitude::Finite { mantissa, exponent } if float.precision < PRECISION => {
                    Decimal::shortest(float.negative, mantissa, *exponent, PRECISION).to_string()
                }
                _ => self.to_string(),
            },
            Repr::Small(small) => small.to_string(),
        }
    }
}

/// Divides `a.0` × 2^`a.1` by `b.0` × 2^`b.1`; neither is zero.
fn quotient(negative: bool, a: (&UBig, i64), b: (&UBig, i64), precision: usize) -> Number {
    let shift = (precision + 2 + b.0.bit_len()).saturating_sub(a.0.bit_len());
    let (quotient, rest) = (a.0 << shift).div_rem(b.0);
    let exponent = a.1 - b.1 - signed(shift);
    Number::rounded(negative, quotient, exponent, !rest.is_zero(), precision)
}

fn exponent(text: &str) -> Result<i64, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    // Anything longer is beyond the limits, and is refused there.
    let value = digits.parse::<i64>().map_or(i64::MAX / 4, |v| v.min(i64::MAX / 4));
    Ok(if text.starts_with('-') { -value } else { value })
}

const fn sign(negative: bool) -> Sign {
    if negative { Sign::Negative } else { Sign::Positive }
}

fn signed(bits: usize) -> i64 {
    i64::try_from(bits).unwrap_or(i64::MAX)
}

fn unsigned(bits: i64) -> usize {
    usize::try_from(bits).unwrap_or(0)
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0) {
            return a.cmp(b);
        }
        let (a, b) = (self.float(), other.float());
        match (direction(&a), direction(&b)) {
            (x, y) if x != y => x.cmp(&y),
            (0, _) => Ordering::Equal,
            (x, _) => {
                let order = compare_magnitudes(&a.magnitude, &b.magnitude);
                if x < 0 { order.reverse() } else { order }
            }
        }
    }
}

/// Returns −1, 0 or 1.
const fn direction(float: &Float) -> i8 {
    match (&float.magnitude, float.negative) {
        (Magnitude::Zero, _) => 0,
        (_, true) => -1,
        (_, false) => 1,
    }
}

fn compare_magnitudes(a: &Magnitude, b: &Magnitude) -> Ordering {
    match (a, b) {
        (
            Magnitude::Finite { mantissa: am, exponent: ae },
            Magnitude::Finite { mantissa: bm, exponent: be },
        ) => {
            let tops = (signed(am.bit_len()) + ae).cmp(&(signed(bm.bit_len()) + be));
            tops.then_with(|| {
                let exponent = *ae.min(be);
                (am << unsigned(ae - exponent)).cmp(&(bm << unsigned(be - exponent)))
            })
        }
        (Magnitude::Infinite, Magnitude::Infinite) => Ordering::Equal,
        (Magnitude::Infinite, _) => Ordering::Greater,
        (_, Magnitude::Infinite) => Ordering::Less,
        _ => Ordering::Equal,
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Default for Number {
    fn default() -> Self {
        Self::ZERO
    }
}

impl From<i64> for Number {
    fn from(small: i64) -> Self {
        Self(Repr::Small(small))
    }
}

impl From<i32> for Number {
    fn from(small: i32) -> Self {
        Self(Repr::Small(i64::from(small)))
    }
}

impl From<u32> for Number {
    fn from(small: u32) -> Self {
        Self(Repr::Small(i64::from(small)))
    }
}

impl From<u64> for Number {
    fn from(integer: u64) -> Self {
        match i64::try_from(integer) {
            Ok(small) => Self::from(small),
            Err(_) => Self::from_integer(IBig::from(integer)),
        }
    }
}

impl From<usize> for Number {
    fn from(integer: usize) -> Self {
        Self::from(u64::try_from(integer).unwrap_or(u64::MAX))
    }
}

impl std::str::FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text)
    }
}

impl fmt::Display for Number {
    /// Writes the shortest decimal that gives the same number back, without an exponent; `+Inf` and
    /// `-Inf` for the infinities.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Repr::Small(small) = &self.0 {
            return write!(f, "{small}");
        }
        match self.shortest() {
            Some(digits) => write!(f, "{digits}"),
            None => f.write_str(if self.is_negative() { "-Inf" } else { "+Inf" }),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

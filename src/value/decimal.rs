//! Decimal digits of binary numbers: exact, shortest, and rounded for output.

use std::fmt;

use dashu_int::UBig;
use dashu_int::ops::BitTest;

/// A finite number as decimal digits: 0.`digits` × 10^`point`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    /// Digits `0`–`9` as numbers, without zeros at either end; empty for zero.
    pub(crate) digits: Vec<u8>,
    /// How many digits stand before the point (may be negative).
    pub(crate) point: i64,
}

impl Decimal {
    pub(crate) const fn zero(negative: bool) -> Self {
        Self { negative, digits: Vec::new(), point: 0 }
    }

    /// Returns all digits of `mantissa` × 2^`exponent`.
    pub(crate) fn exact(negative: bool, mantissa: &UBig, exponent: i64) -> Self {
        let shift = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
        let (whole, scale) = if exponent >= 0 {
            (mantissa << shift, 0)
        } else {
            (mantissa * UBig::from(5u8).pow(shift), exponent)
        };
        let mut digits: Vec<u8> = whole.to_string().bytes().map(|b| b - b'0').collect();
        let point = i64::try_from(digits.len()).unwrap_or(0) + scale;
        trim(&mut digits);
        if digits.is_empty() {
            return Self::zero(negative);
        }
        Self { negative, digits, point }
    }

    /// Returns the fewest digits that are nearer to `mantissa` × 2^`exponent` than to any other
    /// number of `precision` bits.
    pub(crate) fn shortest(
        negative: bool,
        mantissa: &UBig,
        exponent: i64,
        precision: usize,
    ) -> Self {
        let mut digits = Self::exact(negative, mantissa, exponent);
        let bits = mantissa.bit_len();
        // A whole number within the precision has no shorter digits.
        let whole = exponent >= 0
            && bits + usize::try_from(exponent).unwrap_or(usize::MAX / 2) <= precision;
        if whole || bits > precision {
            return digits;
        }
        // The neighbours lie one unit of the last place away; halfway to them the digits would be
        // read as another number. Scaled so that half a unit is one.
        let shift = precision + 1 - bits;
        let scaled = mantissa << shift;
        let scale = exponent - i64::try_from(shift).unwrap_or(0);
        let lower = Self::exact(negative, &(&scaled - UBig::ONE), scale);
        let upper = Self::exact(negative, &(&scaled + UBig::ONE), scale);
        // Ties go to even: the halfway points themselves are read as this number if it is even.
        let inclusive = !scaled.bit(1);
        for i in 0..digits.digits.len() {
            let here = digits.digits[i];
            let (low, high) = (lower.digit(i), upper.digit(i));
            let down = low != here || (inclusive && i + 1 == lower.digits.len());
            let up = here != high && (inclusive || here + 1 < high || i + 1 < upper.digits.len());
            match (down, up) {
                (true, true) => digits.round(i + 1),
                (true, false) => digits.round_down(i + 1),
                (false, true) => digits.round_up(i + 1),
                (false, false) => continue,
            }
            break;
        }
        digits
    }

    fn digit(&self, index: usize) -> u8 {
        self.digits.get(index).copied().unwrap_or(0)
    }

    /// Keeps `count` digits, rounding to the nearest, ties to even.
    pub(crate) fn round(&mut self, count: usize) {
        if count >= self.digits.len() {
            return;
        }
        let tie = self.digits[count] == 5 && count + 1 == self.digits.len();
        let up = if tie {
            count > 0 && self.digits[count - 1] % 2 == 1
        } else {
            self.digits[count] >= 5
        };
        if up { self.round_up(count) } else { self.round_down(count) }
    }

    /// Keeps so many digits that `places` stand behind the point.
    pub(crate) fn round_places(&mut self, places: usize) {
        let count = self.point.saturating_add(i64::try_from(places).unwrap_or(i64::MAX));
        match usize::try_from(count) {
            Ok(count) => self.round(count),
            Err(_) => *self = Self::zero(self.negative),
        }
    }

    fn round_down(&mut self, count: usize) {
        self.digits.truncate(count);
        trim(&mut self.digits);
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    fn round_up(&mut self, count: usize) {
        self.digits.truncate(count);
        while self.digits.last() == Some(&9) {
            self.digits.pop();
        }
        if let Some(last) = self.digits.last_mut() {
            *last += 1;
        } else {
            self.digits.push(1);
            self.point += 1;
        }
    }

    /// Writes it without an exponent, with exactly `places` digits behind the point; without the
    /// sign.
    pub(crate) fn fixed(&self, places: usize) -> String {
        let mut text = String::new();
        let point = usize::try_from(self.point).unwrap_or(0);
        for i in 0..point {
            text.push(char::from(b'0' + self.digit(i)));
        }
        if point == 0 {
            text.push('0');
        }
        if places > 0 {
            text.push('.');
            for place in 0..places {
                let index = self.point + i64::try_from(place).unwrap_or(i64::MAX);
                let digit = usize::try_from(index).map_or(0, |i| self.digit(i));
                text.push(char::from(b'0' + digit));
            }
        }
        text
    }

    /// Writes `1.25e+03` with so many digits behind the point; without the sign.
    pub(crate) fn scientific(mut self, places: usize, marker: char) -> String {
        self.round(places + 1);
        let digit = |i: usize| char::from(b'0' + self.digit(i));
        let mut text = String::from(digit(0));
        if places > 0 {
            text.push('.');
            text.extend((1..=places).map(digit));
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        text + &format!("{marker}{sign}{:02}", exponent.unsigned_abs())
    }

    /// Writes it plainly or with an exponent, whichever suits the size, with at most `precision`
    /// digits or else all; without the sign.
    pub(crate) fn general(mut self, precision: Option<usize>, marker: char) -> String {
        let threshold = match precision {
            None => 6,
            Some(precision) => {
                self.round(precision);
                let count = self.digits.len();
                let enough = i64::try_from(count).unwrap_or(i64::MAX) >= self.point;
                if precision > count && enough { count } else { precision }
            }
        };
        let exponent = self.point - 1;
        let digits = self.digits.len();
        if exponent < -4 || exponent >= i64::try_from(threshold).unwrap_or(i64::MAX) {
            if digits == 0 {
                return String::from("0");
            }
            return self.scientific(digits - 1, marker);
        }
        self.fixed(self.places())
    }

    /// Returns how many digits stand behind the point.
    pub(crate) fn places(&self) -> usize {
        let count = i64::try_from(self.digits.len()).unwrap_or(0);
        usize::try_from(count - self.point).unwrap_or(0)
    }
}

fn trim(digits: &mut Vec<u8>) {
    while digits.last() == Some(&0) {
        digits.pop();
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        f.write_str(&self.fixed(self.places()))
    }
}

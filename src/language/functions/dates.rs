//! Dates and times: `formatdate`, `timeadd`, `timecmp`, `timestamp`, `plantimestamp`.

use super::{Call, Failure, Outcome};
use crate::environment::Timestamp;
use crate::value::{Number, Type, Value};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const NANOS: i128 = 1_000_000_000;

/// A point in time with the offset it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    /// Nanoseconds since the Unix epoch.
    nanos: i128,
    /// Minutes east of UTC.
    offset: i64,
}

/// The parts of a date and time as a calendar and a clock show them.
struct Civil {
    year: i64,
    month: usize,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: usize,
}

impl Moment {
    const fn at(timestamp: Timestamp) -> Self {
        Self { nanos: timestamp.0 as i128 * 1_000_000, offset: 0 }
    }

    /// Reads `2018-01-02T23:12:01Z` with any offset and fractions of a second.
    fn parse(text: &str) -> Result<Self, String> {
        let why = |why: String| format!("not a valid RFC3339 timestamp: {why}");
        let mut reader = Reader { rest: text };
        let year = reader.number(4, "year", 0..=9999).map_err(why)?;
        reader.separator("-").map_err(why)?;
        let month = reader.number(2, "month", 1..=12).map_err(why)?;
        reader.separator("-").map_err(why)?;
        let day = reader.number(2, "day", 1..=31).map_err(why)?;
        if !reader.rest.starts_with('T') {
            return Err(why(String::from("missing required time introducer 'T'")));
        }
        reader.rest = &reader.rest[1..];
        let hour = reader.number(2, "hour", 0..=23).map_err(why)?;
        reader.separator(":").map_err(why)?;
        let minute = reader.number(2, "minute", 0..=59).map_err(why)?;
        reader.separator(":").map_err(why)?;
        let second = reader.number(2, "second", 0..=59).map_err(why)?;
        let nanos = reader.fraction().map_err(why)?;
        let offset = reader.offset().map_err(why)?;
        if day > days_in_month(year, month) {
            return Err(why(String::from("day out of range")));
        }
        let seconds =
            days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
                - offset * 60;
        Ok(Self { nanos: i128::from(seconds) * NANOS + i128::from(nanos), offset })
    }

    fn civil(self) -> Civil {
        let seconds = i64::try_from(self.nanos.div_euclid(NANOS)).unwrap_or(0) + self.offset * 60;
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month: usize::try_from(month).unwrap_or(1),
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0),
        }
    }

    /// Writes the offset as `+05:30`, or without the colon.
    fn offset_text(self, colon: &str) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs();
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }

    /// Writes it as RFC 3339 without fractions of a second.
    fn text(self) -> String {
        let c = self.civil();
        let zone = if self.offset == 0 { String::from("Z") } else { self.offset_text(":") };
        let sign = if c.year < 0 { "-" } else { "" };
        format!(
            "{sign}{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}",
            c.year.abs(),
            c.month,
            c.day,
            c.hour,
            c.minute,
            c.second
        )
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn number(
        &mut self,
        digits: usize,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, String> {
        if self.rest.is_empty() {
            return Err(format!("end of string before {name}"));
        }
        let cannot = || format!("cannot use {:?} as {name}", self.rest);
        let text = self.rest.get(..digits).ok_or_else(cannot)?;
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(cannot());
        }
        let number: i64 = text.parse().map_err(|_| cannot())?;
        if !range.contains(&number) {
            return Err(format!(
                "{name} must be between {} and {} inclusive",
                range.start(),
                range.end()
            ));
        }
        self.rest = &self.rest[digits..];
        Ok(number)
    }

    fn separator(&mut self, wanted: &str) -> Result<(), String> {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None if self.rest.is_empty() => {
                Err(format!("end of string where {wanted:?} is expected"))
            }
            None => Err(format!("found {:?} where {wanted:?} is expected", self.rest)),
        }
    }

    /// Reads a fraction of a second, in nanoseconds; finer ones are cut off.
    fn fraction(&mut self) -> Result<i64, String> {
        let Some(rest) = self.rest.strip_prefix('.') else { return Ok(0) };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(format!("cannot use {:?} as fraction of a second", self.rest));
        }
        let nanos: String = rest[..digits].chars().chain("000000000".chars()).take(9).collect();
        self.rest = &rest[digits..];
        Ok(nanos.parse().unwrap_or(0))
    }

    /// Reads the offset and the end, in minutes.
    fn offset(&mut self) -> Result<i64, String> {
        if self.rest.is_empty() {
            return Err(String::from("end of string before UTC offset"));
        }
        if self.rest == "Z" {
            return Ok(0);
        }
        let sign = match self.rest.as_bytes()[0] {
            b'+' => 1,
            b'-' => -1,
            _ => {
                let rest = self.rest.strip_prefix('Z').unwrap_or(self.rest);
                return Err(format!("cannot use {rest:?} as timestamp segment"));
            }
        };
        let whole = self.rest;
        let cannot = move |_: String| format!("cannot use {whole:?} as UTC offset");
        self.rest = &self.rest[1..];
        let hours = self.number(2, "offset hour", 0..=23).map_err(cannot)?;
        self.separator(":").map_err(cannot)?;
        let minutes = self.number(2, "offset minute", 0..=59).map_err(cannot)?;
        if !self.rest.is_empty() {
            return Err(format!("cannot use {:?} as timestamp segment", self.rest));
        }
        Ok(sign * (hours * 60 + minutes))
    }
}

/// Days since the Unix epoch of a date in the Gregorian calendar, counting years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads a timestamp as YAML has it: a date alone, a date and time with `T` or `t` and an offset, or
/// with a space and without one; numbers but for the year may have one digit. Returns it as RFC 3339.
pub(super) fn from_yaml(text: &str) -> Option<String> {
    let (year, rest) = text.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let padded = |text: &str| (text.len() <= 2 && !text.is_empty()).then(|| format!("{text:0>2}"));
    let (day, clock) = match rest.find(['T', 't', ' ']) {
        Some(at) => (&rest[..at], Some((rest.as_bytes()[at] == b' ', &rest[at + 1..]))),
        None => (rest, None),
    };
    let date = format!("{year}-{}-{}", padded(month)?, padded(day)?);
    let time = match clock {
        None => String::from("00:00:00Z"),
        Some((spaced, clock)) => {
            let zone = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
            let (clock, zone) = clock.split_at(zone);
            if spaced != zone.is_empty() {
                return None;
            }
            let mut parts = clock.splitn(3, ':');
            let (hour, minute) = (padded(parts.next()?)?, padded(parts.next()?)?);
            let (second, fraction) = match parts.next()?.split_once('.') {
                Some((second, fraction)) => (second, format!(".{fraction}")),
                None => (clock.rsplit(':').next()?, String::new()),
            };
            let zone = if spaced { "Z" } else { zone };
            format!("{hour}:{minute}:{}{fraction}{zone}", padded(second)?)
        }
    };
    Moment::parse(&format!("{date}T{time}")).ok().map(Moment::text)
}

fn moment(call: &Call<'_>, argument: usize) -> Result<Moment, Failure> {
    Moment::parse(call.text(argument)).map_err(|why| Failure::at(argument, why).quoting())
}

pub(super) fn formatdate(call: &Call<'_>) -> Outcome {
    let moment = moment(call, 1)?;
    let civil = moment.civil();
    let mut out = String::new();
    let mut rest = call.text(0);
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            let (literal, length) = literal(rest)
                .ok_or_else(|| Failure::at(0, format!("unterminated literal {rest}")).quoting())?;
            out.push_str(&literal);
            rest = &rest[length..];
        } else if c.is_ascii_alphabetic() {
            let length = rest.bytes().take_while(|b| char::from(*b) == c).count();
            out.push_str(&date_verb(&rest[..length], moment, &civil)?);
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(Value::text(&out))
}

/// Reads a text in single quotes, in which two of them stand for one; returns it with its length.
/// Two quotes alone are one quote.
fn literal(text: &str) -> Option<(String, usize)> {
    if text.starts_with("''") {
        return Some((String::from("'"), 2));
    }
    let mut at = 1;
    let mut out = String::new();
    loop {
        let end = at + text[at..].find('\'')?;
        out.push_str(&text[at..end]);
        if text[end + 1..].starts_with('\'') {
            out.push('\'');
            at = end + 2;
        } else {
            return Some((out, end + 1));
        }
    }
}

fn date_verb(verb: &str, moment: Moment, c: &Civil) -> Result<String, Failure> {
    let month = MONTHS[(c.month.clamp(1, 12)) - 1];
    let day = DAYS[c.weekday.min(6)];
    let half = if c.hour < 12 { "am" } else { "pm" };
    let hour_of_half = if c.hour % 12 == 0 { 12 } else { c.hour % 12 };
    let wrong = |why: &str| {
        Err(Failure::at(0, format!("invalid date format verb {verb:?}{why}")).quoting())
    };
    Ok(match verb {
        "YY" => format!("{:02}", c.year.rem_euclid(100)),
        "YYYY" => format!("{:04}", c.year),
        "M" => c.month.to_string(),
        "MM" => format!("{:02}", c.month),
        "MMM" => month[..3].to_owned(),
        "MMMM" => month.to_owned(),
        "D" => c.day.to_string(),
        "DD" => format!("{:02}", c.day),
        "EEE" => day[..3].to_owned(),
        "EEEE" => day.to_owned(),
        "h" => c.hour.to_string(),
        "hh" => format!("{:02}", c.hour),
        "H" => hour_of_half.to_string(),
        "HH" => format!("{hour_of_half:02}"),
        "AA" => half.to_ascii_uppercase(),
        "aa" => half.to_owned(),
        "m" => c.minute.to_string(),
        "mm" => format!("{:02}", c.minute),
        "s" => c.second.to_string(),
        "ss" => format!("{:02}", c.second),
        "Z" if moment.offset == 0 => String::from("Z"),
        "ZZZ" if moment.offset == 0 => String::from("UTC"),
        "Z" | "ZZZZZ" => moment.offset_text(":"),
        "ZZZ" | "ZZZZ" => moment.offset_text(""),
        _ => match verb.as_bytes().first() {
            Some(b'Y') => return wrong(": year must either be \"YY\" or \"YYYY\""),
            Some(b'M') => return wrong(": month must be \"M\", \"MM\", \"MMM\", or \"MMMM\""),
            Some(b'D') => return wrong(": day of month must either be \"D\" or \"DD\""),
            Some(b'E') => return wrong(": day of week must either be \"EEE\" or \"EEEE\""),
            Some(b'h') => return wrong(": 24-hour must either be \"h\" or \"hh\""),
            Some(b'H') => return wrong(": 12-hour must either be \"H\" or \"HH\""),
            Some(b'A') => return wrong(": must be \"AA\""),
            Some(b'a') => return wrong(": must be \"aa\""),
            Some(b'm') => return wrong(": minute must either be \"m\" or \"mm\""),
            Some(b's') => return wrong(": second must either be \"s\" or \"ss\""),
            Some(b'Z') => return wrong(": timezone must be Z, ZZZZ, or ZZZZZ"),
            _ => return wrong(""),
        },
    })
}

pub(super) fn timeadd(call: &Call<'_>) -> Outcome {
    let moment = moment(call, 0)?;
    let duration = parse_duration(call.text(1)).map_err(|why| Failure::at(1, why).quoting())?;
    let later = Moment { nanos: moment.nanos + i128::from(duration), ..moment };
    Ok(Value::from(later.text()))
}

/// Reads a duration such as `-1h30m1.5s`, in nanoseconds.
fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() || rest.len() > 200 {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(invalid());
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let nanos: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => NANOS,
            "m" => 60 * NANOS,
            "h" => 3_600 * NANOS,
            "" => return Err(format!("missing unit in duration {text:?}")),
            unit => return Err(format!("unknown unit {unit:?} in duration {text:?}")),
        };
        let whole: i128 =
            if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let digits: String = fraction.chars().take(15).collect();
        let scale = 10_i128.pow(u32::try_from(digits.len()).unwrap_or(0));
        let part: i128 =
            if digits.is_empty() { 0 } else { digits.parse().map_err(|_| invalid())? };
        total = whole
            .checked_mul(nanos)
            .and_then(|whole| total.checked_add(whole + part * nanos / scale))
            .ok_or_else(invalid)?;
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

pub(super) fn timecmp(call: &Call<'_>) -> Outcome {
    let order = moment(call, 0)?.nanos.cmp(&moment(call, 1)?.nanos);
    Ok(Value::from(Number::from(order as i32)))
}

pub(super) fn timestamp(call: &Call<'_>) -> Outcome {
    if !call.context.applying {
        return Ok(Value::unknown(Type::String));
    }
    Ok(Value::from(Moment::at(call.context.now).text()))
}

pub(super) fn plantimestamp(call: &Call<'_>) -> Outcome {
    Ok(match call.context.plan_time {
        Some(time) => Value::from(Moment::at(time).text()),
        None => Value::unknown(Type::String),
    })
}

//! Formats of strings and numbers that the API server checks.
//!
//! Source: kubernetes/kube-openapi `pkg/validation/strfmt/default.go`, `duration.go`, `time.go` and
//! `pkg/validation/validate/values.go`; kubernetes/apiextensions-apiserver `pkg/apiserver/validation/formats.go`. A format
//! that is not among them is ignored there, and here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

/// A format that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Float,
    Byte,
    Date,
    DateTime,
    Duration,
    Cidr,
    Ipv4,
    Ipv6,
    Mac,
    Uri,
    Email,
    Hostname,
    Uuid,
    /// An amount of Kubernetes' own kinds.
    Quantity,
}

impl Format {
    /// The format of a schema, if it is one that the API server knows.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "uint32" => Self::Uint32,
            "uint64" => Self::Uint64,
            "float" => Self::Float,
            "byte" => Self::Byte,
            "date" => Self::Date,
            "date-time" | "datetime" => Self::DateTime,
            "duration" => Self::Duration,
            "cidr" => Self::Cidr,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "mac" => Self::Mac,
            "uri" => Self::Uri,
            "email" => Self::Email,
            "hostname" => Self::Hostname,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    /// What a value of it is, for messages.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Int32 => "an integer of 32 bits (-2147483648 to 2147483647)",
            Self::Int64 => "an integer of 64 bits",
            Self::Uint32 => "an integer from 0 to 4294967295",
            Self::Uint64 => "an integer from 0 to 18446744073709551615",
            Self::Float => "a number that fits 32 bits",
            Self::Byte => "base64",
            Self::Date => "a date (`2026-11-23`)",
            Self::DateTime => "a time (`2026-11-23T12:00:00Z`)",
            Self::Duration => "a duration (`1h30m`)",
            Self::Cidr => "a network (`10.0.0.0/16`)",
            Self::Ipv4 => "an IPv4 address",
            Self::Ipv6 => "an IPv6 address",
            Self::Mac => "a hardware address (`00:00:5e:00:53:01`)",
            Self::Uri => "a URI",
            Self::Email => "a mail address",
            Self::Hostname => "a host name",
            Self::Uuid => "a UUID",
            Self::Quantity => "an amount such as `500m` or `2Gi`",
        }
    }

    /// Whether a value has it. Values of other types are not its business.
    pub(super) fn takes(self, value: &Value) -> bool {
        match value {
            Value::Number(number) => self.takes_number(number),
            Value::String(text) => self.takes_text(text),
            _ => true,
        }
    }

    fn takes_number(self, number: &serde_json::Number) -> bool {
        let whole = || {
            number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from))
                .or_else(|| number.as_f64().and_then(whole_number))
        };
        let within = |low: i128, high: i128| whole().is_none_or(|number| (low..=high).contains(&number));
        match self {
            Self::Int32 => within(i32::MIN.into(), i32::MAX.into()),
            Self::Int64 => within(i64::MIN.into(), i64::MAX.into()),
            Self::Uint32 => within(0, u32::MAX.into()),
            Self::Uint64 => within(0, u64::MAX.into()),
            Self::Float => number.as_f64().is_none_or(|number| number.abs() <= f64::from(f32::MAX)),
            _ => true,
        }
    }

    fn takes_text(self, text: &str) -> bool {
        match self {
            Self::Int32 | Self::Int64 | Self::Uint32 | Self::Uint64 | Self::Float => true,
            Self::Byte => is_base64(text),
            Self::Date => is_date(text),
            Self::DateTime => is_date_time(text),
            Self::Duration => is_duration(text),
            Self::Cidr => is_cidr(text),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.contains(':') && text.parse::<Ipv6Addr>().is_ok(),
            Self::Mac => is_mac(text),
            Self::Uri => is_uri(text),
            Self::Email => is_email(text),
            Self::Hostname => is_hostname(text),
            Self::Uuid => is_uuid(text),
            Self::Quantity => is_quantity(text),
        }
    }
}

/// A double that is a whole number of at most 64 bits.
pub(super) fn whole_number(number: f64) -> Option<i128> {
    const BEYOND: f64 = 1.9e19;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^65")]
    (number.fract() == 0.0 && number.abs() < BEYOND).then_some(number as i128)
}

fn is_base64(text: &str) -> bool {
    let bytes = text.as_bytes();
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = &bytes[..bytes.len() - padding];
    bytes.len().is_multiple_of(4)
        && padding <= 2
        && bytes.is_empty() == body.is_empty()
        && body.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn digits(text: &str, low: u32, high: u32) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u32>().is_ok_and(|number| (low..=high).contains(&number))
}

/// A number with a unit behind it, if any.
///
/// Source: kubernetes/kubernetes `staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go`, ParseQuantity.
fn is_quantity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end =
        unsigned.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(unsigned.len());
    let (number, unit) = unsigned.split_at(end);
    let exponent = || {
        let power =
            unit.strip_prefix(['e', 'E']).map(|power| power.strip_prefix(['+', '-']).unwrap_or(power));
        power.is_some_and(|power| !power.is_empty() && power.bytes().all(|byte| byte.is_ascii_digit()))
    };
    number.bytes().any(|byte| byte.is_ascii_digit())
        && number.bytes().filter(|byte| *byte == b'.').count() <= 1
        && (matches!(
            unit,
            "" | "n"
                | "u"
                | "m"
                | "k"
                | "M"
                | "G"
                | "T"
                | "P"
                | "E"
                | "Ki"
                | "Mi"
                | "Gi"
                | "Ti"
                | "Pi"
                | "Ei"
        ) || exponent())
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    if year.len() != 4
        || month.len() != 2
        || day.len() != 2
        || !digits(year, 0, 9999)
        || !digits(month, 1, 12)
    {
        return false;
    }
    let year: u32 = year.parse().unwrap_or_default();
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match *month {
        "02" if leap => 29,
        "02" => 28,
        "04" | "06" | "09" | "11" => 30,
        _ => 31,
    };
    digits(day, 1, days)
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't']) else { return false };
    let (clock, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => return false,
    };
    let zone_holds = match zone.as_bytes() {
        b"Z" | b"z" => true,
        [b'+' | b'-', hour @ .., b':', a, b] => {
            std::str::from_utf8(hour).is_ok_and(|hour| hour.len() == 2 && digits(hour, 0, 23))
                && digits(&format!("{}{}", char::from(*a), char::from(*b)), 0, 59)
        }
        _ => false,
    };
    let (clock, fraction) = clock.split_once('.').map_or((clock, "0"), |(clock, fraction)| (clock, fraction));
    let parts: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return false };
    is_date(date)
        && zone_holds
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && [hour, minute, second].iter().all(|part| part.len() == 2)
        && digits(hour, 0, 23)
        && digits(minute, 0, 59)
        && digits(second, 0, 60)
}

/// Go's durations, and numbers with the words for units that kube-openapi takes beside them (`1 week`).
fn is_duration(text: &str) -> bool {
    if text == "0" {
        return true;
    }
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let end = rest.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        if number.parse::<f64>().is_err() {
            return false;
        }
        let tail = tail.trim_start();
        let end =
            tail.find(|next: char| next.is_ascii_digit() || next == '.' || next == ' ').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let known = [
            "ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h", "d", "w", "hr", "hrs", "hour", "hours",
            "min", "mins", "minute", "minutes", "sec", "secs", "second", "seconds", "day", "days", "week",
            "weeks", "wk", "milli", "micro", "nano",
        ];
        if !known.contains(&unit) {
            return false;
        }
        rest = tail.trim_start();
    }
    true
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.len() <= 3 && digits(length, 0, most)
}

fn is_mac(text: &str) -> bool {
    ([':', '-'].iter().any(|separator| {
        let groups: Vec<&str> = text.split(*separator).collect();
        [6, 8, 20].contains(&groups.len())
            && groups
                .iter()
                .all(|group| group.len() == 2 && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })) || {
        let groups: Vec<&str> = text.split('.').collect();
        [3, 4, 10].contains(&groups.len())
            && groups
                .iter()
                .all(|group| group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

/// Go's `url.ParseRequestURI`: an absolute path, or a scheme and something behind it.
fn is_uri(text: &str) -> bool {
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return false;
    }
    let percent_holds = text.match_indices('%').all(|(at, _)| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
    });
    let scheme_holds = || {
        text.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
                && !rest.split(['?', '#']).next().unwrap_or_default().contains([' ', '<', '>', '"'])
        })
    };
    percent_holds && (text.starts_with('/') || scheme_holds())
}

fn is_email(text: &str) -> bool {
    let address = match (text.rfind('<'), text.ends_with('>')) {
        (Some(open), true) => &text[open + 1..text.len() - 1],
        _ => text,
    };
    address.rsplit_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && !host.is_empty()
            && !address.contains(char::is_whitespace)
            && !host.contains(['<', '>', '(', ')', ',', ';', ':', '"', '@'])
    })
}

fn is_hostname(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.chars().count() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|next| next.is_alphanumeric() || next == '-' || !next.is_ascii())
        })
}

fn is_uuid(text: &str) -> bool {
    let hex: String = text.chars().filter(|next| *next != '-').collect();
    hex.len() == 32
        && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.match_indices('-').all(|(at, _)| {
            let before = text[..at].chars().filter(|next| *next != '-').count();
            [8, 12, 16, 20].contains(&before)
        })
}

#[cfg(test)]
mod tests {
    use super::Format;
    use serde_json::json;

    #[test]
    fn formats_take_what_the_api_server_takes() {
        let table: [(&str, &[&str], &[&str]); 12] = [
            ("byte", &["", "YQ==", "YWI=", "YWJj"], &["YQ=", "a", "Y Q=", "===="]),
            ("date", &["2026-11-23", "2024-02-29"], &["2026-13-01", "2025-02-29", "26-1-1"]),
            (
                "date-time",
                &["2026-11-23T12:00:00Z", "2026-11-23T12:00:00.123+01:00"],
                &["2026-11-23", "2026-11-23T25:00:00Z", "2026-11-23T12:00:00", "2026-11-23T12:00:00+1:00"],
            ),
            ("duration", &["1h30m", "0", "-5s", "1.5h", "1 week"], &["1", "h", "", "1x", "1h 5"]),
            ("cidr", &["10.0.0.0/16", "fd00::/8", "10.0.0.1/32"], &["10.0.0.0", "10.0.0.0/33", "x/8"]),
            ("ipv4", &["192.0.2.1"], &["192.0.2", "::1"]),
            ("ipv6", &["2001:db8::1"], &["192.0.2.1", "x"]),
            ("mac", &["00:00:5e:00:53:01", "0000.5e00.5301"], &["00:00:5e", "x"]),
            ("uri", &["https://example.org/a", "/a", "mailto:a@b"], &["example.org", "", "http://%zz"]),
            ("email", &["a@example.org", "A <a@example.org>"], &["a", "a@", "@b"]),
            ("hostname", &["a.example.org", "1a"], &["-a", "a..b", ""]),
            (
                "uuid",
                &["123e4567-e89b-12d3-a456-426614174000"],
                &["123e4567", "1-23e4567e89b12d3a456426614174000"],
            ),
        ];
        for (word, good, bad) in table {
            let format = Format::of(word);
            for text in good {
                assert_eq!(format.map(|format| format.takes(&json!(text))), Some(true), "{word}: {text}");
            }
            for text in bad {
                assert_eq!(format.map(|format| format.takes(&json!(text))), Some(false), "{word}: {text}");
            }
        }
        assert_eq!(Format::of("idn-hostname"), None);
        assert!(
            Format::Int32.takes(&json!(2_147_483_647)) && !Format::Int32.takes(&json!(2_147_483_648_u64))
        );
        assert!(!Format::Uint32.takes(&json!(-1)) && Format::Int64.takes(&json!(i64::MAX)));
        assert!(!Format::Int64.takes(&json!(u64::MAX)));
    }
}

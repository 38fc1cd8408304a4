//! Forms of texts: networks, hosts, URLs, durations, sizes.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::admission::rules::{address::Range, label};

/// A network as it has to be written, or what is wrong and what to write instead.
pub(super) fn network(text: &str) -> Result<IpNet, (String, String)> {
    let Ok(net) = text.parse::<IpNet>() else {
        if let Ok(address) = text.parse::<IpAddr>() {
            let length = if address.is_ipv4() { 32 } else { 128 };
            return Err((
                format!("`{text}` is an address, not a network"),
                format!("write `{address}/{length}` for this one address, or the network that you mean"),
            ));
        }
        return Err((
            format!("`{text}` is not a network"),
            "write an address and a prefix length, for instance `10.244.0.0/16`".to_owned(),
        ));
    };
    if net.addr() != net.network() {
        let kept = net.trunc();
        return Err((
            format!("`{text}` has bits set behind its prefix"),
            format!("write `{kept}` if this network is meant, or correct the prefix length"),
        ));
    }
    Ok(net)
}

/// A single address as a range.
pub(super) fn single(address: IpAddr) -> Option<Range> {
    crate::admission::rules::address::prefix(address, if address.is_ipv4() { 32 } else { 128 })
}

/// Whether a text is a host name. All digits and dots is a misspelt address, never a name.
pub(super) fn is_host_name(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    label::is_subdomain(&lower)
        && lower.split('.').all(|part| part.len() <= 63)
        && !lower.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text is an address or a host name, and nothing beside it.
pub(super) fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_host_name(text)
}

/// What is wrong with a text that should be a bare host, in words that lead on.
pub(super) fn host_problem(text: &str) -> Option<String> {
    if is_host(text) {
        return None;
    }
    Some(match without_port(text).filter(|host| is_host(host)) {
        Some(host) => format!("write `{host}`: no scheme, port, path or brackets"),
        None => "write an address such as `192.0.2.10` or a DNS name such as `api.example.org`".to_owned(),
    })
}

/// The host in a text with a scheme, a port, a path or brackets around it; `None` when there is nothing around it.
pub(super) fn without_port(text: &str) -> Option<&str> {
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = bare.split('/').next().unwrap_or_default();
    let host =
        bare.rsplit_once(':').map_or(bare, |(host, _)| host).trim_start_matches('[').trim_end_matches(']');
    (host != text).then_some(host)
}

/// What is wrong with a text that should be the URL of a server.
pub(super) fn url_problem(text: &str) -> Option<String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some("it has no scheme".to_owned());
    };
    if !matches!(scheme, "http" | "https") {
        return Some(format!("the scheme `{scheme}` is not `http` or `https`"));
    }
    if text.contains(char::is_whitespace) {
        return Some("it has blanks".to_owned());
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Some("it has a user name or password, which would stand in plain text".to_owned());
    }
    let (host, port) = if let Some(v6) = authority.strip_prefix('[') {
        v6.split_once(']').map_or((v6, ""), |(host, rest)| (host, rest.trim_start_matches(':')))
    } else {
        authority.split_once(':').unwrap_or((authority, ""))
    };
    if !is_host(host) {
        return Some(format!("`{host}` is not a host"));
    }
    let port_ok = port.is_empty() && !authority.ends_with(':')
        || port.parse::<u16>().is_ok_and(|port| port > 0 && !authority.ends_with(':'));
    (!port_ok).then(|| format!("`{port}` is not a port"))
}

/// Seconds of a Go duration such as `1h30m`.
///
/// Source: golang/go src/time/format.go, ParseDuration
pub(super) fn duration(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let factor = match &rest[..unit] {
            "ns" => 1e-9,
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number * factor;
        rest = &rest[unit..];
    }
    Some(seconds)
}

/// Bytes of a size as Talos reads it: a number with a unit such as `100GiB` or `100GB`.
///
/// Source: siderolabs/talos pkg/machinery/config/types/block/bytesize.go (dustin/go-humanize)
pub(super) fn size(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let power = |base: f64, exponent: i32| Some(number * base.powi(exponent));
    match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(number),
        "k" | "kb" => power(1e3, 1),
        "m" | "mb" => power(1e3, 2),
        "g" | "gb" => power(1e3, 3),
        "t" | "tb" => power(1e3, 4),
        "ki" | "kib" => power(1024.0, 1),
        "mi" | "mib" => power(1024.0, 2),
        "gi" | "gib" => power(1024.0, 3),
        "ti" | "tib" => power(1024.0, 4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, host_problem, network, size, url_problem};

    #[test]
    fn networks_are_canonical() {
        assert!(network("10.244.0.0/16").is_ok());
        assert!(network("fd00:10:244::/56").is_ok());
        let hint = |text: &str| network(text).err().map(|(_, hint)| hint).unwrap_or_default();
        assert!(hint("10.244.1.0/16").contains("`10.244.0.0/16`"));
        assert!(hint("192.0.2.7").contains("`192.0.2.7/32`"));
        assert!(hint("10.0.0/8").contains("for instance"));
    }

    #[test]
    fn hosts_are_bare() {
        for good in ["192.0.2.10", "api.example.org", "fd00::1", "pve1"] {
            assert_eq!(host_problem(good), None, "{good}");
        }
        for (bad, word) in [
            ("https://api.example.org", "`api.example.org`"),
            ("192.0.2.10:6443", "`192.0.2.10`"),
            ("[fd00::1]:6443", "`fd00::1`"),
            ("192.0.2.300", "write an address"),
            ("a b", "write an address"),
        ] {
            assert!(
                host_problem(bad).is_some_and(|hint| hint.contains(word)),
                "{bad}: {:?}",
                host_problem(bad)
            );
        }
    }

    #[test]
    fn urls_name_a_server() {
        for good in
            ["https://mirror.example.org", "http://192.0.2.5:5000/v2/docker", "https://[fd00::1]:8443"]
        {
            assert_eq!(url_problem(good), None, "{good}");
        }
        for bad in [
            "mirror.example.org",
            "ftp://x.org",
            "https://",
            "https://a b",
            "https://u:p@x.org",
            "https://x.org:0",
        ] {
            assert!(url_problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn durations_and_sizes() {
        assert_eq!(duration("1h30m"), Some(5400.0));
        for bad in ["", "10", "m", "1h30", "1.2.3s", "1 h"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!(size("1GiB"), Some(1_073_741_824.0));
        for bad in ["", "GiB", "10 parsecs", "ten GiB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}

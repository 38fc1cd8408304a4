//! Private keys and credentials, known by their form, in any text.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use crate::finding::{Code, codes};

/// Something in a text that nobody but its owner should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Private key or credential.
    pub code: &'static Code,
    /// What it is, with its article.
    pub what: &'static str,
    /// Where.
    pub range: Range<usize>,
}

/// The forms. A pattern is narrow enough that text about keys (as in this sentence) is no match: it wants the key itself.
const FORMS: [(&Code, &str, &str); 14] = [
    (&codes::PRIVATE_KEY, "an age identity", r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{20,}"),
    (
        &codes::PRIVATE_KEY,
        "a PEM private key",
        // The line break is a real one, or the two characters of a JSON string.
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?:\s|\\n|\\r)*[A-Za-z0-9+/]{16,}[A-Za-z0-9+/=\s\\]*(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----)?",
    ),
    (&codes::CREDENTIAL, "an AWS access key id", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    (
        &codes::CREDENTIAL,
        "an AWS secret access key",
        r#"(?:secret_access_key|SECRET_ACCESS_KEY|[sS]ecretAccessKey)["']?\s*[:=]\s*["']?[0-9A-Za-z/+]{40}\b"#,
    ),
    (&codes::CREDENTIAL, "a Google API key", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    (&codes::CREDENTIAL, "an Azure client secret", r"\b[0-9A-Za-z_~.-]{3}[0-9]Q~[0-9A-Za-z_~.-]{31,34}"),
    (&codes::CREDENTIAL, "an Azure storage key", r"AccountKey=[0-9A-Za-z+/]{86}=="),
    (&codes::CREDENTIAL, "a GitHub token", r"\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{60,})"),
    (&codes::CREDENTIAL, "a GitLab token", r"\bglpat-[0-9A-Za-z_-]{20,}"),
    (&codes::CREDENTIAL, "a Slack token", r"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    (&codes::CREDENTIAL, "a Grafana token", r"\bgl(?:sa|c)_[0-9A-Za-z_+/=-]{32,}"),
    (
        &codes::CREDENTIAL,
        "a Proxmox API token",
        r"PVEAPIToken=[^\s=]+=[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    ),
    (&codes::CREDENTIAL, "a HashiCorp Vault token", r"\bhv[sbr]\.[0-9A-Za-z_-]{24,}"),
    (&codes::CREDENTIAL, "a Docker access token", r"\bdckr_pat_[0-9A-Za-z_-]{20,}"),
];

/// Letters without which no form matches. One pass over a text with none of them is all that it costs.
const HINTS: &str = "AGE-SECRET-KEY-|PRIVATE KEY-----|LS0tLS1CRUdJTi|AKIA|ASIA|secret_access_key|SECRET_ACCESS_KEY|\
    ecretAccessKey|AIza|Q~|AccountKey=|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|glsa_|glc_|PVEAPIToken=|hv[sbr]\\.|dckr_pat_";

static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(HINTS).ok());

/// `-----BEGIN `, as the base64 of every PEM text starts.
static ENCODED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"LS0tLS1CRUdJTi[0-9A-Za-z+/]{20,}={0,2}").ok());

static COMPILED: LazyLock<Vec<(&'static Code, &'static str, Regex)>> = LazyLock::new(|| {
    FORMS.iter().filter_map(|(code, what, pattern)| Some((*code, *what, Regex::new(pattern).ok()?))).collect()
});

/// Everything in a text that has the form of a private key or a credential, in order.
#[must_use]
pub fn find(text: &str) -> Vec<Match> {
    if !HINT.as_ref().is_none_or(|hint| hint.is_match(text)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (code, what, regex) in COMPILED.iter() {
        for hit in regex.find_iter(text) {
            // AWS writes its documentation with ids that end so.
            if !hit.as_str().ends_with("EXAMPLE") && !hit.as_str().ends_with("EXAMPLEKEY") {
                found.push(Match { code, what, range: hit.range() });
            }
        }
    }
    for hit in ENCODED.iter().flat_map(|regex| regex.find_iter(text)) {
        let decoded = decode(hit.as_str(), 64);
        // Talos writes certificates and keys so; only the first line tells them apart.
        let header = decoded.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if header.windows(b"PRIVATE KEY".len()).any(|window| window == b"PRIVATE KEY") {
            let what = "a PEM private key in base64";
            found.push(Match { code: &codes::PRIVATE_KEY, what, range: hit.range() });
        }
    }
    found.sort_by_key(|found| (found.range.start, found.range.end));
    found
}

/// The first bytes of a base64 text.
fn decode(text: &str, at_most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        buffer = (buffer << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((buffer >> bits) & 0xff).unwrap_or_default());
            buffer &= (1 << bits) - 1;
        }
        if bytes.len() >= at_most {
            break;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_compiles() {
        assert_eq!(COMPILED.len(), FORMS.len());
        assert!(ENCODED.is_some());
        assert!(HINT.is_some());
    }

    /// Each form with a made-up specimen. They are put together here so that no scanner takes this file for a leak.
    #[test]
    fn every_form_knows_its_kind() {
        let letters = |count: usize| "Ab1".chars().cycle().take(count).collect::<String>();
        let specimens = [
            ("an age identity", format!("AGE-SECRET-{}{}", "KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")),
            ("a PEM private key", format!("-----BEGIN EC {}-----\n{}\n", "PRIVATE KEY", letters(40))),
            (
                "a PEM private key",
                format!(r#"{{"private_key": "-----BEGIN {}-----\n{}"}}"#, "PRIVATE KEY", letters(40)),
            ),
            ("an AWS access key id", format!("AKI{}{}", "A", "ABCDEFGHIJKLMNOP")),
            ("an AWS secret access key", format!("aws_secret_access_key = {}", letters(40))),
            ("a Google API key", format!("AI{}{}", "za", letters(35))),
            ("an Azure client secret", format!("abc8{}{}", "Q~", letters(33))),
            ("an Azure storage key", format!("Account{}{}==", "Key=", letters(86))),
            ("a GitHub token", format!("gh{}{}", "p_", letters(36))),
            ("a GitHub token", format!("github{}{}", "_pat_", letters(70))),
            ("a GitLab token", format!("gl{}{}", "pat-", letters(20))),
            ("a Slack token", format!("xo{}{}", "xb-", letters(20))),
            ("a Grafana token", format!("gl{}{}", "sa_", letters(40))),
            (
                "a Proxmox API token",
                format!("PVEAPI{}root@pam!x=01234567-89ab-cdef-0123-456789abcdef", "Token="),
            ),
            ("a HashiCorp Vault token", format!("hv{}{}", "s.", letters(24))),
            ("a Docker access token", format!("dckr{}{}", "_pat_", letters(27))),
            // `-----BEGIN ED25519 PRIVATE KEY-----`
            (
                "a PEM private key in base64",
                format!("key: LS0tLS1CRUdJTi{}", "BFRDI1NTE5IFBSSVZBVEUgS0VZLS0tLS0KTUM0Q0FRQXdCUVlES"),
            ),
        ];
        for (what, text) in &specimens {
            let found: Vec<_> = find(text).into_iter().map(|found| found.what).collect();
            assert_eq!(found, [*what], "{text}");
        }
        let seen: std::collections::BTreeSet<_> = specimens.iter().map(|(what, _)| *what).collect();
        assert!(FORMS.iter().all(|(_, what, _)| seen.contains(what)), "a form without a specimen");
    }

    #[test]
    fn talk_about_keys_is_no_key() {
        for text in [
            "age-keygen -o key.txt makes AGE-SECRET-KEY-1...",
            "no `-----BEGIN ... PRIVATE KEY-----` and no `-----BEGIN RSA PRIVATE KEY-----` in Git",
            "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "aws_secret_access_key = ...",
            // `-----BEGIN CERTIFICATE-----`
            "crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJQakNCOGFBREFnRUNBaEF",
            "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSA",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }
}

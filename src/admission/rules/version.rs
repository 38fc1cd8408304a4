//! Versions of Kubernetes and Talos.

/// The major and minor number of a Talos version, which decide the shape of its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Minor(pub(super) u64, pub(super) u64);

impl std::fmt::Display for Minor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

/// Reads `v1.13`, `1.13` or `v1.13.2`; anything may follow the dot after the minor number.
///
/// Source: siderolabs/talos pkg/machinery/config/contract.go, ParseContractFromVersion
pub(super) fn talos(text: &str) -> Option<Minor> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts = text.splitn(3, '.');
    let mut number = || digits(parts.next()?);
    Some(Minor(number()?, number()?))
}

/// The three numbers of `v1.36.2` or `1.36.2-rc.1`; what follows them does not count.
pub(super) fn kubernetes(text: &str) -> Option<[u64; 3]> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let numbers = text.split(['-', '+']).next()?;
    let mut parts = numbers.split('.');
    let mut number = || digits(parts.next()?);
    Some([number()?, number()?, number()?])
}

/// Whether a text is a full semantic version: three numbers, then perhaps `-pre.release` and `+build`.
///
/// Source: blang/semver v4, Parse (which Cluster API's webhooks call)
pub(super) fn is_semantic(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
    let words = |text: &str| {
        text.split('.').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
    };
    let leading_zero = |word: &str| word.len() > 1 && word.starts_with('0');
    numbers.split('.').count() == 3
        && numbers.split('.').all(|word| digits(word).is_some() && !leading_zero(word))
        && pre.is_none_or(|pre| {
            words(pre) && !pre.split('.').any(|word| digits(word).is_some() && leading_zero(word))
        })
        && build.is_none_or(words)
}

fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{Minor, is_semantic, kubernetes, talos};

    #[test]
    fn kubernetes_versions() {
        assert_eq!(kubernetes("v1.36.2"), Some([1, 36, 2]));
        assert_eq!(kubernetes("1.36.0-rc.1"), Some([1, 36, 0]));
        assert_eq!(kubernetes("v1.36"), None);
    }

    #[test]
    fn talos_versions() {
        assert_eq!(talos("v1.13"), Some(Minor(1, 13)));
        assert_eq!(talos("1.14.0-rc.1"), Some(Minor(1, 14)));
        assert_eq!(talos("v1"), None);
        assert_eq!(talos("v1.13-alpha"), None);
    }

    #[test]
    fn semantic_versions() {
        for good in ["1.36.2", "1.36.0-rc.1", "1.36.2+k3s1"] {
            assert!(is_semantic(good), "{good}");
        }
        for bad in ["1.36", "v1.36.2", "1.036.2", "1.36.2-", "1.36.2-rc..1", "", "1.36.2-01"] {
            assert!(!is_semantic(bad), "{bad}");
        }
    }
}

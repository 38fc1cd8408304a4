//! IP addresses, ranges and CIDR blocks as the providers read them.

use std::net::IpAddr;

/// A run of addresses of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admission) struct Range {
    first: IpAddr,
    last: IpAddr,
}

impl Range {
    /// Whether the addresses are of IPv4.
    pub(in crate::admission) fn is_ipv4(self) -> bool {
        self.first.is_ipv4()
    }

    /// The last address.
    pub(in crate::admission) fn last(self) -> IpAddr {
        self.last
    }

    /// The first address.
    pub(in crate::admission) fn first(self) -> IpAddr {
        self.first
    }

    /// Whether an address lies in it.
    pub(in crate::admission) fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.is_ipv4() && self.first <= address && address <= self.last
    }

    /// Whether another range lies in it whole.
    pub(in crate::admission) fn covers(self, other: Self) -> bool {
        self.contains(other.first) && self.contains(other.last)
    }

    /// Whether they share an address.
    pub(in crate::admission) fn overlaps(self, other: Self) -> bool {
        self.is_ipv4() == other.is_ipv4() && self.first <= other.last && other.first <= self.last
    }

    /// How many addresses it has; `u128::MAX` for all of IPv6.
    pub(in crate::admission) fn len(self) -> u128 {
        number(self.last).saturating_sub(number(self.first)).saturating_add(1)
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last {
            return write!(formatter, "{}", self.first);
        }
        write!(formatter, "{}-{}", self.first, self.last)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// A CIDR block; bits beyond the prefix are allowed, as Go's `net.ParseCIDR` allows them.
pub(in crate::admission) fn cidr(text: &str) -> Option<Range> {
    let (address, length) = text.split_once('/')?;
    if length.is_empty() || length.len() > 3 || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    prefix(address.parse().ok()?, length.parse().ok()?)
}

/// The network of an address with a prefix length.
pub(in crate::admission) fn prefix(address: IpAddr, length: u32) -> Option<Range> {
    match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(length).unwrap_or(0);
            let network = address.to_bits() & !host;
            (length <= 32).then(|| Range {
                first: IpAddr::V4(network.into()),
                last: IpAddr::V4((network | host).into()),
            })
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(length).unwrap_or(0);
            let network = address.to_bits() & !host;
            (length <= 128).then(|| Range {
                first: IpAddr::V6(network.into()),
                last: IpAddr::V6((network | host).into()),
            })
        }
    }
}

/// An entry of an address pool: an address, `first-last` or a CIDR block.
///
/// Source: kubernetes-sigs/cluster-api-ipam-provider-in-cluster internal/poolutil/pool.go, AddressToIPSet
pub(in crate::admission) fn pool_entry(text: &str) -> Option<Range> {
    if let Some((first, last)) = text.split_once('-') {
        let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
        return (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Range { first, last });
    }
    if text.contains('/') {
        return cidr(text);
    }
    let address = text.parse().ok()?;
    Some(Range { first: address, last: address })
}

/// How many different addresses some ranges hold, without those that `taken` contains.
pub(in crate::admission) fn count(ranges: &[Range], taken: &[Range]) -> u128 {
    let union = |ranges: Vec<Range>| {
        let mut ranges = ranges;
        ranges.sort_by_key(|range| (range.first, range.last));
        let mut merged: Vec<Range> = Vec::new();
        for range in ranges {
            match merged.last_mut() {
                Some(last) if last.is_ipv4() == range.is_ipv4() && range.first <= last.last => {
                    last.last = last.last.max(range.last);
                }
                _ => merged.push(range),
            }
        }
        merged
    };
    let all = union(ranges.to_vec());
    let cut = all.iter().flat_map(|range| {
        taken
            .iter()
            .filter(|taken| taken.overlaps(*range))
            .map(|taken| Range { first: taken.first.max(range.first), last: taken.last.min(range.last) })
    });
    let total = all.iter().fold(0_u128, |sum, range| sum.saturating_add(range.len()));
    union(cut.collect()).iter().fold(total, |left, range| left.saturating_sub(range.len()))
}

/// Whether a text is an address that is reserved for documentation (RFC 5737, RFC 3849), as in examples.
pub(in crate::admission) fn is_documentation(text: &str) -> bool {
    match text.parse() {
        Ok(IpAddr::V4(address)) => address.is_documentation(),
        Ok(IpAddr::V6(address)) => address.segments().starts_with(&[0x2001, 0xdb8]),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{cidr, count, pool_entry};

    #[test]
    fn reads_what_the_providers_read() -> Result<(), &'static str> {
        let block = cidr("10.0.0.7/24").ok_or("host bits are allowed")?;
        assert_eq!(block.to_string(), "10.0.0.0-10.0.0.255");
        assert_eq!(cidr("::/0").ok_or("all of IPv6")?.len(), u128::MAX);
        for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0/24", "010.0.0.0/8", "10.0.0.0/", "10.0.0.0/+8"] {
            assert_eq!(cidr(bad), None, "{bad}");
        }
        for bad in ["10.0.0.9-10.0.0.1", "10.0.0.1-fd00::1", "x", "", "1-2"] {
            assert_eq!(pool_entry(bad), None, "{bad}");
        }
        Ok(())
    }

    #[test]
    fn counts_addresses_once() {
        let ranges: Vec<_> = ["10.0.0.10-10.0.0.19", "10.0.0.15/32", "10.0.0.18-10.0.0.21"]
            .into_iter()
            .filter_map(pool_entry)
            .collect();
        let taken: Vec<_> =
            ["10.0.0.21-10.0.0.40", "10.0.0.10", "10.0.0.10"].into_iter().filter_map(pool_entry).collect();
        assert_eq!(count(&ranges, &[]), 12);
        assert_eq!(count(&ranges, &taken), 10);
    }
}

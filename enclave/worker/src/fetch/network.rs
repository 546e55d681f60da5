//! Whom a contract may reach: the public internet, as this worker's names and certificates know it.
//!
//! A contract chooses the URL, and so must not reach what only the worker's machine can: its own ports, its network,
//! the metadata service of its cloud. The address is looked at after the name was resolved, and the connection is made
//! to exactly that address, so that a name which resolves to something else a moment later gains nothing.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, LazyLock},
};
use tokio_rustls::rustls::RootCertStore;

/// The world that a fetcher lives in. Production has one, [`PublicInternet`]; a test makes its own, as a type, so that
/// nothing that can be configured leads from the one to the other.
pub trait Network: Send + Sync + 'static {
    /// Whether this address may be connected to.
    fn is_allowed(&self, address: IpAddr) -> bool;

    /// The addresses of a name, or the address that it spells.
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Who may vouch for a server.
    fn roots(&self) -> Arc<RootCertStore>;
}

/// Public addresses only, names by the system's resolver, and the certificate authorities that Mozilla trusts, as they
/// are compiled in: the host's own store says nothing.
///
/// The resolver is the host's and may lie. For `https` that gains nothing, since the server proves its name; what it can
/// do to `http` anyone on the way can do as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublicInternet;

static ROOTS: LazyLock<Arc<RootCertStore>> =
    LazyLock::new(|| Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }));

impl Network for PublicInternet {
    fn is_allowed(&self, address: IpAddr) -> bool {
        is_public(address)
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }

    fn roots(&self) -> Arc<RootCertStore> {
        ROOTS.clone()
    }
}

/// Networks that are not the public internet, from the IANA special-purpose registries (RFC 6890 and its successors).
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 16] = [
    // "This network": Linux takes 0.0.0.0 for the machine itself.
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private, RFC 1918.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Shared by a provider's customers, RFC 6598. Alibaba's metadata service is in it.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // The machine itself.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, RFC 3927. The metadata service of most clouds is in it.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Azure's host, which answers its guests at a public address. Oracle's is in 192.0.0.0/24.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // IETF assignments, examples, 6to4 relays, benchmarks.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast; reserved, with the broadcast address.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// All of the public IPv6 internet is in here: what is not (loopback, link-local, unique local, multicast, and the
/// prefixes that carry an IPv4 address) is refused without being named.
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not public within [`PUBLIC_V6`].
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    // IETF assignments, with Teredo, which carries an IPv4 address.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Examples.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4, which carries an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// Whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|network| is_in_v4(address, *network)),
        IpAddr::V6(address) => {
            is_in_v6(address, PUBLIC_V6) && !NOT_PUBLIC_V6.iter().any(|network| is_in_v6(address, *network))
        }
    }
}

fn is_in_v4(address: Ipv4Addr, (network, prefix): (Ipv4Addr, u32)) -> bool {
    let shift = 32 - prefix;
    address.to_bits() >> shift == network.to_bits() >> shift
}

fn is_in_v6(address: Ipv6Addr, (network, prefix): (Ipv6Addr, u32)) -> bool {
    let shift = 128 - prefix;
    address.to_bits() >> shift == network.to_bits() >> shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_of_the_machine_its_network_or_its_cloud_is_public() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ];
        for address in refused {
            assert!(!is_public(address.parse().unwrap()), "{address} must be refused");
        }
    }

    #[test]
    fn addresses_of_the_public_internet_are_public() {
        let allowed = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "3ffe::1",
        ];
        for address in allowed {
            assert!(is_public(address.parse().unwrap()), "{address} must be allowed");
        }
    }

    #[tokio::test]
    async fn other_spellings_of_the_machine_itself_resolve_to_what_is_refused() {
        for host in ["127.1", "2130706433", "0x7f000001", "017700000001", "0", "localhost"] {
            let addresses = PublicInternet.resolve(host, 80).await.unwrap_or_default();
            assert!(addresses.iter().all(|it| !PublicInternet.is_allowed(it.ip())), "{host}: {addresses:?}");
        }
    }

    #[test]
    fn certificate_authorities_are_compiled_in() {
        assert!(PublicInternet.roots().roots.len() > 50);
    }
}

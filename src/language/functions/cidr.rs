//! IP networks: `cidrcontains` to `cidrsubnets`.

use std::net::{Ipv4Addr, Ipv6Addr};

use dashu_int::IBig;

use super::{Call, Failure, Outcome, check_count};
use crate::value::{Type, Value};

/// An address of either family as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address {
    bits: u128,
    v6: bool,
}

/// A network: an address without its host bits, and the length of the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: Address,
    length: u32,
}

impl Address {
    /// How many bits addresses of this family have.
    const fn width(self) -> u32 {
        if self.v6 { 128 } else { 32 }
    }

    /// Reads an address; octets may have leading zeros, which do not make them octal.
    fn parse(text: &str) -> Option<Self> {
        if text.contains(':') {
            return text.parse::<Ipv6Addr>().ok().map(|a| Self { bits: a.to_bits(), v6: true });
        }
        let mut bits = 0_u128;
        let mut octets = 0;
        for octet in text.split('.') {
            let digits = !octet.is_empty() && octet.bytes().all(|b| b.is_ascii_digit());
            let octet = octet.trim_start_matches('0');
            let value: u8 = if octet.is_empty() { 0 } else { octet.parse().ok()? };
            if !digits {
                return None;
            }
            bits = bits << 8 | u128::from(value);
            octets += 1;
        }
        (octets == 4).then_some(Self { bits, v6: false })
    }

    fn text(self) -> String {
        if self.v6 {
            Ipv6Addr::from_bits(self.bits).to_string()
        } else {
            Ipv4Addr::from_bits(u32::try_from(self.bits).unwrap_or(0)).to_string()
        }
    }
}

/// Returns a mask of the lowest `bits` bits.
const fn low_mask(bits: u32) -> u128 {
    if bits >= 128 { u128::MAX } else { (1 << bits) - 1 }
}

impl Network {
    fn new(address: Address, length: u32) -> Self {
        let mask = low_mask(address.width() - length);
        Self { address: Address { bits: address.bits & !mask, ..address }, length }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("invalid CIDR expression: invalid CIDR address: {text}");
        let (address, length) = text.split_once('/').ok_or_else(invalid)?;
        let address = Address::parse(address).ok_or_else(invalid)?;
        if length.is_empty() || length.len() > 3 || !length.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid());
        }
        let length: u32 = length.parse().map_err(|_| invalid())?;
        if length > address.width() {
            return Err(invalid());
        }
        Ok(Self::new(address, length))
    }

    /// How many bits number the hosts.
    const fn host_bits(self) -> u32 {
        self.address.width() - self.length
    }

    const fn last(self) -> u128 {
        self.address.bits | low_mask(self.host_bits())
    }

    fn text(self) -> String {
        format!("{}/{}", self.address.text(), self.length)
    }
}

fn network(call: &Call<'_>, argument: usize) -> Result<Network, Failure> {
    Network::parse(call.text(argument)).map_err(|why| Failure::at(argument, why).quoting())
}

pub(super) fn cidrhost(call: &Call<'_>) -> Outcome {
    let network = network(call, 0)?;
    let number = call
        .number(1)
        .to_integer()
        .ok_or_else(|| Failure::at(1, "value must be a whole number"))?;
    let size = IBig::ONE << usize::try_from(network.host_bits()).unwrap_or(0);
    let host = if number < IBig::ZERO { &size + &number } else { number.clone() };
    let host = if host < IBig::ZERO || host >= size { None } else { u128::try_from(host).ok() };
    let host = host.ok_or_else(|| {
        let message =
            format!("prefix of {} does not accommodate a host numbered {number}", network.length);
        Failure::at(1, message).quoting()
    })?;
    let bits = network.address.bits | host;
    Ok(Address { bits, ..network.address }.text().into())
}

pub(super) fn cidrnetmask(call: &Call<'_>) -> Outcome {
    let network = network(call, 0)?;
    if network.address.v6 {
        let message = format!("IPv6 addresses cannot have a netmask: {}", call.text(0));
        return Err(Failure::at(0, message).quoting());
    }
    let mask = low_mask(32) & !low_mask(network.host_bits());
    Ok(Address { bits: mask, v6: false }.text().into())
}

pub(super) fn cidrsubnet(call: &Call<'_>) -> Outcome {
    let network = network(call, 0)?;
    let added = call.whole(1)?;
    let number = call
        .number(2)
        .to_integer()
        .ok_or_else(|| Failure::at(2, "value must be a whole number"))?;
    let length = i64::from(network.length).saturating_add(added);
    let length = u32::try_from(length)
        .ok()
        .filter(|length| *length <= network.address.width())
        .ok_or_else(|| {
            let message = format!(
                "insufficient address space to extend prefix of {} by {added}",
                network.length
            );
            Failure::at(1, message).quoting()
        })?;
    let places = IBig::ONE << usize::try_from(added.max(0)).unwrap_or(0);
    let index = if number < IBig::ZERO || number >= places {
        None
    } else {
        u128::try_from(number.clone()).ok()
    };
    let index = index.ok_or_else(|| {
        let message =
            format!("prefix extension of {added} does not accommodate a subnet numbered {number}");
        Failure::at(2, message).quoting()
    })?;
    let shift = network.address.width() - length;
    let offset = if shift >= 128 { 0 } else { index << shift };
    let bits = network.address.bits | offset;
    Ok(Network::new(Address { bits, ..network.address }, length).text().into())
}

pub(super) fn cidrsubnets(call: &Call<'_>) -> Outcome {
    let network = network(call, 0)?;
    let width = network.address.width();
    check_count(call.count())?;
    let mut subnets = Vec::new();
    // The next free address; none when the space is used up.
    let mut next = Some(network.address.bits);
    let mut previous = None;
    for i in 1..call.count() {
        let added = call.whole(i)?;
        if added < 1 {
            return Err(Failure::at(i, "must extend prefix by at least one bit"));
        }
        if added > 32 {
            return Err(Failure::at(i, "may not extend prefix by more than 32 bits"));
        }
        let length = network.length + u32::try_from(added).unwrap_or(0);
        if length > width {
            let family = if network.address.v6 { "IPv6" } else { "IPv4" };
            let message = format!(
                "would extend prefix to {length} bits, which is too long for an {family} address"
            );
            return Err(Failure::at(i, message));
        }
        let size_mask = low_mask(width - length);
        // Round up to a multiple of the size.
        let start = next
            .and_then(|next| next.checked_add(size_mask))
            .map(|up| up & !size_mask)
            .filter(|start| start | size_mask <= network.last());
        let subnet = start
            .map(|bits| Network::new(Address { bits, ..network.address }, length))
            .ok_or_else(|| {
                let after = previous.map_or_else(|| network.text(), Network::text);
                let message = format!(
                    "not enough remaining address space for a subnet with a prefix of {length} \
                     bits after {after}"
                );
                Failure::at(i, message).quoting()
            })?;
        next = subnet.last().checked_add(1);
        previous = Some(subnet);
        subnets.push(Value::from(subnet.text()));
    }
    Ok(Value::list(Type::String, subnets))
}

/// Says whether a network contains an address or a network.
pub(super) fn cidrcontains(call: &Call<'_>) -> Outcome {
    let outer = network(call, 0)?;
    let text = call.text(1);
    let inner = if text.contains('/') {
        network(call, 1)?
    } else {
        let address = Address::parse(text).ok_or_else(|| {
            Failure::at(1, format!("invalid IP address or prefix: {text}")).quoting()
        })?;
        Network::new(address, address.width())
    };
    if outer.address.v6 != inner.address.v6 {
        let message = format!("address family mismatch: {} vs. {text}", call.text(0));
        return Err(Failure::at(1, message).quoting());
    }
    Ok((outer.address.bits <= inner.address.bits && inner.last() <= outer.last()).into())
}

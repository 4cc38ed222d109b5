//! Binds authentication to the TLS channel that it goes over (RFC 5929), so that nobody can hand it on.

use crate::backend::http;

/// The bindings to the channel of a server with this certificate, as a `SEC_CHANNEL_BINDINGS`: its header
/// of 32 bytes, with no addresses of either side, then the data.
pub(super) fn of(certificate: &[u8]) -> Vec<u8> {
    const HEADER: u32 = 32;
    let data = data(certificate);
    let length = u32::try_from(data.len()).unwrap_or_default();
    // type, length and offset of the initiator's address, then of the acceptor's, then the data's
    let fields = [0, 0, 0, 0, 0, 0, length, HEADER];
    fields.iter().flat_map(|field: &u32| field.to_le_bytes()).chain(data).collect()
}

/// The data of the bindings alone.
pub(super) fn data(certificate: &[u8]) -> Vec<u8> {
    [b"tls-server-end-point:".as_slice(), &http::end_point(certificate)].concat()
}

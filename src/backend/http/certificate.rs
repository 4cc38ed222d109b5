//! The little of an X.509 certificate (RFC 5280) that an operator wants to see: whose it is and
//! until when it is valid. It proves nothing; what is trusted is decided elsewhere.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::Foreign;

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is, as in `CN=kea-1, O=Example`; empty where only alternative names say it.
    pub subject: Foreign,
    /// Until when it is valid.
    pub until: Timestamp,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, which holds the version and may be absent.
const VERSION: u8 = 0xa0;

impl Certificate {
    /// Takes a certificate in DER apart; `None` where it is none.
    pub fn read(der: &[u8]) -> Option<Self> {
        let mut certificate = Der(der).enter(SEQUENCE)?;
        let mut body = certificate.enter(SEQUENCE)?;
        if body.0.first() == Some(&VERSION) {
            body.next()?;
        }
        // serial number, algorithm, issuer
        for _ in 0..3 {
            body.next()?;
        }
        let mut validity = body.enter(SEQUENCE)?;
        validity.next()?;
        let (kind, text) = validity.next()?;
        let until = time(kind, text)?;
        let subject = subject(body.enter(SEQUENCE)?)?;
        Some(Certificate { subject, until })
    }
}

/// The digest that binds authentication to a TLS channel, `tls-server-end-point` (RFC 5929, 4.1): of
/// the server's certificate, by the hash of its own signature, but by SHA-256 at least.
pub fn end_point(der: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256, Sha384, Sha512};
    match signature_hash(der) {
        Some(384) => Sha384::digest(der).to_vec(),
        Some(512) => Sha512::digest(der).to_vec(),
        _ => Sha256::digest(der).to_vec(),
    }
}

/// The public key in a certificate: the bits of `subjectPublicKey`, without its algorithm.
pub fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    const BIT_STRING: u8 = 0x03;
    let mut body = Der(der).enter(SEQUENCE)?.enter(SEQUENCE)?;
    if body.0.first() == Some(&VERSION) {
        body.next()?;
    }
    // serial number, algorithm, issuer, validity, subject
    for _ in 0..5 {
        body.next()?;
    }
    let mut key = body.enter(SEQUENCE)?;
    key.next()?;
    // before the bits, how many of the last byte are none
    let (_, bits) = key.enter(BIT_STRING)?.0.split_first()?;
    Some(bits.to_vec())
}

/// Bits of the hash in a certificate's signature, where it is one of SHA-2.
fn signature_hash(der: &[u8]) -> Option<u16> {
    /// 1.2.840.113549.1.1: RSA.
    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
    /// 1.2.840.10045.4.3: ECDSA with SHA-2.
    const ECDSA: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3];
    /// 2.16.840.1.101.3.4.2: the hashes themselves, as the parameters of RSASSA-PSS name them.
    const SHA_2: [u8; 8] = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];
    let mut certificate = Der(der).enter(SEQUENCE)?;
    certificate.next()?;
    let mut algorithm = certificate.enter(SEQUENCE)?;
    let (_, identifier) = algorithm.next()?;
    let (last, family) = identifier.split_last()?;
    match (family, last) {
        (family, 11) if family == RSA => Some(256),
        (family, 12) if family == RSA => Some(384),
        (family, 13) if family == RSA => Some(512),
        (family, 10) if family == RSA => {
            let mut hash = algorithm.enter(SEQUENCE)?.enter(0xa0)?.enter(SEQUENCE)?;
            let (last, family) = hash.next()?.1.split_last()?;
            (family == SHA_2).then_some(())?;
            [256, 384, 512].get(usize::from(last.checked_sub(1)?)).copied()
        }
        (family, 2) if family == ECDSA => Some(256),
        (family, 3) if family == ECDSA => Some(384),
        (family, 4) if family == ECDSA => Some(512),
        _ => None,
    }
}

/// What is left of some DER (ITU-T X.690).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next value with its tag.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (length, rest) = match *length {
            short @ ..0x80 => (usize::from(short), rest),
            long => {
                let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                // no certificate has more than 2^24 bytes
                let bytes = (1..=3).contains(&bytes.len()).then_some(bytes)?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, value))
    }

    /// What is inside the next value, which must have this tag.
    fn enter(&mut self, wanted: u8) -> Option<Der<'a>> {
        let (tag, value) = self.next()?;
        (tag == wanted).then_some(Der(value))
    }
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` after it (RFC 5280, 4.1.2.5).
fn time(kind: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match kind {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let at = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn subject(mut name: Der<'_>) -> Option<Foreign> {
    let mut parts = Vec::new();
    while !name.0.is_empty() {
        let mut attribute = name.enter(SET)?.enter(SEQUENCE)?;
        let (kind, (_, text)) = (attribute.next()?, attribute.next()?);
        if let (OBJECT_IDENTIFIER, Some(word)) = (kind.0, word(kind.1)) {
            parts.push(format!("{word}={}", String::from_utf8_lossy(text)));
        }
    }
    Some(parts.join(", ").into())
}

/// The short names of the usual attributes (RFC 4514): all of them below 2.5.4.
fn word(identifier: &[u8]) -> Option<&'static str> {
    match identifier {
        [0x55, 4, 3] => Some("CN"),
        [0x55, 4, 6] => Some("C"),
        [0x55, 4, 7] => Some("L"),
        [0x55, 4, 8] => Some("ST"),
        [0x55, 4, 10] => Some("O"),
        [0x55, 4, 11] => Some("OU"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(until: (i32, u8, u8), names: &[(rcgen::DnType, &str)]) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(["kea-1.example".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn name_and_end_are_found() {
        use rcgen::DnType;
        let names = [(DnType::OrganizationName, "Exämple"), (DnType::CommonName, "kea-1")];
        let read = Certificate::read(&certificate((2031, 2, 3), &names)).unwrap();
        assert_eq!(read.subject.raw(), "O=Exämple, CN=kea-1");
        assert_eq!(read.until.to_string(), "2031-02-03T00:00:00Z");
        let far = Certificate::read(&certificate((2131, 2, 3), &[])).unwrap();
        assert_eq!((far.subject.raw(), far.until.to_string().as_str()), ("", "2131-02-03T00:00:00Z"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_no_certificate_is_none(at in 0usize..300, byte: u8, cut in 0usize..600) {
            let mut der = certificate((2031, 2, 3), &[(rcgen::DnType::CommonName, "kea-1")]);
            let end = der.len().min(cut);
            der.truncate(end);
            if let Some(there) = der.get_mut(at) {
                *there = byte;
            }
            // whatever it says, nothing breaks
            let _ = Certificate::read(&der);
        }
    }
}

//! Bodies that are sealed, byte for byte (MS-WSMV 2.2.9.1): two parts in a frame like that of MIME, but
//! not it. No empty line follows the fields of a part, and none goes before a boundary.

use super::charset::Charset;

const BOUNDARY: &str = "Encrypted Boundary";

/// The value of the field `Content-Type` for bodies of this protocol.
pub fn content_type(protocol: &str) -> String {
    format!("multipart/encrypted;protocol=\"{protocol}\";boundary=\"{BOUNDARY}\"")
}

/// Whether a body with this `Content-Type` is sealed.
pub fn is_sealed(content_type: &str) -> bool {
    content_type.trim_start().get(..19).is_some_and(|start| start.eq_ignore_ascii_case("multipart/encrypted"))
}

/// Writes a body around an envelope of `length` bytes of UTF-8, sealed into `header` and `data`.
pub fn write(protocol: &str, length: usize, header: &[u8], data: &[u8]) -> Vec<u8> {
    let first = format!(
        "--{BOUNDARY}\r\n\tContent-Type: {protocol}\r\n\
         \tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={length}\r\n\
         --{BOUNDARY}\r\n\tContent-Type: application/octet-stream\r\n"
    );
    let of_header = u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes();
    let last = format!("--{BOUNDARY}--\r\n");
    [first.as_bytes(), &of_header, header, data, last.as_bytes()].concat()
}

/// A sealed body taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// Bytes of what was sealed.
    pub length: usize,
    /// How what was sealed is written.
    pub charset: Option<Charset>,
    /// The mechanism's header.
    pub header: &'a [u8],
    /// The encrypted data. It may hold what looks like a boundary.
    pub data: &'a [u8],
}

/// Takes a body apart: the fields from its front, the closing line from its end.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(body: &[u8]) -> Result<Sealed<'_>, &'static str> {
    let (line, mut rest) = next_line(body)?;
    if !is_boundary(line) {
        return Err("it does not begin with its boundary");
    }
    let mut original = None;
    loop {
        let (line, after) = next_line(rest)?;
        rest = after;
        if is_boundary(line) {
            break;
        }
        if let Some(("originalcontent", value)) = field(line).as_ref().map(|(name, value)| (name.as_str(), *value)) {
            original = Some(value);
        }
    }
    let original = original.ok_or("it does not say what was sealed")?;
    let length = parameter(original, "length").and_then(|length| length.parse().ok());
    let length: usize = length.ok_or("it does not say how long what was sealed is")?;
    let charset = parameter(original, "charset").and_then(Charset::read);

    let (line, rest) = next_line(rest)?;
    if field(line).is_none_or(|(name, value)| name != "content-type" || !value.starts_with("application/octet-stream"))
    {
        return Err("its second part is not what is encrypted");
    }
    let rest = without_end(rest).ok_or("its closing line is missing")?;
    let (of_header, rest) = rest.split_first_chunk::<4>().ok_or("it ends before the header")?;
    let of_header = usize::try_from(u32::from_le_bytes(*of_header)).ok();
    let split = of_header.and_then(|of_header| rest.split_at_checked(of_header));
    let (header, data) = split.ok_or("its header is longer than all of it")?;
    // some put a line's end before the closing line
    let data = match data.strip_suffix(b"\r\n") {
        Some(shorter) if shorter.len() == length => shorter,
        _ => data,
    };
    Ok(Sealed { length, charset, header, data })
}

fn next_line(bytes: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    // no field is longer, and what follows the fields is no text
    let end = bytes.iter().take(512).position(|byte| *byte == b'\n').ok_or("it has no lines of fields")?;
    let line = bytes.get(..end).unwrap_or_default();
    Ok((line.strip_suffix(b"\r").unwrap_or(line), bytes.get(end + 1..).unwrap_or_default()))
}

/// `--Encrypted Boundary`; some servers put a blank behind the hyphens.
fn is_boundary(line: &[u8]) -> bool {
    line.strip_prefix(b"--").is_some_and(|name| name.trim_ascii() == BOUNDARY.as_bytes())
}

/// The name of a field in lower case, and its value.
fn field(line: &[u8]) -> Option<(String, &str)> {
    let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
    Some((name.trim().to_ascii_lowercase(), value.trim()))
}

/// A parameter behind a field's value, such as `;charset=UTF-8`.
pub fn parameter<'a>(value: &'a str, wanted: &str) -> Option<&'a str> {
    let mut pairs = value.split(';').filter_map(|part| part.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
    Some(value.trim().trim_matches('"'))
}

/// What stands before `--Encrypted Boundary--`.
fn without_end(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.trim_ascii_end().strip_suffix(b"--")?;
    let bytes = bytes.trim_ascii_end().strip_suffix(BOUNDARY.as_bytes())?;
    // at most one blank: the bytes before it are no text
    bytes.strip_suffix(b"-- ").or_else(|| bytes.strip_suffix(b"--"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOL: &str = "application/HTTP-SPNEGO-session-encrypted";

    #[test]
    fn a_body_is_what_the_protocol_says() {
        let body = write(PROTOCOL, 5, &[1, 2, 3], b"\r\n--E");
        let expected = b"--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n\
            \tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=5\r\n--Encrypted Boundary\r\n\
            \tContent-Type: application/octet-stream\r\n\x03\0\0\0\x01\x02\x03\r\n--E--Encrypted Boundary--\r\n";
        assert_eq!(body, expected);
        assert!(is_sealed(&content_type(PROTOCOL)) && is_sealed("Multipart/Encrypted; x") && !is_sealed("text/xml"));
    }

    #[test]
    fn bodies_of_other_servers_are_read() {
        let usual = write(PROTOCOL, 4, &[9; 16], b"\r\n--");
        let expected = Sealed { length: 4, charset: Some(Charset::Utf8), header: &[9; 16], data: b"\r\n--" };
        let change = |from: &str, to: &str| {
            let text: String = usual.iter().map(|byte| char::from(*byte)).collect();
            text.replace(from, to).chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>()
        };
        for body in [
            usual.clone(),
            change("--Encrypted", "-- Encrypted"),
            change("\r\n\tContent-Type: ", "\r\n\tcontent-type:"),
            change("charset=UTF-8;Length=4", "charset=\"utf-8\"; length=4"),
            change("Boundary--\r\n", "Boundary--"),
            change("--Encrypted Boundary--", "\r\n--Encrypted Boundary--"),
        ] {
            assert_eq!(parse(&body), Ok(Sealed { ..expected }), "{}", String::from_utf8_lossy(&body));
        }
        let wide = change("UTF-8", "UTF-16");
        assert_eq!(parse(&wide).unwrap().charset, Some(Charset::Utf16));
    }

    #[test]
    fn what_looks_like_a_boundary_inside_the_data_is_data() {
        let data = b"--Encrypted Boundary--\r\n--Encrypted Boundary--";
        let body = write(PROTOCOL, data.len(), &[], data);
        assert_eq!(parse(&body).unwrap().data, data);
    }

    proptest::proptest! {
        #[test]
        fn what_is_broken_breaks_nothing(at in 0usize..300, byte: u8, cut in 0usize..300) {
            let mut body = write(PROTOCOL, 4, &[9; 16], b"data");
            body.truncate(cut);
            if let Some(there) = body.get_mut(at) {
                *there = byte;
            }
            let _ = parse(&body);
        }

        #[test]
        fn any_data_comes_back(header: Vec<u8>, data: Vec<u8>) {
            let body = write(PROTOCOL, data.len(), &header, &data);
            let back = parse(&body).unwrap();
            proptest::prop_assert_eq!((back.header, back.data), (&header[..], &data[..]));
        }
    }
}

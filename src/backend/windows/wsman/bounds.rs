//! How much structure a reply may have. The parser's own limit is one of nodes; what it does with
//! attributes and with namespaces within namespaces takes time that grows faster than they do.

/// Elements within elements: instances nest far less deep.
const DEEPEST: usize = 64;
/// Attributes of one element, namespaces among them.
const MOST_ATTRIBUTES: usize = 64;

/// Looks over a text before it is parsed. It does not have to be XML: what is none, the parser finds.
///
/// # Errors
/// What there is too much of.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let unstructured =
            [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")].iter().find(|(start, _)| rest.starts_with(start));
        if let Some((_, end)) = unstructured {
            let Some(end) = rest.find(end) else { return Ok(()) };
            rest = &rest[end..];
            continue;
        }
        let Some((tag, attributes)) = tag(rest) else { return Ok(()) };
        if attributes > MOST_ATTRIBUTES {
            return Err(format!("an element in the answer has more than {MOST_ATTRIBUTES} attributes"));
        }
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => depth = depth.saturating_sub(1),
            (false, true) => {}
            (false, false) => depth += 1,
        }
        if depth > DEEPEST {
            return Err(format!("the answer is nested deeper than {DEEPEST} elements"));
        }
        rest = &rest[tag.len()..];
    }
    Ok(())
}

/// A tag without its brackets, and how many attributes it has: a bracket within quotes ends none.
fn tag(rest: &str) -> Option<(&str, usize)> {
    let (mut quote, mut attributes) = (None, 0);
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some((&rest[..at], attributes)),
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                attributes += 1;
            }
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_attributes_are_bounded() {
        let nested = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        let attributes = |n: usize| format!("<a{}/>", " b='<>'".repeat(n));
        for text in [
            nested(DEEPEST),
            nested(3).repeat(1000),
            attributes(MOST_ATTRIBUTES),
            "<a/>".repeat(1000),
            format!("<a><!-- {} --><![CDATA[{}]]><?p {} ?></a>", nested(100), "<a>".repeat(100), "<b>".repeat(100)),
            "a < b".to_owned(),
            "<!-- never ended".to_owned(),
        ] {
            assert_eq!(check(&text), Ok(()), "{text}");
        }
        assert!(check(&nested(DEEPEST + 1)).unwrap_err().contains("nested deeper"));
        assert!(check(&attributes(MOST_ATTRIBUTES + 1)).unwrap_err().contains("attributes"));
    }
}

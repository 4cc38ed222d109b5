//! Comma lists.

use std::ops::Range;

/// One value of a list.
pub(super) struct Piece<'a> {
    /// Without blanks around it, and without its quotes.
    pub text: &'a str,
    /// Where it stands, blanks and quotes included.
    place: Range<usize>,
}

/// The values between commas. A comma in quotes separates nothing.
pub(super) fn pieces(list: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    loop {
        let rest = &list[start..];
        let body = rest.trim_start();
        let quoted = in_quotes(body);
        let behind = quoted.map_or(0, |inner| inner.len() + 2);
        let length = body[behind..].find(',').unwrap_or(body.len() - behind);
        let end = list.len() - body.len() + behind + length;
        let text = quoted.unwrap_or_else(|| body[..length].trim_end());
        pieces.push(Piece { text, place: start..end });
        if end == list.len() {
            return pieces;
        }
        start = end + 1;
    }
}

/// What is between the quotes with which a text begins, when they hold a whole value.
fn in_quotes(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (inner, behind) = text[1..].split_once(quote)?;
    let behind = behind.trim_start();
    (behind.is_empty() || behind.starts_with(',')).then_some(inner)
}

/// The values of a list of names, some of which may have commas in them: the longest
/// run of values that together are a known name is that name.
///
/// ```
/// use scopesync::cli::powershell::values;
/// let known = |name: &str| name == "a-b (one, two)";
/// assert_eq!(values("a-b (one, two),c", &known), ["a-b (one, two)", "c"]);
/// ```
pub fn values(list: &str, known: &dyn Fn(&str) -> bool) -> Vec<String> {
    let pieces = pieces(list);
    let mut values = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let together = |count: &usize| list[pieces[at].place.start..pieces[at + count - 1].place.end].trim();
        let longest = (2..=pieces.len() - at).rev().find(|count| known(together(count)));
        values.push(longest.as_ref().map_or(pieces[at].text, together).to_owned());
        at += longest.unwrap_or(1);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(list: &str) -> Vec<&str> {
        pieces(list).iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn commas_separate_and_quotes_hold_together() {
        assert_eq!(split("a"), ["a"]);
        assert_eq!(split(" a , b,c "), ["a", "b", "c"]);
        assert_eq!(split("a,,b"), ["a", "", "b"]);
        assert_eq!(split("a,"), ["a", ""]);
        assert_eq!(split(""), [""]);
        assert_eq!(split("'a, b' ,\"c\",d"), ["a, b", "c", "d"]);
        // no quotes around a whole value: part of it
        assert_eq!(split("O'Brien's,'a'b,'c"), ["O'Brien's", "'a'b", "'c"]);
    }

    #[test]
    fn a_known_name_may_have_commas() {
        let known = |name: &str| ["b, c", "a,b"].contains(&name);
        assert_eq!(values("a,b, c", &known), ["a,b", "c"]);
        assert_eq!(values("x,b, c", &known), ["x", "b, c"]);
        assert_eq!(values("'a,b',x", &|_| false), ["a,b", "x"]);
    }
}

//! Where two lines differ, word by word.

use std::ops::Range;

/// Above this the lines differ as wholes: nobody reads a comparison of more.
const MOST: usize = 20_000;

/// A word of more bytes, such as octets in hexadecimal, is compared inside.
const LONG: usize = 20;

/// The parts of both texts that the other one has not, in bytes.
///
/// ```
/// use scopesync::show::differing;
/// let [ours, theirs] = differing("10.0.0.1, 10.0.0.3", "10.0.0.2, 10.0.0.3");
/// assert_eq!((ours, theirs), (vec![0..8], vec![0..8]));
/// ```
pub fn differing(left: &str, right: &str) -> [Vec<Range<usize>>; 2] {
    let (ours, theirs) = (words(left), words(right));
    let head = ours.iter().zip(&theirs).take_while(|(a, b)| left[(*a).clone()] == right[(*b).clone()]).count();
    let tails = ours[head..].iter().rev().zip(theirs[head..].iter().rev());
    let tail = tails.take_while(|(a, b)| left[(*a).clone()] == right[(*b).clone()]).count();
    let ours = &ours[head..ours.len() - tail];
    let theirs = &theirs[head..theirs.len() - tail];
    if let ([one], [other]) = (ours, theirs)
        && one.len().min(other.len()) > LONG
    {
        let (a, b) = inside(&left[one.clone()], &right[other.clone()]);
        let part = |word: &Range<usize>, part: Range<usize>| {
            let part = word.start + part.start..word.start + part.end;
            if part.is_empty() { Vec::new() } else { vec![part] }
        };
        return [part(one, a), part(other, b)];
    }
    let kept = common(left, right, ours, theirs);
    let only = |all: &[Range<usize>], kept: &dyn Fn(usize) -> bool| {
        joined(all.iter().enumerate().filter(|(at, _)| !kept(*at)).map(|(at, word)| (at, word.clone())))
    };
    [
        only(ours, &|at| kept.iter().any(|(one, _)| *one == at)),
        only(theirs, &|at| kept.iter().any(|(_, other)| *other == at)),
    ]
}

/// What stands between blanks and commas.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        let separates = c.is_whitespace() || c == ',';
        match (start, separates) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| from..text.len()));
    words
}

/// Words that stand in both in one order, as many as there can be.
fn common(left: &str, right: &str, ours: &[Range<usize>], theirs: &[Range<usize>]) -> Vec<(usize, usize)> {
    if ours.is_empty() || theirs.is_empty() || ours.len() * theirs.len() > MOST {
        return Vec::new();
    }
    let same = |a: usize, b: usize| left[ours[a].clone()] == right[theirs[b].clone()];
    let wide = theirs.len() + 1;
    let mut longest = vec![0u32; (ours.len() + 1) * wide];
    for a in (0..ours.len()).rev() {
        for b in (0..theirs.len()).rev() {
            longest[a * wide + b] = match same(a, b) {
                true => longest[(a + 1) * wide + b + 1] + 1,
                false => longest[(a + 1) * wide + b].max(longest[a * wide + b + 1]),
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    let mut kept = Vec::new();
    while a < ours.len() && b < theirs.len() {
        if same(a, b) {
            kept.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if longest[(a + 1) * wide + b] >= longest[a * wide + b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    kept
}

/// Neighbours are one part.
fn joined(words: impl Iterator<Item = (usize, Range<usize>)>) -> Vec<Range<usize>> {
    let mut parts: Vec<(usize, Range<usize>)> = Vec::new();
    for (at, word) in words {
        match parts.last_mut() {
            Some((last, part)) if *last + 1 == at => (*last, part.end) = (at, word.end),
            _ => parts.push((at, word)),
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

/// The middle of two words that begin and end alike.
fn inside(left: &str, right: &str) -> (Range<usize>, Range<usize>) {
    let heads = left.chars().zip(right.chars());
    let head: usize = heads.take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
    let tails = left[head..].chars().rev().zip(right[head..].chars().rev());
    let tail: usize = tails.take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
    (head..left.len() - tail, head..right.len() - tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(left: &str, right: &str) -> [String; 2] {
        let [ours, theirs] = differing(left, right);
        let mark = |text: &str, parts: Vec<Range<usize>>| {
            let mut text = text.to_owned();
            for part in parts.into_iter().rev() {
                text.insert(part.end, ']');
                text.insert(part.start, '[');
            }
            text
        };
        [mark(left, ours), mark(right, theirs)]
    }

    #[test]
    fn words_that_differ_are_found() {
        for (left, right, [ours, theirs]) in [
            ("a, b, c", "a, x, c", ["a, [b], c", "a, [x], c"]),
            ("a, b, c", "a, c", ["a, [b], c", "a, c"]),
            ("a b c d", "c d a b", ["[a b] c d", "c d [a b]"]),
            ("3600", "1800", ["[3600]", "[1800]"]),
            ("", "x", ["", "[x]"]),
            ("same", "same", ["same", "same"]),
            (
                "0x0102030405060708090a0b0c",
                "0x01020304ff060708090a0b0c",
                ["0x01020304[05]060708090a0b0c", "0x01020304[ff]060708090a0b0c"],
            ),
        ] {
            assert_eq!(marked(left, right), [ours, theirs]);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_texts_can_be_compared(left in "[ab,é ]{0,30}", right in "\\PC{0,40}") {
            for (text, parts) in [&left, &right].into_iter().zip(differing(&left, &right)) {
                proptest::prop_assert!(parts.windows(2).all(|two| two[0].end <= two[1].start));
                proptest::prop_assert!(parts.iter().all(|part| text.get(part.clone()).is_some_and(|t| !t.is_empty())));
            }
        }
    }
}

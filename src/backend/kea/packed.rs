//! The text of a configuration, kept small.
//!
//! A running server says every default in every subnet, so most of the text is the same few words
//! again and again. Those that a sample of its subnets shares are kept once; a packed text names
//! them by runs of their numbers, and holds only what is between them. It comes back byte for byte.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

/// So many subnets tell which words are shared, and so many bytes of them at most.
const SAMPLE: usize = 256;
const SAMPLE_BYTES: usize = 1 << 20;

/// A step of the code is one byte: its high bit tells a run of words from bytes that stand for
/// themselves, the others their number less one. The number of a run's first word follows.
const IS_RUN: u8 = 0x80;
const MOST: usize = 0x80;
const RUN_STEP: usize = 3;

/// A text of which what is shared is kept once. No formatter shows it: it may hold passwords.
#[derive(Clone)]
pub struct Packed {
    words: Arc<Words>,
    code: Bytes,
}

impl Packed {
    /// The whole of a text, and of it the subnets that stand at these places, in this order.
    pub(super) fn with_parts(text: &[u8], parts: &[Range<usize>]) -> (Self, Vec<Self>) {
        let shared = Arc::new(Words::shared(text, parts));
        let mut packer = Packer::new(&shared);
        let slice = |range: Range<usize>| text.get(range).unwrap_or_default();
        let mut end = 0;
        let codes: Vec<Range<usize>> = parts
            .iter()
            .map(|part| {
                packer.put(slice(end..part.start));
                let from = packer.code.len();
                packer.put(slice(part.clone()));
                end = part.end;
                from..packer.code.len()
            })
            .collect();
        packer.put(slice(end..text.len()));
        let whole = packer.done();
        let parts = codes.into_iter().map(|code| Packed { code: whole.code.slice(code), ..whole.clone() }).collect();
        (whole, parts)
    }

    /// Packs other texts by the words of this one.
    pub(super) fn alike(&self) -> impl FnMut(&[u8]) -> Self {
        let mut packer = Packer::new(&self.words);
        move |text| {
            packer.put(text);
            packer.done()
        }
    }

    /// The text.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.len());
        self.pieces().for_each(|piece| text.extend_from_slice(piece));
        text
    }

    /// How many bytes the text has.
    pub(super) fn len(&self) -> usize {
        self.pieces().map(<[u8]>::len).sum()
    }

    /// Whether this is the text.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        let rest = self.pieces().try_fold(text, |text, piece| text.strip_prefix(piece));
        rest.is_some_and(<[u8]>::is_empty)
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let mut code: &[u8] = &self.code;
        std::iter::from_fn(move || {
            let (&step, rest) = code.split_first()?;
            let count = usize::from(step & !IS_RUN) + 1;
            if step & IS_RUN == 0 {
                let (plain, rest) = rest.split_at_checked(count)?;
                code = rest;
                return Some(plain);
            }
            let (number, rest) = rest.split_first_chunk()?;
            code = rest;
            let first = usize::from(u16::from_le_bytes(*number));
            self.words.run(first..first + count)
        })
    }
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packed({} bytes)", self.len())
    }
}

/// The words that are shared, one behind the other.
struct Words {
    text: Vec<u8>,
    /// Where each begins, and where the last ends.
    bounds: Vec<usize>,
}

impl Words {
    /// Those that subnets of a sample say more than once, in their order.
    fn shared(text: &[u8], parts: &[Range<usize>]) -> Self {
        let mut left = SAMPLE_BYTES;
        let sample = parts.iter().step_by(parts.len().div_ceil(SAMPLE).max(1)).map_while(|part| {
            left = left.checked_sub(part.len())?;
            text.get(part.clone())
        });
        let mut seen: HashMap<&[u8], bool> = HashMap::new();
        let mut order = Vec::new();
        for word in sample.flat_map(words) {
            seen.entry(word).and_modify(|again| *again = true).or_insert_with(|| {
                order.push(word);
                false
            });
        }
        let mut shared = Words { text: Vec::new(), bounds: vec![0] };
        for word in order.into_iter().filter(|word| seen.get(word) == Some(&true)).take(usize::from(u16::MAX)) {
            shared.text.extend_from_slice(word);
            shared.bounds.push(shared.text.len());
        }
        shared
    }

    /// The words of these numbers.
    fn run(&self, numbers: Range<usize>) -> Option<&[u8]> {
        self.text.get(*self.bounds.get(numbers.start)?..*self.bounds.get(numbers.end)?)
    }

    fn word(&self, number: usize) -> Option<&[u8]> {
        self.run(number..number + 1)
    }
}

/// A text's words: each ends where a name or a value does.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| matches!(byte, b',' | b':'))
}

struct Packer<'a> {
    words: &'a Arc<Words>,
    numbers: HashMap<&'a [u8], usize>,
    code: Vec<u8>,
    /// Bytes that stand for themselves, and the words that follow on them.
    plain: Vec<u8>,
    run: Range<usize>,
}

impl<'a> Packer<'a> {
    fn new(words: &'a Arc<Words>) -> Self {
        let numbers = (0..).map_while(|number| Some((words.word(number)?, number))).collect();
        Packer { words, numbers, code: Vec::new(), plain: Vec::new(), run: 0..0 }
    }

    /// Appends a text. Its code ends with it: it can be cut out of that of the whole.
    fn put(&mut self, text: &[u8]) {
        for word in words(text) {
            // the words of one subnet mostly follow on each other as those of another do
            let is_next = self.words.word(self.run.end) == Some(word);
            let number = if is_next { Some(self.run.end) } else { self.numbers.get(word).copied() };
            match number {
                Some(number) if number == self.run.end && self.run.len() < MOST => {
                    self.run.end += 1;
                }
                Some(number) => {
                    self.end_run();
                    self.run = number..number + 1;
                }
                None => {
                    self.end_run();
                    self.plain.extend_from_slice(word);
                }
            }
        }
        self.end_run();
        self.end_plain();
    }

    /// The next word is looked for where the run ended.
    fn end_run(&mut self) {
        let words = self.words.run(self.run.clone()).unwrap_or_default();
        let step = step(self.run.len()).zip(u16::try_from(self.run.start).ok());
        match step.filter(|_| words.len() > RUN_STEP) {
            Some((step, first)) => {
                self.end_plain();
                self.code.push(step | IS_RUN);
                self.code.extend(first.to_le_bytes());
            }
            None => self.plain.extend_from_slice(words),
        }
        self.run.start = self.run.end;
    }

    fn end_plain(&mut self) {
        for plain in self.plain.chunks(MOST) {
            self.code.extend(step(plain.len()));
            self.code.extend_from_slice(plain);
        }
        self.plain.clear();
    }

    fn done(&mut self) -> Packed {
        let mut code = std::mem::take(&mut self.code);
        code.shrink_to_fit();
        Packed { words: self.words.clone(), code: code.into() }
    }
}

/// The number of a step's words or bytes, which is at least one.
fn step(count: usize) -> Option<u8> {
    count.checked_sub(1).and_then(|less_one| u8::try_from(less_one).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subnets(count: usize) -> Vec<u8> {
        let subnet = |n: usize| {
            format!(
                r#"{{ "allocator": "iterative", "calculate-tee-times": false, "id": {n}, "option-data": [ ], "subnet": "10.0.{n}.0/24" }}"#
            )
        };
        format!("[ {} ]", (0..count).map(subnet).collect::<Vec<_>>().join(", ")).into_bytes()
    }

    fn each_object(text: &[u8]) -> Vec<Range<usize>> {
        let places = |wanted| text.iter().enumerate().filter(move |(_, byte)| **byte == wanted).map(|(at, _)| at);
        places(b'{').zip(places(b'}')).map(|(start, end)| start..end + 1).collect()
    }

    #[test]
    fn what_subnets_share_is_kept_once_and_each_can_be_cut_out() {
        let text = subnets(200);
        let parts = each_object(&text);
        let (whole, packed) = Packed::with_parts(&text, &parts);
        assert_eq!((whole.text(), whole.len()), (text.clone(), text.len()));
        assert!(
            whole.is(&text) && !whole.is(&text[1..]) && !whole.is(&text[..9]) && !whole.is(&[&text[..], b" "].concat())
        );
        for (part, packed) in parts.into_iter().zip(packed) {
            assert_eq!(packed.text(), &text[part]);
        }
        assert!(whole.code.len() * 3 < text.len(), "{} of {} bytes", whole.code.len(), text.len());
        assert!(!format!("{whole:?}").contains("iterative"));
    }

    proptest! {
        #[test]
        fn any_text_comes_back(words in proptest::collection::vec("[a-c]{0,3}[,:]|\\PC{0,200},", 0..400), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..9)) {
            let text = words.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.sort_unstable();
            let parts: Vec<Range<usize>> = cuts.chunks_exact(2).map(|cut| cut[0]..cut[1]).collect();
            let (whole, packed) = Packed::with_parts(&text, &parts);
            let cut = cuts.first().copied().unwrap_or_default();
            prop_assert!(whole.is(&text) && whole.text() == text && whole.alike()(&text[cut..]).is(&text[cut..]));
            for (part, packed) in parts.into_iter().zip(packed) {
                prop_assert_eq!(packed.text(), &text[part]);
            }
        }
    }
}

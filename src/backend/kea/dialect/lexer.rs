//! Tokens of a file and of everything that it includes.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::error::{Place, Problem, SyntaxError};
use super::{FileIndex, LoadError, MAX_INCLUDE_DEPTH, MAX_INCLUDES, Position, Source, text};
use crate::model::Foreign;

/// A token of the dialect.
#[derive(Debug)]
pub(super) enum Token {
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Comma,
    Colon,
    String(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Null,
    End,
}

impl Token {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Token::OpenBrace => "{",
            Token::CloseBrace => "}",
            Token::OpenBracket => "[",
            Token::CloseBracket => "]",
            Token::Comma => "a comma",
            Token::Colon => "a colon",
            Token::String(_) => "a string",
            Token::Integer(_) | Token::Float(_) => "a number",
            Token::Bool(_) => "true or false",
            Token::Null => "null",
            Token::End => "the end of the file",
        }
    }
}

/// A token with its first byte and the one after its last.
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) start: Position,
    pub(super) end: Position,
}

pub(super) struct Lexer<L> {
    sources: Vec<Source>,
    /// The open files, outermost first: where reading goes on in each.
    open: Vec<(FileIndex, usize)>,
    load: L,
}

impl<L: FnMut(&[u8]) -> Result<Vec<u8>, LoadError>> Lexer<L> {
    pub(super) fn new(path: PathBuf, text: Bytes, load: L) -> Result<Self, SyntaxError> {
        let mut lexer = Lexer { sources: Vec::new(), open: Vec::new(), load };
        lexer.push(path, text, None)?;
        Ok(lexer)
    }

    pub(super) fn into_sources(self) -> Vec<Source> {
        self.sources
    }

    /// An error at a place.
    pub(super) fn error(&self, at: Position, problem: Problem) -> SyntaxError {
        SyntaxError { place: self.place(at), problem }
    }

    pub(super) fn place(&self, at: Position) -> Place {
        let source = &self.sources[at.file.0 as usize];
        Place::of(&source.path, &source.text, at.offset())
    }

    /// The next token; [`Token::End`] again and again at the end.
    pub(super) fn next(&mut self) -> Result<Lexeme, SyntaxError> {
        loop {
            self.skip_space();
            let at = self.here();
            match (self.peek(0), self.peek(1)) {
                (None, _) if self.open.len() > 1 => self.leave_include()?,
                (None, _) => return Ok(Lexeme { token: Token::End, start: at, end: at }),
                (Some(b'#'), _) | (Some(b'/'), Some(b'/')) => self.skip_line(),
                (Some(b'/'), Some(b'*')) => self.skip_block(at)?,
                (Some(b'<'), Some(b'?')) => self.enter_include(at)?,
                (Some(byte), _) => {
                    let token = self.token(byte, at)?;
                    return Ok(Lexeme { token, start: at, end: self.here() });
                }
            }
        }
    }

    fn token(&mut self, byte: u8, at: Position) -> Result<Token, SyntaxError> {
        let single = match byte {
            b'{' => Token::OpenBrace,
            b'}' => Token::CloseBrace,
            b'[' => Token::OpenBracket,
            b']' => Token::CloseBracket,
            b',' => Token::Comma,
            b':' => Token::Colon,
            b'"' => return self.string(at),
            b'-' | b'+' | b'.' | b'0'..=b'9' => return self.number(at),
            _ => return self.keyword(byte, at),
        };
        self.advance(1);
        Ok(single)
    }

    fn keyword(&mut self, byte: u8, at: Position) -> Result<Token, SyntaxError> {
        let rest = self.rest();
        for (word, token) in [("true", Token::Bool(true)), ("false", Token::Bool(false)), ("null", Token::Null)] {
            match rest.get(..word.len()) {
                Some(found) if found == word.as_bytes() => {
                    self.advance(word.len());
                    return Ok(token);
                }
                Some(found) if found.eq_ignore_ascii_case(word.as_bytes()) => {
                    return Err(self.error(at, Problem::KeywordCase));
                }
                _ => {}
            }
        }
        Err(self.error(at, Problem::Character(byte)))
    }

    fn number(&mut self, at: Position) -> Result<Token, SyntaxError> {
        let rest = self.rest();
        let digits = |from: usize| rest[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let sign = usize::from(matches!(rest[0], b'-' | b'+'));
        let mut length = sign + digits(sign);
        let mut integer = length > sign && rest[0] != b'+';
        if rest.get(length) == Some(&b'.') {
            integer = false;
            length += 1;
            length += digits(length);
        }
        if matches!(rest.get(length), Some(b'e' | b'E')) {
            let exponent = length + 1 + usize::from(matches!(rest.get(length + 1), Some(b'-' | b'+')));
            if exponent <= rest.len() && digits(exponent) > 0 {
                integer = false;
                length = exponent + digits(exponent);
            }
        }
        let text = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let token = if integer {
            text.parse().ok().map(Token::Integer)
        } else {
            text.parse().ok().filter(|f: &f64| f.is_finite()).map(Token::Float)
        };
        let token = token.ok_or_else(|| self.error(at, Problem::Number))?;
        self.advance(length);
        Ok(token)
    }

    fn string(&mut self, at: Position) -> Result<Token, SyntaxError> {
        let rest = self.rest();
        let here = |offset: usize| Position { file: at.file, offset: at.offset + offset as u32 };
        let mut bytes = Vec::new();
        let mut from = 1;
        loop {
            let plain = rest[from..].iter().take_while(|b| **b >= 0x20 && **b != b'"' && **b != b'\\').count();
            bytes.extend_from_slice(&rest[from..from + plain]);
            from += plain;
            match rest.get(from) {
                None => return Err(self.error(at, Problem::OpenString)),
                Some(b'"') => break,
                Some(b'\\') => {
                    let (byte, length) =
                        escape(&rest[from + 1..]).map_err(|problem| self.error(here(from), problem))?;
                    bytes.push(byte);
                    from += 1 + length;
                }
                // A newline is most often a forgotten quote.
                Some(b'\n') => return Err(self.error(at, Problem::OpenString)),
                Some(control) => return Err(self.error(here(from), Problem::Control(*control))),
            }
        }
        self.advance(from + 1);
        Ok(Token::String(text::from_bytes(bytes)))
    }

    fn enter_include(&mut self, at: Position) -> Result<(), SyntaxError> {
        self.advance(2);
        self.skip_space();
        if !self.rest().starts_with(b"include") {
            return Err(self.error(at, Problem::Directive));
        }
        self.advance("include".len());
        self.skip_space();
        let rest = self.rest();
        let length = rest.iter().skip(1).take_while(|b| !matches!(b, b'"' | b'\n')).count();
        if rest.first() != Some(&b'"') || length == 0 || rest.get(length + 1) != Some(&b'"') {
            return Err(self.error(at, Problem::Directive));
        }
        let name = rest[1..=length].to_vec();
        self.advance(length + 2);
        if self.open.len() > MAX_INCLUDE_DEPTH || self.sources.len() > MAX_INCLUDES {
            return Err(self.error(at, Problem::TooManyIncludes));
        }
        let text = (self.load)(&name).map_err(|LoadError { message, missing }| {
            let name = Foreign::from(String::from_utf8_lossy(&name).into_owned());
            self.error(at, Problem::Include { name, message, missing })
        })?;
        self.push(path_of(&name), text.into(), Some(at))
    }

    fn push(&mut self, path: PathBuf, text: Bytes, at: Option<Position>) -> Result<(), SyntaxError> {
        let file = FileIndex(self.sources.len() as u32);
        let fits = u32::try_from(text.len()).is_ok();
        self.sources.push(Source { path, text, directive: at.map(|at| (at, at)) });
        self.open.push((file, 0));
        if fits { Ok(()) } else { Err(self.error(Position { file, offset: 0 }, Problem::TooBig)) }
    }

    /// The included text is at its end: the directive must close now.
    fn leave_include(&mut self) -> Result<(), SyntaxError> {
        let left = self.open.pop();
        self.skip_space();
        if !self.rest().starts_with(b"?>") {
            return Err(self.error(self.here(), Problem::Directive));
        }
        self.advance(2);
        let end = self.here();
        let left = left.and_then(|(file, _)| self.sources.get_mut(file.0 as usize));
        if let Some((_, until)) = left.and_then(|source| source.directive.as_mut()) {
            *until = end;
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        let length = self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.advance(length);
    }

    fn skip_line(&mut self) {
        let length = self.rest().iter().take_while(|b| **b != b'\n').count();
        self.advance(length);
    }

    fn skip_block(&mut self, at: Position) -> Result<(), SyntaxError> {
        let end = self.rest()[2..].windows(2).position(|pair| pair == b"*/");
        let length = end.ok_or_else(|| self.error(at, Problem::OpenComment))?;
        self.advance(length + 4);
        Ok(())
    }

    fn here(&self) -> Position {
        let (file, offset) = self.open.last().copied().unwrap_or((FileIndex::MAIN, 0));
        Position { file, offset: offset as u32 }
    }

    fn rest(&self) -> &[u8] {
        let at = self.here();
        &self.sources[at.file.0 as usize].text[at.offset()..]
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.rest().get(ahead).copied()
    }

    fn advance(&mut self, by: usize) {
        if let Some((_, offset)) = self.open.last_mut() {
            *offset += by;
        }
    }
}

/// The byte that an escape stands for, and its length without the backslash.
fn escape(rest: &[u8]) -> Result<(u8, usize), Problem> {
    let simple = match rest.first() {
        Some(b'u') => return wide_escape(&rest[1..]),
        Some(b @ (b'"' | b'\\' | b'/')) => *b,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        _ => return Err(Problem::Escape),
    };
    Ok((simple, 1))
}

fn wide_escape(rest: &[u8]) -> Result<(u8, usize), Problem> {
    let mut value = 0;
    for at in 0..4 {
        let digit = rest.get(at).and_then(|b| char::from(*b).to_digit(16)).ok_or(Problem::Escape)?;
        value = value * 16 + digit;
    }
    Ok((u8::try_from(value).map_err(|_| Problem::WideEscape)?, 5))
}

/// The file name that a directive's bytes mean.
#[cfg(unix)]
pub(crate) fn path_of(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(name)).to_owned()
}

/// The file name that a directive's bytes mean.
#[cfg(not(unix))]
pub(crate) fn path_of(name: &[u8]) -> PathBuf {
    Path::new(String::from_utf8_lossy(name).as_ref()).to_owned()
}

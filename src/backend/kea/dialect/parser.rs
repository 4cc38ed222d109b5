//! Tokens become a tree, or JSON text.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;

use super::error::{Problem, SyntaxError};
use super::lexer::{Lexeme, Lexer, Token};
use super::{Document, Key, LoadError, MAX_DEPTH, Node, Position, Value};
use crate::model::Foreign;

pub(super) fn parse<L>(path: PathBuf, text: Bytes, load: L) -> Result<Document, SyntaxError>
where
    L: FnMut(&[u8]) -> Result<Vec<u8>, LoadError>,
{
    let mut parser = Parser { lexer: Lexer::new(path, text, load)?, depth: 0, made: Tree };
    let root = parser.all()?;
    Ok(Document { root, sources: parser.lexer.into_sources() })
}

pub(super) fn to_json<L>(path: PathBuf, text: Bytes, load: L) -> Result<Vec<u8>, SyntaxError>
where
    L: FnMut(&[u8]) -> Result<Vec<u8>, LoadError>,
{
    let made = JsonText(Vec::with_capacity(text.len()));
    let mut parser = Parser { lexer: Lexer::new(path, text, load)?, depth: 0, made };
    parser.all()?;
    let mut json = parser.made.0;
    json.shrink_to_fit();
    Ok(json)
}

/// What a document is made into.
trait Make {
    /// What an array or object keeps of each value in it.
    type Node;

    /// An array or object begins.
    fn open(&mut self, _bracket: u8) {}

    /// An element, or a member of this name, comes next; `first` in what holds it.
    fn next(&mut self, _key: Option<&str>, _first: bool) {}

    /// A value that holds no others.
    fn leaf(&mut self, value: Value, place: Range<Position>) -> Self::Node;

    /// An array ends.
    fn array(&mut self, elements: Vec<Self::Node>, around: Around) -> Self::Node;

    /// An object ends.
    fn object(&mut self, members: Vec<(Key, Self::Node)>, around: Around) -> Self::Node;
}

/// Where an array or object stands, and whether its last comma is one too many.
struct Around {
    start: Position,
    end: Position,
    trailing_comma: bool,
}

/// Makes nodes that know their places.
struct Tree;

impl Make for Tree {
    type Node = Node;

    fn leaf(&mut self, value: Value, place: Range<Position>) -> Node {
        Node { value, start: place.start, end: place.end, trailing_comma: false }
    }

    fn array(&mut self, elements: Vec<Node>, Around { start, end, trailing_comma }: Around) -> Node {
        Node { value: Value::Array(elements), start, end, trailing_comma }
    }

    fn object(&mut self, members: Vec<(Key, Node)>, Around { start, end, trailing_comma }: Around) -> Node {
        Node { value: Value::Object(members), start, end, trailing_comma }
    }
}

/// Makes the text of the same values in JSON: a tree of 100 000 subnets takes ten times the memory of
/// its text.
struct JsonText(Vec<u8>);

impl JsonText {
    fn write(&mut self, value: &(impl serde::Serialize + ?Sized)) {
        // Memory takes whatever is written, and no plain value is refused.
        let _ = serde_json::to_writer(&mut self.0, value);
    }
}

impl Make for JsonText {
    type Node = ();

    fn open(&mut self, bracket: u8) {
        self.0.push(bracket);
    }

    fn next(&mut self, key: Option<&str>, first: bool) {
        if !first {
            self.0.push(b',');
        }
        if let Some(key) = key {
            self.write(key);
            self.0.push(b':');
        }
    }

    fn leaf(&mut self, value: Value, _: Range<Position>) {
        match value {
            Value::Bool(truth) => self.write(&truth),
            Value::Integer(number) => self.write(&number),
            Value::Float(number) => self.write(&number),
            Value::String(text) => self.write(&text),
            Value::Null | Value::Array(_) | Value::Object(_) => self.write(&()),
        }
    }

    fn array(&mut self, _: Vec<()>, _: Around) {
        self.0.push(b']');
    }

    fn object(&mut self, _: Vec<(Key, ())>, _: Around) {
        self.0.push(b'}');
    }
}

struct Parser<L, M> {
    lexer: Lexer<L>,
    depth: usize,
    made: M,
}

impl<L: FnMut(&[u8]) -> Result<Vec<u8>, LoadError>, M: Make> Parser<L, M> {
    fn all(&mut self) -> Result<M::Node, SyntaxError> {
        let first = self.lexer.next()?;
        let root = self.node(first)?;
        let last = self.lexer.next()?;
        match last.token {
            Token::End => Ok(root),
            _ => Err(self.unexpected(&last, "the end of the file")),
        }
    }

    fn node(&mut self, first: Lexeme) -> Result<M::Node, SyntaxError> {
        let Lexeme { token, start, end } = first;
        let value = match token {
            Token::OpenBrace => return self.nested(b'{', start, Self::object),
            Token::OpenBracket => return self.nested(b'[', start, Self::array),
            Token::String(text) => Value::String(text),
            Token::Integer(number) => Value::Integer(number),
            Token::Float(number) => Value::Float(number),
            Token::Bool(truth) => Value::Bool(truth),
            Token::Null => Value::Null,
            token => return Err(self.unexpected(&Lexeme { token, start, end }, "a value")),
        };
        Ok(self.made.leaf(value, start..end))
    }

    fn nested(
        &mut self,
        bracket: u8,
        start: Position,
        inner: fn(&mut Self, Position) -> Result<M::Node, SyntaxError>,
    ) -> Result<M::Node, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(self.lexer.error(start, Problem::TooDeep));
        }
        self.depth += 1;
        self.made.open(bracket);
        let node = inner(self, start)?;
        self.depth -= 1;
        Ok(node)
    }

    fn array(&mut self, start: Position) -> Result<M::Node, SyntaxError> {
        let mut elements = Vec::new();
        loop {
            let (lexeme, commas) = self.after_commas(elements.is_empty())?;
            if matches!(lexeme.token, Token::CloseBracket) {
                return Ok(self.made.array(elements, Around { start, end: lexeme.end, trailing_comma: commas }));
            }
            if !elements.is_empty() && !commas {
                return Err(self.unexpected(&lexeme, "a comma or ]"));
            }
            self.made.next(None, elements.is_empty());
            elements.push(self.node(lexeme)?);
        }
    }

    fn object(&mut self, start: Position) -> Result<M::Node, SyntaxError> {
        let mut members: Vec<(Key, M::Node)> = Vec::new();
        let mut index = None;
        loop {
            let (lexeme, commas) = self.after_commas(members.is_empty())?;
            let text = match lexeme.token {
                Token::CloseBrace => {
                    return Ok(self.made.object(members, Around { start, end: lexeme.end, trailing_comma: commas }));
                }
                _ if !members.is_empty() && !commas => {
                    return Err(self.unexpected(&lexeme, "a comma or }"));
                }
                Token::String(text) => text,
                _ => return Err(self.unexpected(&lexeme, "a key or }")),
            };
            let key = Key { text, start: lexeme.start };
            self.refuse_duplicate(&members, &mut index, &key)?;
            let colon = self.lexer.next()?;
            if !matches!(colon.token, Token::Colon) {
                return Err(self.unexpected(&colon, "a colon"));
            }
            let first = self.lexer.next()?;
            self.made.next(Some(&key.text), members.is_empty());
            let node = self.node(first)?;
            members.push((key, node));
        }
    }

    /// The next token that is no comma, and whether there was a comma before it.
    fn after_commas(&mut self, empty: bool) -> Result<(Lexeme, bool), SyntaxError> {
        let mut commas = false;
        loop {
            let lexeme = self.lexer.next()?;
            match lexeme.token {
                Token::Comma if empty => return Err(self.lexer.error(lexeme.start, Problem::LeadingComma)),
                Token::Comma => commas = true,
                _ => return Ok((lexeme, commas)),
            }
        }
    }

    fn refuse_duplicate(
        &self,
        members: &[(Key, M::Node)],
        index: &mut Option<HashMap<String, Position>>,
        key: &Key,
    ) -> Result<(), SyntaxError> {
        // Objects of a configuration are small; only a hostile one is worth an index.
        const SMALL: usize = 64;
        let first = if members.len() < SMALL {
            members.iter().find(|(k, _)| k.text == key.text).map(|(k, _)| k.start)
        } else {
            let seen = index.get_or_insert_with(|| members.iter().map(|(k, _)| (k.text.clone(), k.start)).collect());
            seen.insert(key.text.clone(), key.start)
        };
        let Some(first) = first else { return Ok(()) };
        let place = self.lexer.place(first);
        Err(self.lexer.error(
            key.start,
            Problem::DuplicateKey {
                key: Foreign::from(key.text.as_str()),
                file: Foreign::from(place.path.to_string_lossy().into_owned()),
                line: place.line,
                column: place.column,
            },
        ))
    }

    fn unexpected(&self, lexeme: &Lexeme, expected: &'static str) -> SyntaxError {
        self.lexer.error(lexeme.start, Problem::Unexpected { expected, found: lexeme.token.name() })
    }
}

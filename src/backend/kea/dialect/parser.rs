//! Tokens become a tree.

use std::collections::HashMap;
use std::path::PathBuf;

use super::error::{Problem, SyntaxError};
use super::lexer::{Lexeme, Lexer, Token};
use super::{Document, Key, LoadError, MAX_DEPTH, Node, Position, Value};
use crate::model::Foreign;

pub(super) fn parse<L>(path: PathBuf, text: Vec<u8>, load: L) -> Result<Document, SyntaxError>
where
    L: FnMut(&[u8]) -> Result<Vec<u8>, LoadError>,
{
    let mut parser = Parser { lexer: Lexer::new(path, text, load)?, depth: 0 };
    let first = parser.lexer.next()?;
    let root = parser.node(first)?;
    let last = parser.lexer.next()?;
    match last.token {
        Token::End => Ok(Document { root, sources: parser.lexer.into_sources() }),
        _ => Err(parser.unexpected(&last, "the end of the file")),
    }
}

struct Parser<L> {
    lexer: Lexer<L>,
    depth: usize,
}

impl<L: FnMut(&[u8]) -> Result<Vec<u8>, LoadError>> Parser<L> {
    fn node(&mut self, first: Lexeme) -> Result<Node, SyntaxError> {
        let leaf = |value| Ok(Node { value, start: first.start, end: first.end, trailing_comma: false });
        match first.token {
            Token::OpenBrace => self.nested(&first, Self::object),
            Token::OpenBracket => self.nested(&first, Self::array),
            Token::String(text) => leaf(Value::String(text)),
            Token::Integer(number) => leaf(Value::Integer(number)),
            Token::Float(number) => leaf(Value::Float(number)),
            Token::Bool(truth) => leaf(Value::Bool(truth)),
            Token::Null => leaf(Value::Null),
            _ => Err(self.unexpected(&first, "a value")),
        }
    }

    fn nested(
        &mut self,
        first: &Lexeme,
        inner: fn(&mut Self, Position) -> Result<Node, SyntaxError>,
    ) -> Result<Node, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(self.lexer.error(first.start, Problem::TooDeep));
        }
        self.depth += 1;
        let node = inner(self, first.start)?;
        self.depth -= 1;
        Ok(node)
    }

    fn array(&mut self, start: Position) -> Result<Node, SyntaxError> {
        let mut elements = Vec::new();
        loop {
            let (lexeme, commas) = self.after_commas(elements.is_empty())?;
            if matches!(lexeme.token, Token::CloseBracket) {
                let value = Value::Array(elements);
                return Ok(Node { value, start, end: lexeme.end, trailing_comma: commas });
            }
            if !elements.is_empty() && !commas {
                return Err(self.unexpected(&lexeme, "a comma or ]"));
            }
            elements.push(self.node(lexeme)?);
        }
    }

    fn object(&mut self, start: Position) -> Result<Node, SyntaxError> {
        let mut members: Vec<(Key, Node)> = Vec::new();
        let mut index = None;
        loop {
            let (lexeme, commas) = self.after_commas(members.is_empty())?;
            let text = match lexeme.token {
                Token::CloseBrace => {
                    let value = Value::Object(members);
                    return Ok(Node { value, start, end: lexeme.end, trailing_comma: commas });
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
        members: &[(Key, Node)],
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

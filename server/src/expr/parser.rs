//! Tokens to tree, with the messages Apache gives for text that is no expression. One token of
//! look-ahead is enough.

use super::{
    lexer::{Lexer, Token},
    tree::{Comparison, Condition, Language, List, Order, Word},
};

/// What a text needs from the host to become a tree. Failures are messages for the user.
pub(crate) trait Names: Language {
    type Error: From<String>;

    fn literal(&mut self, text: &[u8]) -> Self::Literal;
    fn variable(&mut self, name: &[u8]) -> Result<Self::Variable, Self::Error>;
    /// The argument is known here if it is a constant; so below.
    fn function(
        &mut self,
        name: &[u8],
        argument: Option<&Self::Literal>,
    ) -> Result<Self::Function, Self::Error>;
    fn list_function(
        &mut self,
        name: &[u8],
        argument: Option<&Self::Literal>,
    ) -> Result<Self::ListFunction, Self::Error>;
    fn unary(
        &mut self,
        name: &[u8],
        argument: Option<&Self::Literal>,
    ) -> Result<Self::Unary, Self::Error>;
    fn binary(
        &mut self,
        name: &[u8],
        right: Option<&Self::Literal>,
    ) -> Result<Self::Binary, Self::Error>;
    fn regex(&mut self, pattern: &[u8], ignore_case: bool) -> Result<Self::Regex, Self::Error>;
    /// Whether words are compared as `SSLRequire` has it.
    fn compares_by_length(&self) -> bool {
        false
    }
}

/// How deep parentheses, `!` and `%{...:%{...}}` go; deeper is refused, so that a user's text
/// cannot use up the stack.
const DEEPEST: usize = 200;

/// Reads a condition.
pub(crate) fn parse_condition<N: Names>(
    text: &[u8],
    names: &mut N,
) -> Result<Condition<N>, N::Error> {
    let mut parser = Parser::new(Lexer::new(text), names);
    let condition = parser.any()?;
    match parser.token {
        Token::End => Ok(condition),
        _ => Err(parser.unexpected("$end")),
    }
}

/// Reads a text with `%{...}` in it.
pub(crate) fn parse_text<N: Names>(text: &[u8], names: &mut N) -> Result<Word<N>, N::Error> {
    let mut parser = Parser::new(Lexer::in_text(text), names);
    let word = parser.pieces()?;
    match parser.token {
        Token::End => Ok(word),
        _ => Err(parser.unexpected("$end")),
    }
}

struct Parser<'n, 't, N: Names> {
    lexer: Lexer<'t>,
    /// The next token.
    token: Token,
    names: &'n mut N,
    depth: usize,
}

/// A word while it is read: text that is next to text becomes one.
enum Part<N: Names> {
    Text(Vec<u8>),
    Other(Word<N>),
}

impl<'n, 't, N: Names> Parser<'n, 't, N> {
    fn new(mut lexer: Lexer<'t>, names: &'n mut N) -> Self {
        Self {
            token: lexer.next(),
            lexer,
            names,
            depth: 0,
        }
    }

    /// Conditions with `||` between.
    fn any(&mut self) -> Result<Condition<N>, N::Error> {
        self.enter()?;
        let first = self.all()?;
        let mut parts = vec![first];
        while self.token == Token::Or {
            self.advance();
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(single_or(parts, Condition::Any))
    }

    /// Conditions with `&&` between.
    fn all(&mut self) -> Result<Condition<N>, N::Error> {
        let mut parts = vec![self.condition()?];
        while self.token == Token::And {
            self.advance();
            parts.push(self.condition()?);
        }
        Ok(single_or(parts, Condition::All))
    }

    fn condition(&mut self) -> Result<Condition<N>, N::Error> {
        match &self.token {
            Token::True | Token::False => {
                let answer = self.advance() == Token::True;
                Ok(Condition::Constant(answer))
            }
            Token::Not => {
                self.advance();
                self.enter()?;
                let inner = self.condition()?;
                self.depth -= 1;
                Ok(Condition::Not(Box::new(inner)))
            }
            Token::Mark(b'(') => {
                self.advance();
                let inner = self.any()?;
                self.expect(&Token::Mark(b')'), "T_OP_OR or T_OP_AND or ')'")?;
                Ok(inner)
            }
            Token::Unary(_) => {
                let Token::Unary(name) = self.advance() else {
                    unreachable!("the token was looked at");
                };
                let operand = self.word()?;
                let operator = self.names.unary(&name, operand.constant())?;
                Ok(Condition::Unary(operator, operand))
            }
            Token::Bad(reason) => Err(reason.clone().into()),
            _ => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Result<Condition<N>, N::Error> {
        let left = self.word()?;
        let by_length = self.names.compares_by_length();
        let compared = |relation, order| Comparison {
            relation,
            order: if by_length { Order::Length } else { order },
        };
        match self.token {
            Token::Text(relation) => {
                self.advance();
                let right = self.word()?;
                Ok(Condition::Compare(
                    compared(relation, Order::Bytes),
                    left,
                    right,
                ))
            }
            Token::Number(relation) => {
                self.advance();
                let right = self.word()?;
                Ok(Condition::Compare(
                    compared(relation, Order::Numbers),
                    left,
                    right,
                ))
            }
            Token::In => {
                self.advance();
                Ok(Condition::In(left, self.list()?))
            }
            Token::Match | Token::NoMatch => {
                let wanted = self.advance() == Token::Match;
                let regex = self.regex()?;
                Ok(Condition::Matches {
                    word: left,
                    regex,
                    wanted,
                })
            }
            Token::Binary(_) => {
                let Token::Binary(name) = self.advance() else {
                    unreachable!("the token was looked at");
                };
                let right = self.word()?;
                let operator = self.names.binary(&name, right.constant())?;
                Ok(Condition::Binary(operator, left, right))
            }
            _ => Err(self.unexpected("")),
        }
    }

    fn regex(&mut self) -> Result<N::Regex, N::Error> {
        match self.token {
            Token::Regex { .. } => match self.advance() {
                Token::Regex {
                    pattern,
                    ignore_case,
                } => self.names.regex(&pattern, ignore_case),
                _ => unreachable!("the token was looked at"),
            },
            _ => Err(self.unexpected("T_REGEX or T_REGEX_I")),
        }
    }

    fn list(&mut self) -> Result<List<N>, N::Error> {
        match &self.token {
            Token::Name(_) => {
                let Token::Name(name) = self.advance() else {
                    unreachable!("the token was looked at");
                };
                let argument = self.in_parentheses()?;
                let function = self.names.list_function(&name, argument.constant())?;
                Ok(List::Function(function, argument))
            }
            Token::Mark(b'{') => {
                self.advance();
                let mut words = vec![self.word()?];
                while self.token == Token::Mark(b',') {
                    self.advance();
                    words.push(self.word()?);
                }
                self.expect(&Token::Mark(b'}'), "'}' or ','")?;
                Ok(List::Words(words))
            }
            _ => Err(self.unexpected("T_ID or '{'")),
        }
    }

    /// Pieces with `.` between.
    fn word(&mut self) -> Result<Word<N>, N::Error> {
        let mut parts = Vec::new();
        loop {
            self.piece_of_word(&mut parts)?;
            if self.token != Token::Mark(b'.') {
                return Ok(self.joined(parts));
            }
            self.advance();
        }
    }

    fn piece_of_word(&mut self, parts: &mut Vec<Part<N>>) -> Result<(), N::Error> {
        match &self.token {
            Token::Digits(_) | Token::Group(_) | Token::VariableBegin => self.piece(parts),
            Token::StringBegin => {
                self.advance();
                while self.token != Token::StringEnd {
                    self.piece(parts)?;
                }
                self.advance();
                Ok(())
            }
            Token::Name(_) => {
                let Token::Name(name) = self.advance() else {
                    unreachable!("the token was looked at");
                };
                let argument = self.in_parentheses()?;
                let function = self.names.function(&name, argument.constant())?;
                add(
                    parts,
                    Part::Other(Word::Function(function, Box::new(argument))),
                );
                Ok(())
            }
            _ => Err(self.unexpected("")),
        }
    }

    /// `( word )`
    fn in_parentheses(&mut self) -> Result<Word<N>, N::Error> {
        self.expect(&Token::Mark(b'('), "'('")?;
        self.enter()?;
        let word = self.word()?;
        self.depth -= 1;
        self.expect(&Token::Mark(b')'), "T_OP_CONCAT or ')'")?;
        Ok(word)
    }

    /// What stands in a string or after `%{name:`, up to its end.
    fn pieces(&mut self) -> Result<Word<N>, N::Error> {
        let mut parts = Vec::new();
        while !matches!(self.token, Token::VariableEnd | Token::End) {
            self.piece(&mut parts)?;
        }
        Ok(self.joined(parts))
    }

    fn piece(&mut self, parts: &mut Vec<Part<N>>) -> Result<(), N::Error> {
        let part = match self.advance() {
            Token::Piece(text) | Token::Digits(text) => Part::Text(text),
            Token::Group(number) => Part::Other(Word::Group(number)),
            Token::VariableBegin => Part::Other(self.variable()?),
            Token::Bad(reason) => return Err(reason.into()),
            other => {
                self.token = other;
                return Err(self.unexpected(""));
            }
        };
        add(parts, part);
        Ok(())
    }

    /// After `%{`.
    fn variable(&mut self) -> Result<Word<N>, N::Error> {
        let Token::Name(name) = &self.token else {
            return Err(self.unexpected("T_ID"));
        };
        let name = name.clone();
        self.advance();
        match self.token {
            Token::VariableEnd => {
                self.advance();
                Ok(Word::Variable(self.names.variable(&name)?))
            }
            Token::Colon => {
                self.advance();
                if self.token == Token::VariableEnd {
                    let expected = "T_ERROR or T_STRING or T_REGEX_BACKREF or T_VAR_BEGIN";
                    return Err(self.unexpected(expected));
                }
                self.enter()?;
                let argument = self.pieces()?;
                self.depth -= 1;
                self.expect(&Token::VariableEnd, "")?;
                let function = self.names.function(&name, argument.constant())?;
                Ok(Word::Function(function, Box::new(argument)))
            }
            _ => Err(self.unexpected("T_VAR_END or ':'")),
        }
    }

    fn joined(&mut self, parts: Vec<Part<N>>) -> Word<N> {
        let mut words: Vec<_> = parts
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => Word::Literal(self.names.literal(&text)),
                Part::Other(word) => word,
            })
            .collect();
        match words.len() {
            0 => Word::Literal(self.names.literal(b"")),
            1 => words.remove(0),
            _ => Word::Joined(words),
        }
    }

    /// Takes the token and reads the next one.
    fn advance(&mut self) -> Token {
        std::mem::replace(&mut self.token, self.lexer.next())
    }

    fn expect(&mut self, wanted: &Token, expected: &str) -> Result<(), N::Error> {
        if self.token == *wanted {
            self.advance();
            return Ok(());
        }
        Err(self.unexpected(expected))
    }

    /// The message about the token that does not fit.
    fn unexpected(&self, expected: &str) -> N::Error {
        let mut message = format!("syntax error, unexpected {}", self.token.name());
        if !expected.is_empty() {
            message += ", expecting ";
            message += expected;
        }
        if let Token::Bad(reason) = &self.token {
            message += ": ";
            message += reason;
        }
        message.into()
    }

    fn enter(&mut self) -> Result<(), N::Error> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("expression is nested too deeply".to_owned().into());
        }
        Ok(())
    }
}

impl<L: Language> Word<L> {
    /// The text, if it is always the same.
    fn constant(&self) -> Option<&L::Literal> {
        match self {
            Self::Literal(literal) => Some(literal),
            _ => None,
        }
    }
}

/// Adds a part; text after text is one text, and a word keeps no empty ones.
fn add<N: Names>(parts: &mut Vec<Part<N>>, part: Part<N>) {
    match (parts.last_mut(), part) {
        (Some(Part::Text(before)), Part::Text(text)) => before.extend_from_slice(&text),
        (_, Part::Text(text)) if text.is_empty() => {}
        (_, part) => parts.push(part),
    }
}

/// The only condition, or all of them as one.
fn single_or<N: Names>(
    mut parts: Vec<Condition<N>>,
    combine: fn(Vec<Condition<N>>) -> Condition<N>,
) -> Condition<N> {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        combine(parts)
    }
}

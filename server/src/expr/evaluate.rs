//! Walks a tree and tells what it amounts to; the context knows variables and functions.

use std::cmp::Ordering;

use super::tree::{Comparison, Condition, Language, List, Order, Relation, Word};

/// What an evaluation asks the host. Failures are the host's to note: it answers something and
/// looks at its note when the evaluation is over.
pub(crate) trait Context<L: Language> {
    /// A text, cheap to copy.
    type Value: Clone + AsRef<[u8]>;

    fn literal(&mut self, literal: &L::Literal) -> Self::Value;
    fn variable(&mut self, variable: &L::Variable) -> Self::Value;
    fn call(&mut self, function: &L::Function, argument: Self::Value) -> Self::Value;
    /// Whether the list that a function makes has the word.
    fn list_has(
        &mut self,
        function: &L::ListFunction,
        argument: Self::Value,
        word: &Self::Value,
    ) -> bool;
    fn unary(&mut self, operator: &L::Unary, word: Self::Value) -> bool;
    fn binary(&mut self, operator: &L::Binary, left: Self::Value, right: Self::Value) -> bool;
    /// Matches, and keeps what groups matched if the expression has groups.
    fn matches(&mut self, regex: &L::Regex, word: Self::Value) -> bool;
    fn group(&mut self, number: u8) -> Self::Value;
    fn join(&mut self, pieces: &[Self::Value]) -> Self::Value;
}

/// Whether a condition holds.
pub(crate) fn condition<L: Language, C: Context<L>>(node: &Condition<L>, context: &mut C) -> bool {
    match node {
        Condition::Constant(answer) => *answer,
        Condition::Not(inner) => !condition(inner, context),
        Condition::All(parts) => parts.iter().all(|part| condition(part, context)),
        Condition::Any(parts) => parts.iter().any(|part| condition(part, context)),
        Condition::Compare(comparison, left, right) => {
            let left = word(left, context);
            let right = word(right, context);
            comparison.holds(left.as_ref(), right.as_ref())
        }
        Condition::In(needle, List::Words(words)) => {
            let needle = word(needle, context);
            words
                .iter()
                .any(|element| word(element, context).as_ref() == needle.as_ref())
        }
        Condition::In(needle, List::Function(function, argument)) => {
            let needle = word(needle, context);
            let argument = word(argument, context);
            context.list_has(function, argument, &needle)
        }
        Condition::Matches {
            word: subject,
            regex,
            wanted,
        } => {
            let subject = word(subject, context);
            context.matches(regex, subject) == *wanted
        }
        Condition::Unary(operator, operand) => {
            let operand = word(operand, context);
            context.unary(operator, operand)
        }
        Condition::Binary(operator, left, right) => {
            let left = word(left, context);
            let right = word(right, context);
            context.binary(operator, left, right)
        }
    }
}

/// The text of a word.
pub(crate) fn word<L: Language, C: Context<L>>(node: &Word<L>, context: &mut C) -> C::Value {
    match node {
        Word::Literal(literal) => context.literal(literal),
        Word::Variable(variable) => context.variable(variable),
        Word::Function(function, argument) => {
            let argument = word(argument, context);
            context.call(function, argument)
        }
        Word::Group(number) => context.group(*number),
        Word::Joined(parts) => {
            let pieces: Vec<_> = parts.iter().map(|part| word(part, context)).collect();
            context.join(&pieces)
        }
    }
}

impl Comparison {
    fn holds(self, left: &[u8], right: &[u8]) -> bool {
        let order = match self.order {
            Order::Numbers => number(left).cmp(&number(right)),
            Order::Bytes => left.cmp(right),
            Order::Length => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        };
        match self.relation {
            Relation::Equal => order == Ordering::Equal,
            Relation::NotEqual => order != Ordering::Equal,
            Relation::Less => order == Ordering::Less,
            Relation::LessOrEqual => order != Ordering::Greater,
            Relation::Greater => order == Ordering::Greater,
            Relation::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

/// The number a text begins with, as C reads it: blanks and a sign go before, anything after is
/// ignored, no digits are zero.
fn number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_i64, |value, byte| {
            let digit = i64::from(byte - b'0');
            let value = value.saturating_mul(10);
            if negative {
                value.saturating_sub(digit)
            } else {
                value.saturating_add(digit)
            }
        })
}

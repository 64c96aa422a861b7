//! The tree an expression becomes; the parser builds it, the evaluator walks it.

/// What the host puts into a tree for each kind of name, constant and regular expression.
pub(crate) trait Language {
    type Literal;
    type Variable;
    type Function;
    type ListFunction;
    type Unary;
    type Binary;
    type Regex;
}

/// Something that is true or false.
pub(crate) enum Condition<L: Language> {
    Constant(bool),
    Not(Box<Self>),
    /// True if all are; at least two.
    All(Vec<Self>),
    /// True if any is; at least two.
    Any(Vec<Self>),
    Compare(Comparison, Word<L>, Word<L>),
    In(Word<L>, List<L>),
    Matches {
        word: Word<L>,
        regex: L::Regex,
        wanted: bool,
    },
    Unary(L::Unary, Word<L>),
    Binary(L::Binary, Word<L>, Word<L>),
}

/// Something that has a text.
pub(crate) enum Word<L: Language> {
    Literal(L::Literal),
    Variable(L::Variable),
    Function(L::Function, Box<Self>),
    /// What a group of the last match matched.
    Group(u8),
    /// One after another.
    Joined(Vec<Self>),
}

/// The right side of `-in`.
pub(crate) enum List<L: Language> {
    Words(Vec<Word<L>>),
    Function(L::ListFunction, Word<L>),
}

/// How two words are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(super) relation: Relation,
    pub(super) order: Order,
}

/// What makes a word less than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Bytes,
    Numbers,
    /// The shorter is less, then bytes count: the old language of `SSLRequire`, in which all
    /// comparisons are such.
    Length,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

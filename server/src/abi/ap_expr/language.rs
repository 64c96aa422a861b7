//! What the tree of an expression holds in this server: C strings of the configuration, functions
//! of modules with their data, and compiled regular expressions.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    marker::PhantomData,
    ptr::{null, null_mut},
};

use httpd_sys as sys;

use crate::{
    abi::http_request::support::{bytes, concat, copy},
    expr::{Context, Language, Names},
};

/// A function of a module and what it wants to be given.
pub(super) struct Bound<F> {
    function: F,
    data: *const c_void,
}

type VariableFn =
    unsafe extern "C" fn(*mut sys::ap_expr_eval_ctx_t, *const c_void) -> *const c_char;
type StringFn = unsafe extern "C" fn(
    *mut sys::ap_expr_eval_ctx_t,
    *const c_void,
    *const c_char,
) -> *const c_char;
type ListFn = unsafe extern "C" fn(
    *mut sys::ap_expr_eval_ctx_t,
    *const c_void,
    *const c_char,
) -> *mut sys::apr_array_header_t;
type UnaryFn =
    unsafe extern "C" fn(*mut sys::ap_expr_eval_ctx_t, *const c_void, *const c_char) -> c_int;
type BinaryFn = unsafe extern "C" fn(
    *mut sys::ap_expr_eval_ctx_t,
    *const c_void,
    *const c_char,
    *const c_char,
) -> c_int;

impl Language for Naming {
    /// In the pool of the expression.
    type Literal = *const c_char;
    type Variable = Bound<VariableFn>;
    type Function = Bound<StringFn>;
    type ListFunction = Bound<ListFn>;
    type Unary = Bound<UnaryFn>;
    type Binary = Bound<BinaryFn>;
    /// In the pool of the expression.
    type Regex = *mut sys::ap_regex_t;
}

/// Finds names while an expression is parsed, and says what is in its tree.
pub(super) struct Naming {
    pool: *mut sys::apr_pool_t,
    ptemp: *mut sys::apr_pool_t,
    flags: u32,
    lookup: unsafe extern "C" fn(*mut sys::ap_expr_lookup_parms) -> c_int,
}

/// Why an expression is none; bytes of the configuration may be in it.
pub(super) struct Message(pub(super) Vec<u8>);

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl Naming {
    /// # Safety
    /// The pools live as long as this, and `pool` as long as the tree; `lookup` is what the header
    /// says.
    pub(super) unsafe fn new(
        pool: *mut sys::apr_pool_t,
        ptemp: *mut sys::apr_pool_t,
        flags: u32,
        lookup: sys::ap_expr_lookup_fn_t,
    ) -> Self {
        Self {
            pool,
            ptemp,
            flags,
            lookup: lookup.unwrap_or(super::lookup::ap_expr_lookup_default),
        }
    }

    /// Asks for a function: what was found has the type that goes with `kind`.
    fn find(
        &self,
        kind: u32,
        name: &[u8],
        argument: *const c_char,
    ) -> Result<(*const c_void, *const c_void), Message> {
        let (mut function, mut data, mut error) = (null(), null(), null());
        // SAFETY: the promise of `new`; the places outlive the call.
        unsafe {
            let mut parms = sys::ap_expr_lookup_parms {
                type_: kind as c_int,
                name: copy(self.pool, name),
                flags: self.flags as c_int,
                pool: self.pool,
                ptemp: self.ptemp,
                func: &raw mut function,
                data: &raw mut data,
                err: &raw mut error,
                arg: argument,
            };
            match (self.lookup)(&raw mut parms) {
                0 if !function.is_null() => Ok((function, data)),
                sys::DECLINED | 0 => Err(unknown(kind, name)),
                _ if error.is_null() => Err(unknown(kind, name)),
                _ => Err(Message(bytes(error).to_vec())),
            }
        }
    }
}

fn unknown(kind: u32, name: &[u8]) -> Message {
    let (what, dash): (&[u8], &[u8]) = match kind {
        sys::AP_EXPR_FUNC_VAR => (b"Variable '", b""),
        sys::AP_EXPR_FUNC_STRING => (b"Function '", b""),
        sys::AP_EXPR_FUNC_LIST => (b"List-returning function '", b""),
        sys::AP_EXPR_FUNC_OP_UNARY => (b"Unary operator '", b"-"),
        _ => (b"Binary operator '", b"-"),
    };
    Message([what, dash, name, b"' does not exist"].concat())
}

/// The argument's C string, or NULL if it is no constant.
fn constant(argument: Option<&*const c_char>) -> *const c_char {
    argument.copied().unwrap_or(null())
}

/// The function that a look-up found, as the type that goes with the question.
macro_rules! bound {
    ($found:expr, $type:ty) => {{
        let (function, data) = $found;
        Ok(Bound {
            // SAFETY: the header says which type a look-up gives for which kind, and it is not NULL.
            function: unsafe { std::mem::transmute::<*const c_void, $type>(function) },
            data,
        })
    }};
}

impl Names for Naming {
    type Error = Message;

    fn literal(&mut self, text: &[u8]) -> *const c_char {
        // SAFETY: the promise of `new`.
        unsafe { copy(self.pool, text) }
    }

    fn variable(&mut self, name: &[u8]) -> Result<Bound<VariableFn>, Message> {
        bound!(self.find(sys::AP_EXPR_FUNC_VAR, name, null())?, VariableFn)
    }

    fn function(
        &mut self,
        name: &[u8],
        argument: Option<&*const c_char>,
    ) -> Result<Bound<StringFn>, Message> {
        let argument = constant(argument);
        bound!(
            self.find(sys::AP_EXPR_FUNC_STRING, name, argument)?,
            StringFn
        )
    }

    fn list_function(
        &mut self,
        name: &[u8],
        argument: Option<&*const c_char>,
    ) -> Result<Bound<ListFn>, Message> {
        let argument = constant(argument);
        bound!(self.find(sys::AP_EXPR_FUNC_LIST, name, argument)?, ListFn)
    }

    fn unary(
        &mut self,
        name: &[u8],
        argument: Option<&*const c_char>,
    ) -> Result<Bound<UnaryFn>, Message> {
        let argument = constant(argument);
        bound!(
            self.find(sys::AP_EXPR_FUNC_OP_UNARY, name, argument)?,
            UnaryFn
        )
    }

    fn binary(
        &mut self,
        name: &[u8],
        right: Option<&*const c_char>,
    ) -> Result<Bound<BinaryFn>, Message> {
        let right = constant(right);
        bound!(
            self.find(sys::AP_EXPR_FUNC_OP_BINARY, name, right)?,
            BinaryFn
        )
    }

    fn compares_by_length(&self) -> bool {
        self.flags & sys::AP_EXPR_FLAG_SSL_EXPR_COMPAT != 0
    }

    fn regex(
        &mut self,
        pattern: &[u8],
        ignore_case: bool,
    ) -> Result<*mut sys::ap_regex_t, Message> {
        let flags = if ignore_case { sys::AP_REG_ICASE } else { 0 };
        // SAFETY: the promise of `new`.
        let regex =
            unsafe { sys::ap_pregcomp(self.pool, copy(self.pool, pattern), flags as c_int) };
        if regex.is_null() {
            return Err(Message(b"Failed to compile regular expression".to_vec()));
        }
        Ok(regex)
    }
}

/// A C string that lives as long as the evaluation's pool; cheap to copy.
#[derive(Clone, Copy)]
pub(super) struct Text<'c>(pub(super) &'c CStr);

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0.to_bytes()
    }
}

impl Text<'_> {
    /// # Safety
    /// `text` is NULL, which is no text, or a C string that lives as long as the evaluation's pool.
    unsafe fn new(text: *const c_char) -> Self {
        if text.is_null() {
            return Self(c"");
        }
        // SAFETY: the caller's promise.
        Self(unsafe { CStr::from_ptr(text) })
    }
}

/// An evaluation under way.
pub(super) struct Evaluation<'c>(*mut sys::ap_expr_eval_ctx_t, PhantomData<&'c ()>);

impl Evaluation<'_> {
    /// # Safety
    /// The context is as the header says, and lives as long as this.
    pub(super) unsafe fn new(context: *mut sys::ap_expr_eval_ctx_t) -> Self {
        Self(context, PhantomData)
    }
}

impl<'c> Context<Naming> for Evaluation<'c> {
    type Value = Text<'c>;

    fn literal(&mut self, literal: &*const c_char) -> Text<'c> {
        // SAFETY: it is in the pool of the expression, which outlives the evaluation.
        unsafe { Text::new(*literal) }
    }

    fn variable(&mut self, variable: &Bound<VariableFn>) -> Text<'c> {
        // SAFETY: a module's function with its data and a context as the header asks; what it
        // gives lives as long as the pool.
        unsafe { Text::new((variable.function)(self.0, variable.data)) }
    }

    fn call(&mut self, function: &Bound<StringFn>, argument: Text<'c>) -> Text<'c> {
        // SAFETY: as above.
        unsafe {
            Text::new((function.function)(
                self.0,
                function.data,
                argument.0.as_ptr(),
            ))
        }
    }

    fn list_has(&mut self, function: &Bound<ListFn>, argument: Text<'c>, word: &Text<'c>) -> bool {
        // SAFETY: as above; the list is one of C strings.
        unsafe {
            let list = (function.function)(self.0, function.data, argument.0.as_ptr());
            if list.is_null() || (*list).nelts <= 0 {
                return false;
            }
            let elements = (*list).elts.cast::<*const c_char>();
            let elements = std::slice::from_raw_parts(elements, (*list).nelts as usize);
            elements
                .iter()
                .any(|&element| bytes(element) == word.0.to_bytes())
        }
    }

    fn unary(&mut self, operator: &Bound<UnaryFn>, word: Text<'c>) -> bool {
        // SAFETY: as of variables.
        unsafe { (operator.function)(self.0, operator.data, word.0.as_ptr()) != 0 }
    }

    fn binary(&mut self, operator: &Bound<BinaryFn>, left: Text<'c>, right: Text<'c>) -> bool {
        let (left, right) = (left.0.as_ptr(), right.0.as_ptr());
        // SAFETY: as of variables.
        unsafe { (operator.function)(self.0, operator.data, left, right) != 0 }
    }

    fn matches(&mut self, regex: &*mut sys::ap_regex_t, word: Text<'c>) -> bool {
        let (regex, word) = (*regex, word.0.as_ptr());
        // SAFETY: the regular expression is in the pool of the tree; the context has room for the
        // groups it says it has room for.
        unsafe {
            let context = self.0;
            let keeps = !(*context).re_pmatch.is_null() && !(*context).re_source.is_null();
            // What an earlier match left stays, unless this one has groups of its own.
            if (*regex).re_nsub <= 0 || !keeps {
                return sys::ap_regexec(regex, word, 0, null_mut(), 0) == 0;
            }
            let (room, groups) = ((*context).re_nmatch, (*context).re_pmatch);
            let matched = sys::ap_regexec(regex, word, room, groups, 0) == 0;
            *(*context).re_source = if matched { word } else { null() };
            matched
        }
    }

    fn group(&mut self, number: u8) -> Text<'c> {
        let number = usize::from(number);
        // SAFETY: the context has as many groups as it says, which are of the text it names.
        unsafe {
            let context = self.0;
            let known = number < (*context).re_nmatch && !(*context).re_pmatch.is_null();
            if !known || (*context).re_source.is_null() || (*(*context).re_source).is_null() {
                return Text(c"");
            }
            let source = bytes(*(*context).re_source);
            let group = *(*context).re_pmatch.add(number);
            let range = usize::try_from(group.rm_so)
                .ok()
                .zip(usize::try_from(group.rm_eo).ok());
            match range.and_then(|(start, end)| source.get(start..end)) {
                Some(text) if !text.is_empty() => Text::new(copy((*context).p, text)),
                _ => Text(c""),
            }
        }
    }

    fn join(&mut self, pieces: &[Text<'c>]) -> Text<'c> {
        let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.0.to_bytes()).collect();
        // SAFETY: the context's pool is live.
        unsafe { Text::new(concat((*self.0).p, &pieces)) }
    }
}

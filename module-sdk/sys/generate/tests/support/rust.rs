//! Headers as bindgen sees them: types with their layout, functions, constants.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::{
    BareFnArg, FnArg, ForeignItem, Item, Pat, Type,
    visit_mut::{self, VisitMut},
};

use super::{LIBXML2_STANDS_IN, Side};

/// Every item of the bindings, by kind and name. Sizes and offsets are items of their own, which
/// bindgen writes as assertions.
pub fn bindings(side: &Side) -> BTreeMap<String, String> {
    let headers = Side::compared_headers();
    let text = httpd_sys_generate::builder(&side.include, &headers)
        .clang_args([LIBXML2_STANDS_IN, "-include", "apr_dbd.h"])
        .layout_tests(true)
        .generate()
        .unwrap_or_else(|e| panic!("bindgen: {e}"))
        .to_string();
    let mut file = syn::parse_file(&text).expect("bindgen writes Rust");

    // Enumerations without a name are numbered in the order of their appearance; their type is what
    // matters.
    let anonymous: BTreeMap<String, Type> = file
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Type(alias) if alias.ident.to_string().starts_with("_bindgen_ty") => {
                Some((alias.ident.to_string(), (*alias.ty).clone()))
            }
            _ => None,
        })
        .collect();
    Normal { anonymous }.visit_file_mut(&mut file);

    let mut facts = BTreeMap::new();
    for item in file.items {
        match item {
            Item::ForeignMod(block) => {
                for foreign in block.items {
                    let name = match &foreign {
                        ForeignItem::Fn(function) => format!("fn {}", function.sig.ident),
                        ForeignItem::Static(data) => format!("static {}", data.ident),
                        other => panic!("unexpected: {}", other.to_token_stream()),
                    };
                    facts.insert(name, foreign.to_token_stream().to_string());
                }
            }
            Item::Const(constant) if constant.ident == "_" => layouts(&constant.expr, &mut facts),
            Item::Type(alias) if alias.ident.to_string().starts_with("_bindgen_ty") => {}
            other => {
                facts.insert(name_of(&other), other.to_token_stream().to_string());
            }
        }
    }
    facts
}

fn name_of(item: &Item) -> String {
    match item {
        Item::Const(item) => format!("const {}", item.ident),
        Item::Struct(item) => format!("struct {}", item.ident),
        Item::Union(item) => format!("union {}", item.ident),
        Item::Type(item) => format!("type {}", item.ident),
        // Accessors of bit fields hold their position and width.
        Item::Impl(item) => format!(
            "impl {} {}",
            item.trait_
                .as_ref()
                .map_or(String::new(), |(_, path, _)| path
                    .to_token_stream()
                    .to_string()),
            item.self_ty.to_token_stream()
        ),
        other => other.to_token_stream().to_string(),
    }
}

/// Takes `["Size of x"][size_of::<x>() - 8]` and its like apart.
fn layouts(expression: &syn::Expr, facts: &mut BTreeMap<String, String>) {
    let syn::Expr::Block(block) = expression else {
        panic!("unexpected: {}", expression.to_token_stream());
    };
    for statement in &block.block.stmts {
        if let syn::Stmt::Expr(syn::Expr::Index(assertion), _) = statement {
            facts.insert(
                assertion.expr.to_token_stream().to_string(),
                assertion.index.to_token_stream().to_string(),
            );
        }
    }
}

/// Leaves out what is no fact: names of parameters, numbers of anonymous enumerations.
struct Normal {
    anonymous: BTreeMap<String, Type>,
}

impl VisitMut for Normal {
    fn visit_bare_fn_arg_mut(&mut self, argument: &mut BareFnArg) {
        argument.name = None;
        visit_mut::visit_bare_fn_arg_mut(self, argument);
    }

    fn visit_foreign_item_fn_mut(&mut self, function: &mut syn::ForeignItemFn) {
        for argument in &mut function.sig.inputs {
            if let FnArg::Typed(typed) = argument {
                *typed.pat = Pat::Verbatim(quote::quote!(_));
            }
        }
        visit_mut::visit_foreign_item_fn_mut(self, function);
    }

    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::Path(path) = ty {
            let named = path.path.get_ident().map(ToString::to_string);
            if let Some(target) = named.and_then(|name| self.anonymous.get(&name)) {
                *ty = target.clone();
            }
        }
        visit_mut::visit_type_mut(self, ty);
    }
}

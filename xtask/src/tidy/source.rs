//! Our own code as the compiler's grammar has it: the modules of each crate, the paths that they name, and more to count.
//! Tests are left out.

use crate::workspace::root;
use std::fs;
use std::path::{Path, PathBuf};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, ExprClosure, ImplItemFn, Item, ItemMod, Local, Pat, Path as SynPath, Token, UseTree, Visibility,
};

/// One crate.
pub(super) struct Crate {
    /// Its folder's name.
    pub(super) name: String,
    pub(super) modules: Vec<Module>,
}

/// One file of it.
pub(super) struct Module {
    /// `a::b`; nothing for the crate's root.
    pub(super) path: String,
    /// Every path that it names, in imports and elsewhere.
    pub(super) names: Vec<Vec<String>>,
    /// The names of its public types and traits.
    pub(super) public_types: Vec<String>,
    /// Names of closures that are used once only.
    pub(super) closures_used_once: Vec<String>,
    /// Parameters of functions and closures that are tuples taken apart.
    pub(super) tuple_parameters: usize,
}

/// Every crate of the workspace.
pub(super) fn crates() -> Vec<Crate> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root().join("crates")).expect("crates").flatten().map(|it| it.path()).collect();
    folders.extend([root().join("bench"), root().join("xtask")]);
    folders.sort();
    let read = |folder: PathBuf| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut modules = Vec::new();
        collect(&folder.join("src"), &folder.join("src"), &mut modules);
        Crate { name, modules }
    };
    folders.into_iter().map(read).filter(|it| !it.modules.is_empty()).collect()
}

fn collect(base: &Path, folder: &Path, modules: &mut Vec<Module>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(base, &path, modules);
        } else if let Some(stem) = name.strip_suffix(".rs").filter(|stem| !is_test(stem)) {
            let within = folder.strip_prefix(base).unwrap_or(folder);
            let mut parts: Vec<String> = within.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if !matches!(stem, "mod" | "lib" | "main") {
                parts.push(stem.to_owned());
            }
            if parts.iter().any(|part| is_test(part)) {
                continue;
            }
            modules.push(read(&path, parts.join("::")));
        }
    }
}

fn is_test(name: &str) -> bool {
    matches!(name, "tests" | "rows" | "tidy") || name.ends_with("_tests")
}

fn read(file: &Path, path: String) -> Module {
    let text = fs::read_to_string(file).unwrap_or_default();
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut reader = Reader(Module {
        path,
        names: Vec::new(),
        public_types: Vec::new(),
        closures_used_once: Vec::new(),
        tuple_parameters: 0,
    });
    reader.visit_file(&parsed);
    reader.0
}

struct Reader(Module);

impl Reader {
    fn take_use(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.take_use(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.0.names.push(with(name.ident.to_string())),
            UseTree::Rename(rename) => self.0.names.push(with(rename.ident.to_string())),
            UseTree::Glob(_) => self.0.names.push(before.to_vec()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.take_use(before, tree)),
        }
    }

    fn public(&mut self, visibility: &Visibility, name: &syn::Ident) {
        if matches!(visibility, Visibility::Public(_)) {
            self.0.public_types.push(name.to_string());
        }
    }

    fn parameters<'p>(&mut self, parameters: impl Iterator<Item = &'p Pat>) {
        self.0.tuple_parameters += parameters.filter(|parameter| is_tuple(parameter)).count();
    }
}

fn is_tuple(pattern: &Pat) -> bool {
    match pattern {
        Pat::Tuple(_) => true,
        Pat::Type(typed) => is_tuple(&typed.pat),
        Pat::Reference(reference) => is_tuple(&reference.pat),
        _ => false,
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let words = quoted(attribute);
        attribute.path().is_ident("test") || attribute.path().is_ident("cfg") && words.contains("test")
    })
}

fn quoted(attribute: &Attribute) -> String {
    match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        _ => String::new(),
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            _ => &[],
        };
        if is_for_tests(attributes) {
            return;
        }
        match item {
            Item::Use(item) => self.take_use(&[], &item.tree),
            Item::Struct(item) => self.public(&item.vis, &item.ident),
            Item::Enum(item) => self.public(&item.vis, &item.ident),
            Item::Trait(item) => self.public(&item.vis, &item.ident),
            Item::Type(item) => self.public(&item.vis, &item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.parameters(signature.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(typed) => Some(&*typed.pat),
            syn::FnArg::Receiver(_) => None,
        }));
        visit::visit_signature(self, signature);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.parameters(closure.inputs.iter());
        visit::visit_expr_closure(self, closure);
    }

    fn visit_path(&mut self, path: &'ast SynPath) {
        self.0.names.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        visit::visit_macro(self, of);
        let arguments = of.parse_body_with(Punctuated::<syn::Expr, Token![,]>::parse_terminated);
        let owned = arguments.unwrap_or_default();
        let mut inner = Self(Module {
            names: Vec::new(),
            public_types: Vec::new(),
            closures_used_once: Vec::new(),
            ..Module {
                path: self.0.path.clone(),
                names: Vec::new(),
                public_types: Vec::new(),
                closures_used_once: Vec::new(),
                tuple_parameters: 0,
            }
        });
        owned.iter().for_each(|expression| inner.visit_expr(expression));
        self.0.names.append(&mut inner.0.names);
    }

    fn visit_block(&mut self, block: &'ast Block) {
        for (at, statement) in block.stmts.iter().enumerate() {
            if let syn::Stmt::Local(local) = statement
                && let Some(name) = named_closure(local)
            {
                let mut uses = Uses { name: &name, count: 0 };
                block.stmts.iter().skip(at + 1).for_each(|statement| uses.visit_stmt(statement));
                if uses.count == 1 {
                    self.0.closures_used_once.push(name);
                }
            }
        }
        visit::visit_block(self, block);
    }
}

/// `let name = |..| ..`
fn named_closure(local: &Local) -> Option<String> {
    let Pat::Ident(name) = &local.pat else { return None };
    let closure = matches!(&*local.init.as_ref()?.expr, syn::Expr::Closure(_));
    closure.then(|| name.ident.to_string())
}

/// Counts how often a name stands alone.
struct Uses<'n> {
    name: &'n str,
    count: usize,
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_path(&mut self, path: &'ast SynPath) {
        self.count += usize::from(path.is_ident(self.name));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        // As words: a format string may hold it too.
        let words = of.tokens.to_string();
        let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        self.count += words.split(|letter| !is_name(letter)).filter(|word| *word == self.name).count();
    }
}

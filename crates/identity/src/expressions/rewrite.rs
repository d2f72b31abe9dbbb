//! From authentik's Python to the Python that the interpreter knows.
//!
//! - `return` hands its value to the prelude, which writes it as `str()` does;
//! - the interpreter has no generators: `yield` collects into a list, which is what becomes of a generator
//!   here anyway;
//! - what Django calls a query set is a list here: `.filter(…)`, `.exists()` and the like become a call of
//!   the prelude.
//!
//! Everything is inserted into the text where it stands, so that lines stay what the administrator wrote.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_python_parser::{Mode, ParseOptions, parse};
use ruff_text_size::{Ranged as _, TextRange};

use super::{Failure, FailureKind};

/// Deeper than anything a person writes, and far from the end of the stack.
const MAX_DEPTH: u16 = 150;

/// An expression as the interpreter takes it.
pub(super) struct Rewritten {
    pub(super) text: String,
    /// The line of the administrator's text for each line of ours.
    lines: Vec<u32>,
}

impl Rewritten {
    /// The line of the administrator's text that a line of ours (from 1) comes from.
    pub(super) fn source_line(&self, line: u32) -> u32 {
        let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        self.lines.get(index).or(self.lines.last()).copied().unwrap_or(1)
    }
}

/// Rewrites an expression.
///
/// # Errors
/// It is no Python.
pub(super) fn rewrite(source: &str) -> Result<Rewritten, Failure> {
    let options = ParseOptions::from(Mode::Module).with_max_recursion_depth(MAX_DEPTH);
    let parsed = parse(source, options).map_err(|error| {
        let line = line_of(source, error.location.start().to_usize());
        Failure::new(FailureKind::Syntax, Some(line), error.error.to_string())
    })?;
    let mut rewriter =
        Rewriter { source, edits: Vec::new(), scopes: vec![Scope::default()], depth: 0, too_deep: None };
    if let Some(module) = parsed.syntax().as_module() {
        rewriter.visit_body(&module.body);
    }
    if let Some(range) = rewriter.too_deep {
        let line = line_of(source, range.start().to_usize());
        return Err(Failure::new(FailureKind::Syntax, Some(line), "Source is too deeply nested"));
    }
    Ok(rewriter.finish())
}

fn line_of(source: &str, offset: usize) -> u32 {
    let before = source.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

/// Text that takes the place of `start..end`.
struct Edit {
    start: usize,
    end: usize,
    text: String,
    /// Comes before whatever else begins at the same place.
    first: bool,
}

/// The body of a function, or the whole expression.
#[derive(Default)]
struct Scope {
    yields: bool,
    /// Where its own `return`s stand, and whether they have a value.
    returns: Vec<(TextRange, bool)>,
    /// A lambda or a comprehension, which can't hold what a `yield` becomes.
    closed: bool,
}

struct Rewriter<'s> {
    source: &'s str,
    edits: Vec<Edit>,
    scopes: Vec<Scope>,
    depth: u16,
    too_deep: Option<TextRange>,
}

impl Rewriter<'_> {
    fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at, at, text);
    }

    fn replace(&mut self, start: usize, end: usize, text: impl Into<String>) {
        self.edits.push(Edit { start, end, text: text.into(), first: false });
    }

    /// Goes one level down, unless that is too deep.
    fn deeper(&mut self, range: TextRange, descend: impl FnOnce(&mut Self)) {
        if self.depth >= MAX_DEPTH {
            self.too_deep.get_or_insert(range);
            return;
        }
        self.depth += 1;
        descend(self);
        self.depth -= 1;
    }

    fn within(&mut self, scope: Scope, descend: impl FnOnce(&mut Self)) -> Scope {
        self.scopes.push(scope);
        descend(self);
        self.scopes.pop().unwrap_or_default()
    }

    /// A `yield` is worth None, and so is what takes its place.
    fn yields(&mut self, range: TextRange, value: Option<TextRange>, collect: &str) {
        let Some(scope) = self.scopes.last_mut().filter(|scope| !scope.closed) else { return };
        scope.yields = true;
        let (start, end) = (range.start().to_usize(), range.end().to_usize());
        match value {
            Some(_) => {
                // `yield`, or `yield` and `from`, whatever stands between.
                let rest = self.source.get(start..end).unwrap_or_default();
                let word = if collect == "extend" { rest.find("from").map_or(5, |at| at + 4) } else { 5 };
                self.replace(start, start + word, format!("_ak_yielded.{collect}(("));
                self.insert(end, "))");
            }
            None => self.replace(start, end, "_ak_yielded.append(None)"),
        }
    }

    /// The function around `body` has ended: what its `yield`s need at its beginning, its end, its `return`s.
    fn function_ended(&mut self, body: &[Stmt], scope: &Scope) {
        let (Some(first), Some(last), true) = (body.first(), body.last(), scope.yields) else { return };
        let begin = first.start().to_usize();
        let line = self.source.get(..begin).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let indent = self.source.get(line..begin).unwrap_or_default().to_owned();
        let (open, close) = if indent.trim().is_empty() {
            (format!("_ak_yielded = []\n{indent}"), format!("\n{indent}return _ak_yielded"))
        } else {
            ("_ak_yielded = []; ".to_owned(), "; return _ak_yielded".to_owned())
        };
        self.edits.push(Edit { start: begin, end: begin, text: open, first: true });
        for (range, has_value) in &scope.returns {
            self.return_of_generator(*range, *has_value, "", "");
        }
        self.insert(last.end().to_usize(), close);
    }

    /// A generator's `return` ends it; its value is lost, but not what computing it does.
    fn return_of_generator(&mut self, range: TextRange, has_value: bool, open: &str, close: &str) {
        let (start, end) = (range.start().to_usize(), range.end().to_usize());
        if has_value {
            self.replace(start, start + 6, format!("return {open}_ak_second(("));
            self.insert(end, format!("), _ak_yielded){close}"));
        } else {
            self.replace(start, end, format!("return {open}_ak_yielded{close}"));
        }
    }

    fn finish(mut self) -> Rewritten {
        let whole = self.scopes.pop().unwrap_or_default();
        for (range, has_value) in &whole.returns {
            let (start, end) = (range.start().to_usize(), range.end().to_usize());
            match (whole.yields, has_value) {
                (true, _) => self.return_of_generator(*range, *has_value, "_ak_told(", ")"),
                (false, true) => {
                    self.replace(start, start + 6, "return _ak_told((");
                    self.insert(end, "))");
                }
                (false, false) => self.replace(start, end, "return _ak_told(None)"),
            }
        }
        let end = if whole.yields { "\nreturn _ak_told(_ak_yielded)" } else { "\nreturn _ak_told(None)" };
        self.insert(self.source.len(), end);
        // Stable: what was found at one place stays in its order.
        self.edits.sort_by_key(|edit| (edit.start, !edit.first));
        apply(self.source, &self.edits)
    }

    /// `X.filter(A)` becomes `_ak_query(X, "filter", A)`.
    fn query(&mut self, call: &ExprCall) {
        let Expr::Attribute(attribute) = &*call.func else { return };
        let (no_arguments, only_named) = (call.arguments.is_empty(), call.arguments.args.is_empty());
        let is_query = match attribute.attr.as_str() {
            "all" | "distinct" | "exists" | "first" | "last" => no_arguments,
            // str and list count what they are given, itertools counts on its own.
            "count" => {
                no_arguments && attribute.value.as_name_expr().is_none_or(|name| name.id != "itertools")
            }
            // A dict's is given a key.
            "get" => only_named && !no_arguments,
            "filter" | "exclude" => only_named,
            "order_by" | "values_list" => true,
            _ => false,
        };
        let (value_end, name) = (attribute.value.end().to_usize(), attribute.attr.range);
        let between = self.source.get(value_end..name.start().to_usize()).unwrap_or_default();
        let (true, Some(dot)) = (is_query, between.rfind('.')) else { return };
        let open = call.arguments.range.start().to_usize();
        let comma = if no_arguments { "" } else { ", " };
        self.insert(call.start().to_usize(), "_ak_query(");
        self.replace(value_end + dot, value_end + dot + 1, ", \"");
        self.insert(name.end().to_usize(), "\"");
        self.replace(open, open + 1, comma);
    }
}

impl<'a> Visitor<'a> for Rewriter<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.deeper(stmt.range(), |this| match stmt {
            Stmt::FunctionDef(function) => {
                this.visit_parameters(&function.parameters);
                let scope = this.within(Scope::default(), |this| this.visit_body(&function.body));
                this.function_ended(&function.body, &scope);
            }
            Stmt::ClassDef(class) => {
                let closed = Scope { closed: true, ..Scope::default() };
                this.within(closed, |this| this.visit_body(&class.body));
            }
            Stmt::Return(returned) => {
                if let Some(scope) = this.scopes.last_mut() {
                    scope.returns.push((returned.range, returned.value.is_some()));
                }
                walk_stmt(this, stmt);
            }
            _ => walk_stmt(this, stmt),
        });
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.deeper(expr.range(), |this| match expr {
            Expr::Yield(one) => {
                this.yields(one.range, one.value.as_ref().map(|value| value.range()), "append");
                walk_expr(this, expr);
            }
            Expr::YieldFrom(all) => {
                this.yields(all.range, Some(all.value.range()), "extend");
                walk_expr(this, expr);
            }
            Expr::Call(call) => {
                this.query(call);
                walk_expr(this, expr);
            }
            Expr::Lambda(_)
            | Expr::ListComp(_)
            | Expr::SetComp(_)
            | Expr::DictComp(_)
            | Expr::Generator(_) => {
                let closed = Scope { closed: true, ..Scope::default() };
                this.within(closed, |this| walk_expr(this, expr));
            }
            _ => walk_expr(this, expr),
        });
    }
}

/// Puts the text together, and notes where each line comes from.
fn apply(source: &str, edits: &[Edit]) -> Rewritten {
    let mut text = String::with_capacity(source.len() + 64 * edits.len());
    let (mut lines, mut line, mut at) = (vec![1], 1_u32, 0);
    let mut copy = |piece: &str, ours: bool, text: &mut String| {
        for _ in piece.matches('\n') {
            line = line.saturating_add(u32::from(!ours));
            lines.push(line);
        }
        text.push_str(piece);
    };
    for edit in edits {
        copy(source.get(at..edit.start).unwrap_or_default(), false, &mut text);
        copy(&edit.text, true, &mut text);
        // Replaced words have no line ends in them, but for a broken `yield from`.
        at = edit.end.max(at);
    }
    copy(source.get(at..).unwrap_or_default(), false, &mut text);
    Rewritten { text, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(source: &str) -> String {
        rewrite(source).map_err(|failure| failure.sentence()).unwrap().text
    }

    #[test]
    fn what_is_returned_goes_through_the_prelude() {
        assert_eq!(rewritten("return user.email"), "return _ak_told(( user.email))\nreturn _ak_told(None)");
        assert_eq!(rewritten("if x: return\n"), "if x: return _ak_told(None)\n\nreturn _ak_told(None)");
        assert_eq!(rewritten("return 1,"), "return _ak_told(( 1,))\nreturn _ak_told(None)");
        assert_eq!(
            rewritten("def f():\n  return 1\nreturn f()"),
            "def f():\n  return 1\nreturn _ak_told(( f()))\nreturn _ak_told(None)"
        );
    }

    #[test]
    fn yield_collects() {
        assert_eq!(
            rewritten("for g in user.ak_groups.all():\n    yield g.name"),
            "for g in _ak_query(user.ak_groups, \"all\"):\n    _ak_yielded.append(( g.name))\n\
             return _ak_told(_ak_yielded)"
        );
        assert_eq!(
            rewritten("yield from x\nreturn f()"),
            "_ak_yielded.extend(( x))\nreturn _ak_told(_ak_second(( f()), _ak_yielded))\n\
             return _ak_told(_ak_yielded)"
        );
        let inner = rewrite("def f():\n    yield 1\n    return\nyield from f()").unwrap();
        assert_eq!(
            inner.text,
            "def f():\n    _ak_yielded = []\n    _ak_yielded.append(( 1))\n    return _ak_yielded\n    \
             return _ak_yielded\n_ak_yielded.extend(( f()))\nreturn _ak_told(_ak_yielded)"
        );
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(|line| inner.source_line(line)), [1, 2, 2, 3, 3, 4, 4]);
        assert!(
            rewritten("def f(): yield 1")
                .starts_with("def f(): _ak_yielded = []; _ak_yielded.append(( 1)); return _ak_yielded\n")
        );
    }

    #[test]
    fn queries_are_chained() {
        assert!(
            rewritten("return user.ak_groups.filter(name=\"a\").exclude( pk = 1 ).exists()").starts_with(
                "return _ak_told(( _ak_query(_ak_query(_ak_query(user.ak_groups, \"filter\", name=\"a\"), \
                 \"exclude\",  pk = 1 ), \"exists\")))"
            )
        );
        let same = "x = (d\n  .get('a', 1), 'aa'.count('a'), itertools.count(), re.match(a).groups())";
        assert!(rewritten(same).starts_with(same));
    }

    #[test]
    fn a_mistake_has_its_line() {
        let failure = rewrite("a = 1\nreturn (a +\n").err().unwrap();
        assert_eq!((failure.kind, failure.line), (FailureKind::Syntax, Some(3)));
        for deep in ["(".repeat(9000), format!("return a{}", ".b".repeat(9000)), "-".repeat(9000)] {
            assert_eq!(rewrite(&deep).err().unwrap().kind, FailureKind::Syntax);
        }
    }
}

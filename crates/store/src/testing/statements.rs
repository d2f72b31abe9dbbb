//! Finding the SQL in a crate's sources, and having both databases read it.

use std::fs;
use std::path::Path;

use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _};

use crate::database::Store;

/// The words that a statement begins with.
const FIRST_WORDS: [&str; 5] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];

/// Has the database prepare each statement, without running it: unknown tables and columns, wrong
/// syntax and columns of a type that the driver can't carry are found.
///
/// # Panics
/// With all statements that were refused, and why.
#[expect(clippy::expect_used, clippy::panic, reason = "a test that finds a mistake fails")]
pub async fn check_statements<S: AsRef<str>>(store: &Store, statements: &[S]) {
    assert!(!statements.is_empty(), "no statement was given to check");
    let mut refused = Vec::new();
    for statement in statements {
        let mut conn = store.read().await.expect("a connection");
        let sql = AssertSqlSafe(statement.as_ref().to_owned()).into_sql_str();
        if let Err(error) = conn.prepare(sql).await {
            refused.push(format!("{}\n    {error}", statement.as_ref()));
        }
    }
    if !refused.is_empty() {
        panic!("{:?} refuses:\n{}", store.dialect(), refused.join("\n"));
    }
}

/// The statements that stand as string literals in the Rust sources of a folder, for example
/// `concat!(env!("CARGO_MANIFEST_DIR"), "/src")`. Tests (from `#[cfg(test)]` on, and files `tests.rs`)
/// are left out, and so are texts with `{…}`, which are only parts of a statement.
///
/// # Panics
/// If the folder can't be read.
#[expect(clippy::expect_used, reason = "a test that can't read the sources fails")]
pub fn statements_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).expect("a folder of sources");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry of the folder").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            found.extend(statements_in(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("tests.rs") {
            let source = fs::read_to_string(&path).expect("a source file in UTF-8");
            let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let whole =
                |text: &String| FIRST_WORDS.iter().any(|word| text.starts_with(word)) && !text.contains('{');
            found.extend(string_literals(source).into_iter().filter(whole));
        }
    }
    found
}

/// The string literals of a Rust source, with `\"`, `\\`, `\n` and continued lines resolved. Enough of
/// the language to not be misled by comments, characters and raw strings.
fn string_literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'', 'r']) {
        let from = &rest[at..];
        let identifier = rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        rest = if from.starts_with("//") {
            from.find('\n').map_or("", |end| &from[end..])
        } else if from.starts_with("/*") {
            from.find("*/").map_or("", |end| &from[end + 2..])
        } else if let Some(after) = from.strip_prefix('"') {
            let (text, after) = quoted(after);
            found.push(text);
            after
        } else if let Some((text, after)) = from.strip_prefix('r').filter(|_| !identifier).and_then(raw) {
            found.push(text);
            after
        } else if from.starts_with("'\\") {
            // An escaped character: past the backslash and what it escapes.
            from.char_indices().nth(3).map_or("", |(end, _)| &from[end..])
        } else if let Some(after) = from.strip_prefix("'\"'") {
            after
        } else {
            &from[1..]
        };
    }
    found
}

/// The rest of a literal after its opening quote, and what follows it.
fn quoted(source: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = source.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &source[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, '\n')) => {
                    let blank = chars.as_str().len() - chars.as_str().trim_start().len();
                    let next = source.len() - chars.as_str().len() + blank;
                    let (continued, after) = quoted(&source[next..]);
                    return (text + &continued, after);
                }
                Some((_, escaped)) => text.push(escaped),
                None => break,
            },
            _ => text.push(c),
        }
    }
    (text, "")
}

/// A raw literal after its `r`, and what follows it.
fn raw(source: &str) -> Option<(String, &str)> {
    let hashes = source.len() - source.trim_start_matches('#').len();
    let body = source[hashes..].strip_prefix('"')?;
    let (text, after) = body.split_once(&format!("\"{}", "#".repeat(hashes)))?;
    Some((text.to_owned(), after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::both_databases;
    use crate::migrations::Migrations;
    use crate::testing::TestDatabase;

    #[test]
    fn literals_are_found_whatever_stands_around_them() {
        let source = r####"
            // "a comment"
            /* "another" */
            let quote = '"'; let escaped = '\''; let other = '"';
            fn f<'a>(x: &'a str) {}
            "SELECT \"id\" FROM t \
             WHERE a = 'b'" ; r#"DELETE "x""#; r"UPDATE"; for "x" "#;
        "####;
        let expected = ["SELECT \"id\" FROM t WHERE a = 'b'", "DELETE \"x\"", "UPDATE", "x", "#;\n        "];
        assert_eq!(string_literals(source), expected);
    }

    #[test]
    fn whole_statements_of_the_sources_are_found() {
        let found = statements_in(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
        assert!(
            found
                .iter()
                .any(|sql| sql.starts_with("SELECT version FROM migrations WHERE product = $1 ORDER"))
        );
        assert!(!found.iter().any(|sql| sql.contains('{') || sql.contains("FROM notes")), "{found:?}");
    }

    both_databases! {
        async fn this_crates_statements_are_accepted(db: TestDatabase) {
            let store = db.store(&[]).await;
            let statements = statements_in(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
            let common: Vec<_> = statements.iter().filter(|sql| sql.contains("FROM migrations")).collect();
            check_statements(&store, &common).await;
        }
    }

    #[test]
    #[should_panic(expected = "SELECT nothing FROM things")]
    fn a_statement_that_does_not_fit_the_tables_is_named() {
        let things =
            Migrations { product: "things", steps: &[(1, "things", "CREATE TABLE things (id TEXT)")] };
        crate::testing::run(async { TestDatabase::sqlite() }, async move |db: TestDatabase| {
            let store = db.store(&[things]).await;
            check_statements(&store, &["SELECT id FROM things", "SELECT nothing FROM things"]).await;
        });
    }
}

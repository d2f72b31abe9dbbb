//! Passwords of local accounts: argon2id, a bounded number of hashes at once, and the same work
//! whether the account exists or not.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::Problem;

/// Shortest password, in characters (NIST SP 800-63B 3.1.1.2 for passwords used alone).
pub const SHORTEST: usize = 12;
const LONGEST: usize = 256;

/// Each hash takes 19 MiB and a core; more at once would only make everybody wait.
static AT_ONCE: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)));

/// What an account without a password, or no account at all, is compared with.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("no account has this password").ok());

/// Checks what a person chose as a password.
///
/// # Errors
/// A sentence for beside the field.
pub fn acceptable(password: &str) -> Result<(), String> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(format!(
            "Use at least {SHORTEST} characters. A short sentence is easy to remember and hard to guess."
        ));
    }
    if length > LONGEST {
        return Err(format!("Use at most {LONGEST} characters."));
    }
    let first = password.chars().next();
    if password.chars().all(|c| Some(c) == first) {
        return Err("Use more than one character.".into());
    }
    Ok(())
}

/// Hashes a password into a PHC string.
///
/// # Errors
/// A [`Problem`] if the machine has no randomness or memory left.
pub async fn hash(password: String) -> Result<String, Problem> {
    off_thread(move || hash_now(&password)).await?.map_err(Problem::internal)
}

/// Whether `password` is the one that was hashed. `hash` is `None` for an account without one or for
/// no account: that costs the same time and is always `false`.
///
/// # Errors
/// A [`Problem`] if the hash in the database can't be read.
pub async fn verify(hash: Option<String>, password: String) -> Result<bool, Problem> {
    off_thread(move || {
        let known = hash.is_some();
        let Some(text) = hash.or_else(|| NOBODY.clone()) else { return Ok(false) };
        let parsed =
            PasswordHash::new(&text).map_err(|error| Problem::internal(format!("password hash: {error}")))?;
        let matches = hasher().verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(matches && known)
    })
    .await?
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let _permit = AT_ONCE.acquire().await.map_err(Problem::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

fn hash_now(password: &str) -> Result<String, String> {
    hasher()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_is_accepted() {
        let stored = hash("correct horse battery".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(Some(stored.clone()), "correct horse battery".into()).await.unwrap());
        assert!(!verify(Some(stored), "correct horse batterz".into()).await.unwrap());
        assert!(!verify(None, "no account has this password".into()).await.unwrap());
        assert!(verify(Some("not a hash".into()), "x".into()).await.is_err());
    }

    #[test]
    fn weak_passwords_are_refused_with_a_reason() {
        assert!(acceptable("a short sentence").is_ok());
        assert!(acceptable("elevenchars").is_err());
        assert!(acceptable("aaaaaaaaaaaaaa").is_err());
        assert!(acceptable(&"ab".repeat(200)).is_err());
    }
}

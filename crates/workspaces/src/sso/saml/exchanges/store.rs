//! The SQL of exchanges.

use ::store::{Error, Store, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::readable::{is_secret_name, masked_addresses, readable};
use super::{Conclusion, Evidence, Exchange, Findings, Kind, Message, Note, Outcome, beginning};

/// A value on screen beyond this is cut off, in bytes.
const VALUE_KEPT: usize = 2000;
/// Checks, attributes and values of an attribute beyond this many are left out.
const VALUES_KEPT: usize = 100;

impl Kind {
    const ALL: [Self; 5] = [Self::SignIn, Self::Test, Self::Unsolicited, Self::LogoutHere, Self::LogoutThere];

    fn key(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Test => "test",
            Self::Unsolicited => "unsolicited",
            Self::LogoutHere => "logout_here",
            Self::LogoutThere => "logout_there",
        }
    }
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Accepted, Self::Done, Self::Partial, Self::Refused];

    fn key(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Refused => "refused",
        }
    }
}

impl Evidence {
    fn key(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Claimed => "claimed",
            Self::Noise => "noise",
        }
    }
}

/// Writes what waited. One transaction, and each configuration is cut to its size once.
pub(super) async fn write(store: &Store, notes: &[Note]) -> Result<(), Error> {
    if notes.iter().all(|note| matches!(note, Note::Settled(_))) {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    let mut configs = Vec::new();
    for note in notes {
        match note {
            Note::Kept(exchange) => {
                insert(&mut tx, exchange).await?;
                configs.push(exchange.config_id.as_str());
            }
            Note::Concluded(conclusion) => conclude(&mut tx, conclusion).await?,
            Note::Settled(_) => {}
        }
    }
    configs.sort_unstable();
    configs.dedup();
    for config in configs {
        cut_to_size(&mut tx, config).await?;
    }
    tx.commit().await
}

/// Keeps an exchange, unless its configuration was deleted meanwhile.
async fn insert(conn: &mut AnyConnection, exchange: &Exchange) -> Result<(), Error> {
    let findings = serde_json::to_string(&masked(&exchange.findings))
        .map_err(|error| Error::Refused(format!("the findings of an exchange can't be kept: {error}")))?;
    let relay_state = match exchange.relay_state {
        0 => String::new(),
        length => format!("{length} characters, not kept"),
    };
    let most = exchange.evidence.message_kept();
    sqlx::query(
        "INSERT INTO workspaces_saml_exchanges (id, config_id, at, client_addr, kind, evidence, outcome, who, \
         sentence, relay_state, findings, sent, received) \
         SELECT $1, c.id, CAST($3 AS BIGINT), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 \
         FROM workspaces_saml_configs c WHERE c.id = $2 ON CONFLICT DO NOTHING",
    )
    .bind(&exchange.id)
    .bind(&exchange.config_id)
    .bind(exchange.at)
    .bind(&exchange.client_addr)
    .bind(exchange.kind.key())
    .bind(exchange.evidence.key())
    .bind(exchange.outcome.key())
    .bind(value(&exchange.who))
    .bind(value(&exchange.sentence))
    .bind(relay_state)
    .bind(findings)
    .bind(written(&exchange.sent, most))
    .bind(written(&exchange.received, most))
    .execute(conn)
    .await?;
    Ok(())
}

/// A message for people, with a note if it is not whole.
fn written(message: &Message, most: usize) -> String {
    // Indenting makes it longer; twice as long is still all of an ordinary message.
    let mut text = readable(&message.xml, most * 2);
    if message.xml.len() < message.bytes {
        let (kept, bytes) = (message.xml.len(), message.bytes);
        text.push_str(&format!("Cut off: this is the beginning, {kept} of {bytes} bytes.\n"));
    }
    text
}

fn value(text: &str) -> String {
    let mut kept = masked_addresses(beginning(text, VALUE_KEPT)).replace('\0', "␀");
    if text.len() > VALUE_KEPT {
        kept.push('…');
    }
    kept
}

fn masked(findings: &Findings) -> Findings {
    let mut masked = findings.clone();
    masked.checks.truncate(VALUES_KEPT);
    for check in &mut masked.checks {
        check.expected = value(&check.expected);
        check.received = value(&check.received);
    }
    if let Some(said) = &mut masked.said {
        said.attributes.truncate(VALUES_KEPT);
        for attribute in &mut said.attributes {
            let secret = is_secret_name(&attribute.name) || is_secret_name(&attribute.friendly_name);
            attribute.values.truncate(VALUES_KEPT);
            for text in &mut attribute.values {
                *text = if secret { "[masked]".to_owned() } else { value(text) };
            }
        }
    }
    masked
}

/// An accepted exchange has ended.
async fn conclude(conn: &mut AnyConnection, conclusion: &Conclusion) -> Result<(), Error> {
    sqlx::query(
        "UPDATE workspaces_saml_exchanges SET outcome = $2, sentence = $3 WHERE id = $1 AND outcome = 'accepted'",
    )
    .bind(&conclusion.id)
    .bind(conclusion.outcome.key())
    .bind(value(&conclusion.sentence))
    .execute(conn)
    .await?;
    Ok(())
}

/// Cuts a configuration to its last 50 exchanges. The newest 20 proven, 15 claimed and 5 others have a place
/// of their own, so that none of the three pushes the others out; noise never has more than 10.
async fn cut_to_size(conn: &mut AnyConnection, config_id: &str) -> Result<(), Error> {
    sqlx::query(
        "DELETE FROM workspaces_saml_exchanges WHERE config_id = $1 AND id NOT IN ( \
         SELECT id FROM ( \
         SELECT id, at, evidence, ROW_NUMBER() OVER (PARTITION BY evidence ORDER BY at DESC, id DESC) AS place \
         FROM workspaces_saml_exchanges WHERE config_id = $1) ranked \
         WHERE evidence <> 'noise' OR place <= 10 \
         ORDER BY CASE WHEN place <= CASE evidence WHEN 'proven' THEN 20 WHEN 'claimed' THEN 15 ELSE 5 END \
         THEN 0 ELSE 1 END, at DESC, id DESC LIMIT 50)",
    )
    .bind(config_id)
    .execute(conn)
    .await?;
    Ok(())
}

/// An exchange as the pages show it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) client_addr: String,
    pub(super) kind: Kind,
    pub(super) outcome: Outcome,
    pub(super) who: String,
    pub(super) sentence: String,
    pub(super) relay_state: String,
    pub(super) findings: Findings,
    pub(super) sent: String,
    pub(super) received: String,
}

impl FromRow<'_, AnyRow> for Kept {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let text = |name: &str| row.try_get::<String, _>(name);
        let (kind, outcome) = (text("kind")?, text("outcome")?);
        Ok(Self {
            id: text("id")?,
            at: row.try_get("at")?,
            client_addr: text("client_addr")?,
            // Only this file writes these columns.
            kind: Kind::ALL.into_iter().find(|known| known.key() == kind).unwrap_or(Kind::SignIn),
            outcome: Outcome::ALL
                .into_iter()
                .find(|known| known.key() == outcome)
                .unwrap_or(Outcome::Refused),
            who: text("who")?,
            sentence: text("sentence")?,
            relay_state: text("relay_state")?,
            findings: serde_json::from_str(&text("findings")?).unwrap_or_default(),
            sent: text("sent")?,
            received: text("received")?,
        })
    }
}

/// The exchanges of a configuration without their messages, newest first.
pub(super) async fn list(conn: &mut AnyConnection, config_id: &str) -> Result<Vec<Kept>, Error> {
    let kept = sqlx::query_as(
        "SELECT id, at, client_addr, kind, outcome, who, sentence, relay_state, '' AS findings, '' AS sent, \
         '' AS received FROM workspaces_saml_exchanges WHERE config_id = $1 ORDER BY at DESC, id DESC",
    )
    .bind(config_id)
    .fetch_all(conn)
    .await?;
    Ok(kept)
}

/// The exchange that a web request brought.
pub(super) async fn find(conn: &mut AnyConnection, config_id: &str, id: &str) -> Result<Option<Kept>, Error> {
    let kept = sqlx::query_as(
        "SELECT id, at, client_addr, kind, outcome, who, sentence, relay_state, findings, sent, received \
         FROM workspaces_saml_exchanges WHERE config_id = $1 AND id = $2",
    )
    .bind(config_id)
    .bind(id)
    .fetch_optional(conn)
    .await?;
    Ok(kept)
}

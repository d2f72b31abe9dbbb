//! What an application would be told about somebody, without telling it.

use site::Problem;
use sqlx::AnyConnection;

use super::name_id::{self, Naming};
use super::pages::Preview;
use super::settings::SamlProvider;
use super::told::Mapped;
use crate::mappings::Subject;
use crate::visit::AdminVisit;
use crate::{groups, users};

/// What the provider would tell about a user who signed in now; `None` if there is no such user.
///
/// # Errors
/// The database's.
pub(super) async fn of(
    conn: &mut AnyConnection,
    by: &AdminVisit,
    (provider, issuer): (&SamlProvider, &str),
    user_id: &str,
) -> Result<Option<Preview>, Problem> {
    let Some(user) = users::find(conn, user_id).await? else { return Ok(None) };
    let groups = groups::of_user(conn, user_id).await?;
    let format = name_id::format(&provider.settings, None);
    let naming = Naming { site: &by.app.site, provider, issuer };
    let name_id = format.and_then(|format| naming.name(format, (&user, &groups), &by.person.session.id));
    let subject = Subject { user: &user, groups: &groups, provider: &provider.settings.name };
    let told = Mapped::load(conn, &provider.settings).await?.about(&by.app, subject).await;
    let failures =
        told.failures.into_iter().map(|failed| (failed.mapping, failed.failure.sentence())).collect();
    Ok(Some(Preview { name_id, attributes: told.attributes, failures }))
}

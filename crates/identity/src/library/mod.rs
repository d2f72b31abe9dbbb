//! My applications: what a person may open, and opening it.

mod pages;
#[cfg(test)]
mod tests;

use ::store::Error;
use sqlx::AnyConnection;

pub(crate) use self::pages::routes;
use crate::applications::{self, Application};
use crate::policies;
use crate::sessions::Person;

/// My applications.
pub(crate) const MY_APPLICATIONS: &str = "/if/user/";

/// The applications that a person may open and that have something to open, by group and name.
pub(crate) async fn of(conn: &mut AnyConnection, person: &Person) -> Result<Vec<Application>, Error> {
    let bindings = applications::all_bindings(conn).await?;
    let mut applications = applications::all(conn).await?;
    applications.retain(|application| {
        let bindings = bindings.get(&application.id).map_or(&[][..], Vec::as_slice);
        let mode = application.policy_engine_mode;
        application.start().is_some() && policies::allows(mode, bindings, &person.user.id, &person.groups)
    });
    Ok(applications)
}

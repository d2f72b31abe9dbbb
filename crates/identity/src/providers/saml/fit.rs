//! Whether the person who is there can be told to the application in the way that it asks for.

use saml::{AuthnContextClass, NameId, NameIdFormat, StatusCode};
use site::Problem;

use super::name_id::{self, Naming};
use super::refused::Refused;
use super::request::{Asked, no_authn_context};
use super::snapshot::Snapshot;
use super::{known_names, request};
use crate::app::App;
use crate::flows::{Fit, Told};
use crate::sessions::Person;

/// What a sign-in here can be called, the most telling first.
pub(super) const EVERY_CLASS: [AuthnContextClass; 3] = [
    AuthnContextClass::PasswordProtectedTransport,
    AuthnContextClass::Password,
    AuthnContextClass::Unspecified,
];

/// What the application is told of how and who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) name_id: NameId,
    pub(super) authn_context: AuthnContextClass,
}

/// Why a person can't be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Another sign-in may mend it; if it has not, this is the answer.
    SignInAgain(Refused),
    /// The application asks for what this person can't give.
    Application(Refused),
    /// The account lacks something: the person hears it, and may take the refusal back.
    Person(Refused),
}

impl Unfit {
    pub(super) fn refused(self) -> Refused {
        match self {
            Self::SignInAgain(refused) | Self::Application(refused) | Self::Person(refused) => refused,
        }
    }
}

/// As [`flows`](crate::flows) needs to know it.
pub(super) fn for_flow(fit: &Result<Granted, Unfit>) -> Fit {
    match fit {
        Ok(_) => Fit::Fits,
        Err(Unfit::SignInAgain(_)) => Fit::SignInAgain,
        Err(Unfit::Application(_)) => Fit::Unfit(Told::Application),
        Err(Unfit::Person(refused)) => Fit::Unfit(Told::Person(refused.sentence.clone())),
    }
}

/// Whether the person fits what was asked for, and what is told then. Reads the database only for a request
/// that allows known lasting names alone.
///
/// # Errors
/// The database's.
pub(super) async fn check(
    app: &App,
    snapshot: &Snapshot,
    asked: &Asked,
    person: &Person,
) -> Result<Result<Granted, Unfit>, Problem> {
    let granted = grant(app, snapshot, asked, person);
    let Ok(Granted { name_id, .. }) = &granted else { return Ok(granted) };
    if asked.known_names_only && name_id.format == NameIdFormat::Persistent {
        let mut conn = app.store.read().await?;
        if !known_names::is_known(&mut conn, &snapshot.provider.id, &person.user.id).await? {
            return Ok(Err(Unfit::Application(unknown_name())));
        }
    }
    Ok(granted)
}

fn grant(app: &App, snapshot: &Snapshot, asked: &Asked, person: &Person) -> Result<Granted, Unfit> {
    let settings = &snapshot.provider.settings;
    let naming = Naming { site: &app.site, provider: &snapshot.provider, issuer: &snapshot.issuer };
    let about = (&person.user, person.groups.as_slice());
    let format = name_id::format(settings, asked.name_id_format().as_ref()).map_err(unnamed)?;
    let name_id = naming.name(format, about, &person.session.id);
    if let Some(subject) = asked.subject() {
        is_subject(&naming, &subject, person)?;
    }
    let name_id = name_id.map_err(unnamed)?;
    let authn_context = class(snapshot, asked, person)?;
    Ok(Granted { name_id, authn_context })
}

fn unnamed(sentence: String) -> Unfit {
    Unfit::Person(Refused::responder(StatusCode::InvalidNameIdPolicy, sentence))
}

fn unknown_name() -> Refused {
    Refused::requester(
        StatusCode::InvalidNameIdPolicy,
        "The request allows only persistent names that were given before (AllowCreate is not true), and this person \
         has never signed in to the application. Set AllowCreate in the settings of the application, or let the \
         person open it from My applications once.",
    )
}

/// The answer must be about the person whom the request names (SAML Core 3.3.4).
fn is_subject(naming: &Naming<'_>, subject: &NameId, person: &Person) -> Result<(), Unfit> {
    let (user, value) = (&person.user, subject.value.trim());
    let about = (user, person.groups.as_slice());
    let own = naming.name(subject.format.clone(), about, &person.session.id);
    let is_same = match &subject.format {
        NameIdFormat::Unspecified => {
            own.is_ok_and(|own| own.value == value)
                || value.eq_ignore_ascii_case(&user.username)
                || (!user.email.is_empty() && value.eq_ignore_ascii_case(&user.email))
        }
        NameIdFormat::EmailAddress | NameIdFormat::WindowsDomainQualifiedName => {
            own.is_ok_and(|own| own.value.eq_ignore_ascii_case(value))
        }
        _ => own.is_ok_and(|own| own.value == value),
    };
    if is_same {
        return Ok(());
    }
    let refused = Refused::responder(
        StatusCode::UnknownPrincipal,
        format!("The request is about {}, and somebody else is signed in.", request::shown(value)),
    );
    Err(match subject.format {
        // Such a name is gone with its session.
        NameIdFormat::Transient => Unfit::Application(refused),
        _ => Unfit::SignInAgain(refused),
    })
}

/// The most telling class of this sign-in that the request admits.
fn class(snapshot: &Snapshot, asked: &Asked, person: &Person) -> Result<AuthnContextClass, Unfit> {
    let mapped = snapshot.provider.settings.authn_context_class_ref_mapping.and_then(|mapping| {
        let values = mapping.values(&person.user, &person.groups);
        values.first().map(|uri| AuthnContextClass::from_uri(uri))
    });
    let given = match (&mapped, person.session.method.as_str()) {
        (Some(mapped), _) => std::slice::from_ref(mapped),
        (None, "password") => EVERY_CLASS.as_slice(),
        // By a link that an administrator or the first start made.
        (None, _) => &EVERY_CLASS[EVERY_CLASS.len() - 1..],
    };
    let Some(context) = asked.context() else {
        return Ok(given.first().cloned().unwrap_or(AuthnContextClass::Unspecified));
    };
    if let Some(class) = given.iter().find(|class| context.admits(class)) {
        return Ok(class.clone());
    }
    let refused = no_authn_context(&context);
    if mapped.is_none() && EVERY_CLASS.iter().any(|class| context.admits(class)) {
        return Err(Unfit::SignInAgain(refused));
    }
    Err(Unfit::Application(refused))
}

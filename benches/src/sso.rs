//! One sign-in through the whole service (a request in, a signed answer out) beside one raw signature.

use std::time::Instant;

use crate::core_cost::CoreCost;
use crate::http::Connection;
use crate::key::Key;
use crate::report::{Goal, Report, microseconds, multiple};
use crate::service::Service;
use crate::sign_in::{SignIn, response_in};
use crate::{Outcome, cpu};

/// Rounds, each of raw signatures and then sign-ins.
const ROUNDS: usize = 9;

/// Sign-ins in one round.
pub(crate) const SIGN_INS: u32 = 1_600;

/// Raw signatures in one round.
const SIGNATURES: u32 = 500;

/// People who sign in at the same time, each on a connection of their own.
pub(crate) const CONNECTIONS: u32 = 16;

const WARM_UP: u32 = 400;

const GOAL: f64 = 1.25;

pub(crate) struct Sso {
    /// CPU seconds of one raw signature.
    pub(crate) raw: f64,
    /// CPU seconds of the service for one sign-in.
    each: f64,
    multiple: f64,
    per_second: f64,
    /// CPU seconds for one sign-in if nobody else signs in at that time.
    alone: f64,
}

struct Round {
    raw: f64,
    each: f64,
    seconds: f64,
}

pub(crate) fn measure(service: &Service, sign_in: &SignIn, key: &Key) -> Outcome<Sso> {
    sign_in_often(service, sign_in, WARM_UP, CONNECTIONS)?;
    let mut rounds = Vec::with_capacity(ROUNDS);
    let mut alone = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        rounds.push(round(service, sign_in, key, CONNECTIONS)?);
        alone.push(round(service, sign_in, key, 1)?.each);
    }
    Ok(Sso {
        raw: cpu::median(rounds.iter().map(|round| round.raw)),
        each: cpu::median(rounds.iter().map(|round| round.each)),
        multiple: cpu::median(rounds.iter().map(|round| round.each / round.raw)),
        per_second: cpu::median(rounds.iter().map(|round| f64::from(SIGN_INS) / round.seconds)),
        alone: cpu::median(alone),
    })
}

fn round(service: &Service, sign_in: &SignIn, key: &Key, connections: u32) -> Outcome<Round> {
    let raw = key.seconds_to_sign(SIGNATURES)?;
    let used = cpu::of_process(service.pid())?;
    let begun = Instant::now();
    sign_in_often(service, sign_in, SIGN_INS, connections)?;
    let seconds = begun.elapsed().as_secs_f64();
    let used = cpu::of_process(service.pid())? - used;
    Ok(Round { raw, each: used.as_secs_f64() / f64::from(SIGN_INS), seconds })
}

/// Every answer must hold a response; the first and the last of each connection are checked.
pub(crate) fn sign_in_often(
    service: &Service,
    sign_in: &SignIn,
    times: u32,
    connections: u32,
) -> Outcome<()> {
    let one_person = || -> Result<(), String> {
        let told = |error: Box<dyn std::error::Error>| error.to_string();
        let mut connection = Connection::open(service.port()).map_err(told)?;
        let last = times / connections - 1;
        for count in 0..=last {
            let answer = connection.send(&sign_in.http_request).map_err(told)?;
            let response = response_in(&answer).map_err(told)?;
            if count == 0 || count == last {
                sign_in.check(&response).map_err(told)?;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let people: Vec<_> = (0..connections).map(|_| scope.spawn(one_person)).collect();
        people.into_iter().try_for_each(|person| person.join().map_err(|_| "a client panicked".to_owned())?)
    })?;
    Ok(())
}

impl Sso {
    pub(crate) fn tell(&self, core: &CoreCost, report: &mut Report) {
        let goal = Goal::new("at most 1.25 ×", self.multiple <= GOAL);
        report.figure("one sign-in, in raw RSA-2048 signatures", &multiple(self.multiple), goal);
        report.note("one raw RSA-2048 signature", &microseconds(self.raw));
        report.note("one sign-in through the whole HTTP service", &microseconds(self.each));
        report.note("of that, reading the request and writing the signed answer", &microseconds(core.issue));
        report.note("one sign-in if nobody else signs in", &microseconds(self.alone));
        report.note("sign-ins a second, the client on the same cores", &format!("{:.0}", self.per_second));
    }

    /// As the one click sets it up: the assertion is encrypted, too.
    pub(crate) fn tell_encrypted(&self, report: &mut Report) {
        report.note("one sign-in with the assertion encrypted, too", &microseconds(self.each));
    }

    /// What is left when the signature costs next to nothing.
    pub(crate) fn tell_elliptic(&self, rsa: &Self, report: &mut Report) {
        report.note("one sign-in signed with ECDSA P-256", &microseconds(self.each));
        let per_second = format!("{:.0}", self.per_second);
        report.note("sign-ins a second with it, the client on the same cores", &per_second);
        report.note("sign-ins for one CPU second, RSA-2048", &format!("{:.0}", 1.0 / rsa.each));
        report.note("sign-ins for one CPU second, ECDSA P-256", &format!("{:.0}", 1.0 / self.each));
        report.note("ECDSA P-256 to RSA-2048", &multiple(rsa.each / self.each));
    }
}

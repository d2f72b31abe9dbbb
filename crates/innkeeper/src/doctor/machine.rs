//! The port, the host names, the clock, the limits.

use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use site::origin::is_loopback;
use store::{Clock as _, Timestamp};

use super::Finding;
use crate::config::{Addresses, PublicAddress};
use crate::serve::{Holder, open_files_limit, who_holds};
use crate::wiring::SystemClock;

/// A clock this far behind the age of this program is wrong, not just unset by a little.
const TOLERATED: Duration = Duration::from_hours(24);

/// Fewer open files than this end at some hundreds of people.
const FEW_FILES: u64 = 4096;

/// Whether the listener's port is free, or held by this very service.
pub(super) fn port(listen: SocketAddr, data_dir: &Path) -> Finding {
    const NAME: &str = "port";
    match TcpListener::bind(listen) {
        Ok(_) => Finding::good(NAME, format!("{listen} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            if let Holder::Service(process) = who_holds(data_dir) {
                let process = process.map_or(String::new(), |process| format!(" (process {process})"));
                return Finding::good(
                    NAME,
                    format!("Innkeeper is running on {}{process}", data_dir.display()),
                );
            }
            let mend =
                format!("stop the program that `ss -ltnp sport = :{}` shows, or use --listen", listen.port());
            Finding::missing(NAME, format!("{listen} is in use by another program"), mend)
        }
        Err(error) => {
            Finding::missing(NAME, format!("{listen} can't be opened: {error}"), "choose another: --listen")
        }
    }
}

/// Whether the two host names lead somewhere.
pub(super) fn host_names(addresses: &Addresses) -> [Finding; 2] {
    [("identity", &addresses.identity), ("workspaces", &addresses.workspaces)].map(|(product, address)| {
        let port = address.url().port_or_known_default().unwrap_or(0);
        let found = (address.host().trim_matches(['[', ']']), port).to_socket_addrs();
        let ips: Vec<IpAddr> = found.map(|found| found.map(|found| found.ip()).collect()).unwrap_or_default();
        host_name(product, address, &ips)
    })
}

fn host_name(product: &str, address: &PublicAddress, ips: &[IpAddr]) -> Finding {
    let (name, host) = (format!("{product} address"), address.host());
    let mend = format!("echo '127.0.0.1 {host}' | sudo tee -a /etc/hosts");
    let list = ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match (is_loopback(address.url().host().as_ref()), ips) {
        // Browsers and curl take every name under .localhost for this machine without asking anybody.
        (true, []) => {
            Finding::advice(name, format!("{host} works in browsers, and not in other programs here"), mend)
        }
        (true, ips) if !ips.iter().all(IpAddr::is_loopback) => {
            Finding::missing(name, format!("{host} leads to {list}, not to this machine"), mend)
        }
        (false, []) => {
            let mend = format!("make a DNS record for {host} that leads to this machine or its proxy");
            Finding::missing(name, format!("{host} leads nowhere"), mend)
        }
        (_, _) => Finding::good(name, format!("{address} leads to {list}")),
    }
}

/// Whether the clock can be right: signatures and sign-ins are refused when it isn't.
pub(super) fn clock() -> Finding {
    let built = std::env::current_exe().and_then(|path| path.metadata()).and_then(|meta| meta.modified());
    let built =
        built.ok().and_then(|moment| moment.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    clock_against(SystemClock.now(), Timestamp::from_micros(0).plus(built))
}

fn clock_against(now: Timestamp, program_made: Timestamp) -> Finding {
    const MEND: &str =
        "sudo apt-get install --no-install-recommends systemd-timesyncd && sudo timedatectl set-ntp true";
    let behind = program_made.since(now);
    if behind > TOLERATED {
        let days = behind.as_secs() / 86_400;
        return Finding::missing(
            "clock",
            format!("it is at least {days} day(s) behind: this program is younger"),
            MEND,
        );
    }
    Finding::good("clock", "not behind this program's own age")
}

/// Whether enough files and connections may be open at once.
pub(super) fn open_files() -> Finding {
    const NAME: &str = "open files";
    match open_files_limit() {
        Some((_, most)) if most < FEW_FILES => {
            let mend = "raise LimitNOFILE in the systemd unit, or `nofile` in /etc/security/limits.conf";
            Finding::advice(NAME, format!("at most {most}, enough for few people at once"), mend)
        }
        Some((_, most)) => Finding::good(NAME, format!("up to {most}")),
        None => Finding::advice(NAME, "the limit can't be read", "ulimit -n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, read};
    use crate::doctor::State;

    fn address(url: &str) -> PublicAddress {
        let environment = vec![("INNKEEPER__IDENTITY__URL".to_owned(), url.to_owned())];
        read(&Sources { environment, ..Sources::default() }).config.addresses.identity
    }

    #[test]
    fn a_port_in_use_is_told_unless_it_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = taken.local_addr().unwrap();
        assert_eq!(port(listen, dir.path()).state, State::Missing);
        let held = crate::serve::DataDir::take(dir.path()).unwrap();
        assert_eq!(port(listen, dir.path()).state, State::Good);
        drop((held, taken));
        assert_eq!(port(listen, dir.path()).state, State::Good);
    }

    #[test]
    fn names_are_judged_by_where_they_lead() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let local = address("http://auth.localhost:9000");
        let public = address("https://auth.example.com");
        for (address, ips, state) in [
            (&local, vec![ip("127.0.0.1")], State::Good),
            (&local, vec![], State::Advice),
            (&local, vec![ip("192.0.2.1")], State::Missing),
            (&public, vec![ip("192.0.2.1")], State::Good),
            (&public, vec![], State::Missing),
        ] {
            assert_eq!(host_name("identity", address, &ips).state, state, "{address} {ips:?}");
        }
    }

    #[test]
    fn a_clock_behind_the_program_is_told() {
        let made = Timestamp::from_micros(1_790_000_000_000_000);
        assert_eq!(clock_against(made.minus(Duration::from_hours(72)), made).state, State::Missing);
        assert_eq!(clock_against(made.minus(Duration::from_hours(2)), made).state, State::Good);
        assert_eq!(clock().state, State::Good, "this program was just built");
    }
}

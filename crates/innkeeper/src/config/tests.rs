use std::path::Path;

use super::*;

struct Written {
    dir: tempfile::TempDir,
    sources: Sources,
}

/// A configuration file with this text, and nothing else.
fn file(text: &str) -> Written {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.toml");
    std::fs::write(&path, text).unwrap();
    Written { dir, sources: Sources { file: Some(path), ..Sources::default() } }
}

fn variables(variables: &[(&str, &str)]) -> Sources {
    let environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { environment, ..Sources::default() }
}

/// All problems as text, without the directory of the file.
fn problems(reading: &Reading) -> String {
    let text: Vec<String> = reading.problems.iter().map(ToString::to_string).collect();
    let dir = reading
        .file
        .as_deref()
        .and_then(Path::parent)
        .map_or(String::new(), |dir| format!("{}/", dir.display()));
    text.join("\n").replace(&dir, "")
}

#[test]
fn nothing_needs_to_be_written() {
    let reading = read(&Sources::default());
    assert_eq!(problems(&reading), "");
    let config = reading.config;
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:9000");
    assert_eq!(config.addresses.identity.to_string(), "http://auth.localhost:9000");
    assert_eq!(config.addresses.workspaces.to_string(), "http://workspaces.localhost:9000");
    assert_eq!(config.database.url.secret(), "sqlite:./data/innkeeper.db");
    assert_eq!(config.secrets.key, KeyFrom::DataDirectory("./data/secret.key".into()));
    assert!(reading.shown.iter().all(|shown| shown.origin == Origin::BuiltIn));
}

#[test]
fn the_database_the_key_and_the_sandbox_move_with_the_data_directory() {
    let argument = Argument { key: "data.dir", flag: "--data", value: "/srv/inn".to_owned() };
    let config = read(&Sources { arguments: vec![argument], ..Sources::default() }).config;
    assert_eq!(config.database.url.secret(), "sqlite:/srv/inn/innkeeper.db");
    assert_eq!(config.database.url.sqlite_path(), Some(Path::new("/srv/inn/innkeeper.db")));
    assert_eq!(config.secrets.key, KeyFrom::DataDirectory("/srv/inn/secret.key".into()));
    assert_eq!(config.sandbox.dir, Path::new("/srv/inn/sandbox"));
}

#[test]
fn flags_cover_the_environment_which_covers_the_file() {
    let mut written =
        file("[http]\nlisten = \"127.0.0.1:1\"\n[data]\ndir = \"/from/file\"\n[log]\nlevel = \"warn\"\n");
    written.sources.environment = variables(&[
        ("INNKEEPER__HTTP__LISTEN", "127.0.0.1:2"),
        ("INNKEEPER__DATA__DIR", "/from/environment"),
        ("INNKEEPER_TEST_POSTGRES", "not a setting"),
    ])
    .environment;
    written.sources.arguments =
        vec![Argument { key: "http.listen", flag: "--listen", value: "127.0.0.1:3".to_owned() }];
    let reading = read(&written.sources);
    assert_eq!(problems(&reading), "");
    assert_eq!(reading.config.http.listen.port(), 3);
    assert_eq!(reading.config.data.dir, Path::new("/from/environment"));
    let shown = show(&reading.shown).replace(&format!("{}/", written.dir.path().display()), "");
    for line in
        ["listen = \"127.0.0.1:3\"", "# --listen", "# INNKEEPER__DATA__DIR", "# test.toml:6", "# built in"]
    {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
}

#[test]
fn every_problem_is_told_at_once_with_its_line_and_what_to_write() {
    let written = file(
        "[http]\nlisen = \"127.0.0.1:80\"\nlisten = \"localhost\"\n\n[identity]\nurl = \"auth.example.com\"\n\
         [mail]\nfrom = \"x\"\n[sandbox]\nmax_sessions = 0\n",
    );
    let reading = read(&written.sources);
    assert!(!reading.is_usable());
    let text = problems(&reading);
    for part in [
        "test.toml:3: http.listen: \"localhost\" is not an IP address with a port.",
        "Write an address with a port, for example \"127.0.0.1:9000\"",
        "test.toml:6: identity.url: \"auth.example.com\": This is not a web address.",
        "test.toml:10: sandbox.max_sessions: \"0\" is not a whole number from 1 to 10000.",
        "test.toml:2: http.lisen: There is no such setting.\n    Did you mean http.listen?",
        "test.toml:8: mail.from: There is no such setting.",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert_eq!(reading.problems.len(), 5, "{text}");
}

#[test]
fn a_variable_that_is_no_setting_is_a_problem_too() {
    let reading = read(&variables(&[("INNKEEPER__HTP__LISTEN", "127.0.0.1:1")]));
    let text = problems(&reading);
    assert!(text.contains("INNKEEPER__HTP__LISTEN: htp.listen: There is no such setting."), "{text}");
    assert!(text.contains("Did you mean http.listen?"), "{text}");
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let reading = read(&file("[http]\nlisten = 127.0.0.1:9000\n").sources);
    assert!(!reading.is_usable());
    let text = problems(&reading);
    assert!(text.contains("test.toml:2: This is not TOML"), "{text}");
}

#[test]
fn a_missing_file_is_told() {
    let reading = read(&Sources { file: Some("/nowhere/innkeeper.toml".into()), ..Sources::default() });
    assert!(!reading.is_usable());
    let text = reading.problems[0].to_string();
    assert!(text.contains("/nowhere/innkeeper.toml can't be read"), "{text}");
}

#[test]
fn the_two_products_need_two_names() {
    let reading = read(&variables(&[
        ("INNKEEPER__IDENTITY__URL", "https://inn.example.com:1"),
        ("INNKEEPER__WORKSPACES__URL", "https://INN.example.com:2"),
    ]));
    assert!(!reading.is_usable());
    assert!(problems(&reading).contains("the same host name, inn.example.com"), "{}", problems(&reading));
}

#[test]
fn an_address_ends_after_the_host() {
    for bad in
        ["https://a.example.com/auth", "https://a.example.com/?x", "https://a.example.com/#x", "ftp://a", ""]
    {
        let reading = read(&variables(&[("INNKEEPER__IDENTITY__URL", bad)]));
        assert!(!reading.is_usable(), "{bad}");
    }
}

#[test]
fn plain_http_to_another_machine_is_a_warning() {
    let reading = read(&variables(&[("INNKEEPER__IDENTITY__URL", "http://auth.example.com")]));
    assert!(reading.is_usable());
    assert!(
        problems(&reading).starts_with("warning: INNKEEPER__IDENTITY__URL: identity.url:"),
        "{}",
        problems(&reading)
    );
}

#[test]
fn trusted_proxies_are_addresses_or_ranges() {
    let reading = read(&variables(&[("INNKEEPER__HTTP__TRUSTED_PROXIES", "10.0.0.7, 192.168.0.0/16")]));
    assert_eq!(reading.config.http.trusted_proxies.len(), 2);
    let reading = read(&file("[http]\ntrusted_proxies = [\"10.0.0.7\", \"nginx\"]\n").sources);
    assert!(problems(&reading).contains("\"nginx\" is not an IP address"), "{}", problems(&reading));
}

#[test]
fn the_master_key_comes_from_a_value_or_a_file_and_never_shows() {
    let written = file("");
    let key_path = written.dir.path().join("key");
    let key = write_new_key(&key_path, &store::SystemRandom).unwrap();
    let text = std::fs::read_to_string(&key_path).unwrap();
    let reading = read(&variables(&[("INNKEEPER__SECRETS__KEY_FILE", key_path.to_str().unwrap())]));
    assert_eq!(problems(&reading), "");
    assert_eq!(reading.config.secrets.key.load().unwrap(), key);

    let reading = read(&variables(&[("INNKEEPER__SECRETS__KEY", text.trim())]));
    assert_eq!(reading.config.secrets.key.load().unwrap(), key);
    let told = format!("{}{:?}", show(&reading.shown), reading.config);
    assert!(told.contains("(hidden)") && !told.contains(text.trim()), "{told}");

    let both = [("INNKEEPER__SECRETS__KEY", text.trim()), ("INNKEEPER__SECRETS__KEY_FILE", "x")];
    assert!(problems(&read(&variables(&both))).contains("Both secrets.key and secrets.key_file"));
    let short = read(&variables(&[("INNKEEPER__SECRETS__KEY", "c2hvcnQ=")]));
    assert!(problems(&short).contains("not a key of 32 bytes") && !problems(&short).contains("c2hvcnQ="));
    let missing = read(&variables(&[("INNKEEPER__SECRETS__KEY_FILE", "/nowhere/key")]));
    assert!(problems(&missing).contains("/nowhere/key can't be read"));
}

#[test]
fn a_secret_that_others_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let written = file("");
    let path = written.dir.path().join("url");
    std::fs::write(&path, "postgres://keeper:hunter2@db/inn\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let reading = read(&variables(&[("INNKEEPER__DATABASE__URL_FILE", path.to_str().unwrap())]));
    assert!(reading.is_usable());
    assert!(
        problems(&reading).contains("Others on this machine can read the secret"),
        "{}",
        problems(&reading)
    );
    assert_eq!(reading.config.database.url.secret(), "postgres://keeper:hunter2@db/inn");
    assert!(!show(&reading.shown).contains("hunter2"));
}

#[test]
fn a_key_is_made_once_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret.key");
    let key = write_new_key(&path, &store::SystemRandom).unwrap();
    assert_ne!(key, [0; 32]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(write_new_key(&path, &store::SystemRandom).is_err(), "a key must never be overwritten");
    assert_eq!(KeyFrom::DataDirectory(path.clone()).load().unwrap(), key);
    std::fs::write(&path, "damaged").unwrap();
    assert!(KeyFrom::DataDirectory(path).load().unwrap_err().contains("Put the backup of that file back"));
}

#[test]
fn what_is_shown_can_be_read_again() {
    let first = read(&variables(&[("INNKEEPER__HTTP__TRUSTED_PROXIES", "10.0.0.0/8")]));
    let again = read(&file(&show(&first.shown)).sources);
    assert_eq!(problems(&again), "");
    let values =
        |reading: &Reading| reading.shown.iter().map(|s| (s.key, s.value.clone())).collect::<Vec<_>>();
    assert_eq!(values(&first), values(&again));
}

#[test]
fn the_documentation_names_every_setting() {
    let page = include_str!("../../../../docs/configuration.md");
    for shown in read(&Sources::default()).shown {
        assert!(
            page.contains(&format!("`{}`", shown.key)),
            "docs/configuration.md does not name {}",
            shown.key
        );
    }
}

#[test]
fn another_port_moves_the_built_in_addresses_with_it_and_no_others() {
    let config = read(
        &file("[http]\nlisten = \"127.0.0.1:9100\"\n[identity]\nurl = \"https://auth.example.com\"\n")
            .sources,
    )
    .config;
    assert_eq!(config.addresses.workspaces.to_string(), "http://workspaces.localhost:9100");
    assert_eq!(config.addresses.identity.to_string(), "https://auth.example.com");
}

//! What a session looks like: the X server's arguments, the window manager's settings, the panel and the menu.
//!
//! The window manager starts the program (`openbox --startup`), since a program started beside it may find no
//! manager yet and then stays invisible for seconds, or for good.

use crate::{Geometry, Kind};

pub(super) const DISPLAY: &str = ":1";
pub(super) const HOME: &str = "/home/user";
pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/games";

/// The window manager's arguments; its settings and what it starts are among [`files`].
pub(super) const PROGRAM_ARGUMENTS: [&str; 4] =
    ["--config-file", "/etc/innkeeper/openbox.xml", "--startup", "/etc/innkeeper/startup"];

/// A file of the session.
pub(super) struct SessionFile {
    /// Relative to the root.
    pub(super) path: &'static str,
    pub(super) text: String,
    pub(super) mode: u32,
}

/// The X server's arguments.
pub(super) fn display_arguments(geometry: Geometry) -> Vec<String> {
    let size = format!("{}x{}", geometry.width, geometry.height);
    let arguments = [
        DISPLAY,
        "-geometry",
        &size,
        "-depth",
        "24",
        "-desktop",
        "Workspace",
        "-SecurityTypes",
        "None",
        "-AlwaysShared",
        "-AcceptSetDesktopSize",
        "-nolisten",
        "tcp",
        "-noreset",
        "-rfbport",
        "-1",
        "-rfbunixpath",
        "/run/ws/rfb.sock",
        "-rfbunixmode",
        "0660",
    ];
    arguments.map(str::to_owned).to_vec()
}

/// Variables of every program of a session.
pub(super) fn environment() -> [(&'static str, &'static str); 10] {
    [
        ("HOME", HOME),
        ("LANG", "C.UTF-8"),
        ("LOGNAME", "user"),
        ("PATH", PATH),
        ("SHELL", "/bin/bash"),
        ("USER", "user"),
        ("XDG_RUNTIME_DIR", "/run/user/1000"),
        ("GTK2_RC_FILES", "/etc/innkeeper/gtkrc"),
        // Resources of every xterm, whatever starts it; needs no further program.
        ("XENVIRONMENT", "/etc/innkeeper/Xresources"),
        ("XDG_CONFIG_DIRS", "/etc/innkeeper/xdg:/etc/xdg"),
    ]
}

/// All files that a session of this kind has of its own.
pub(super) fn files(kind: &Kind) -> Vec<SessionFile> {
    let text = |path, text: &str| SessionFile { path, text: text.to_owned(), mode: 0o644 };
    let mut files = vec![
        text("etc/passwd", include_str!("passwd")),
        text("etc/group", "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"),
        text("etc/hosts", "127.0.0.1 localhost workspace\n::1 localhost workspace\n"),
        text("etc/hostname", "workspace\n"),
        text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
        text("etc/innkeeper/Xresources", include_str!("Xresources")),
        text("etc/innkeeper/bashrc", include_str!("bashrc")),
        SessionFile { path: "etc/innkeeper/startup", text: startup(kind), mode: 0o755 },
    ];
    if *kind == Kind::Desktop {
        files.extend([
            SessionFile {
                path: "etc/innkeeper/background",
                text: include_str!("background.sh").to_owned(),
                mode: 0o755,
            },
            text("etc/innkeeper/openbox.xml", include_str!("desktop.xml")),
            text("etc/innkeeper/menu.xml", include_str!("menu.xml")),
            text("etc/innkeeper/tint2rc", include_str!("tint2rc")),
            text("etc/innkeeper/terminal.desktop", include_str!("terminal.desktop")),
            text("etc/innkeeper/files.desktop", include_str!("files.desktop")),
            text("etc/innkeeper/gtkrc", include_str!("gtkrc")),
            text("etc/innkeeper/xdg/libfm/libfm.conf", include_str!("libfm.conf")),
        ]);
    } else {
        files.push(text("etc/innkeeper/openbox.xml", include_str!("single.xml")));
    }
    files
}

/// The script that the window manager runs once it manages windows.
fn startup(kind: &Kind) -> String {
    let ends_with_it = |program: &str| format!("{program}\nexec openbox --exit\n");
    let rest = match kind {
        Kind::Desktop => include_str!("desktop.sh").to_owned(),
        Kind::Terminal => ends_with_it(XTERM),
        Kind::Program { argv } => {
            ends_with_it(&argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
        }
    };
    format!("#!/bin/sh\n{rest}")
}

const XTERM: &str = "xterm -e bash --rcfile /etc/innkeeper/bashrc -i";

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_program_as_they_are() {
        let words = ["it's", "$(id)", "a b", "", "\\", "\"; reboot #"];
        let line = words.map(quoted).join(" ");
        let script = format!("for word in {line}; do printf '[%s]' \"$word\"; done");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let expected: String = words.iter().map(|word| format!("[{word}]")).collect();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }

    #[test]
    fn no_file_is_given_twice_or_leaves_the_root() {
        for kind in [Kind::Desktop, Kind::Terminal, Kind::Program { argv: vec!["x".to_owned()] }] {
            let mut paths: Vec<_> = files(&kind).iter().map(|file| file.path).collect();
            assert!(paths.iter().all(|path| path.starts_with("etc/") && !path.contains("..")));
            let count = paths.len();
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), count);
        }
    }
}

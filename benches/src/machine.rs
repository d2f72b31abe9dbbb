//! The machine that was measured on, in one line.
//!
//! It says how busy the machine was, too: builds beside the measurement make every figure worse.

use std::fs;
use std::thread::available_parallelism;

/// How many programs wanted to run in the last minute: 0 on an idle machine.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}

/// Processor, cores, memory, kernel and system.
pub(crate) fn description() -> String {
    let field = |text: &str, name: &str, parted_by: char| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(parted_by))
            .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().trim_matches('"').to_owned())
    };
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let kib = field(&file("/proc/meminfo"), "MemTotal", ':');
    let kib: u64 = kib.trim_end_matches(" kB").parse().unwrap_or_default();
    format!(
        "{}, {} cores, {} GiB, Linux {}, {}",
        field(&file("/proc/cpuinfo"), "model name", ':'),
        available_parallelism().map_or(0, usize::from),
        kib.div_ceil(1 << 20),
        file("/proc/sys/kernel/osrelease").trim(),
        field(&file("/etc/os-release"), "PRETTY_NAME", '='),
    )
}

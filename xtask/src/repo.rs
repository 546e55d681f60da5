//! Where things are, and how to call cargo there.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The top folder of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where cargo builds: what `./x` set, or cargo's own default.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The program `name`, to be run in the top folder.
pub fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).args(arguments);
    command
}

/// Cargo, as it was when it started this program, without what it told this program of its own package: some build
/// scripts look at that, so that each clone would build them, and all that needs them, anew.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(&env::var("CARGO").unwrap_or_else(|_| "cargo".into()), arguments);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || OF_PACKAGE.contains(&name)) {
            command.env_remove(name);
        }
    }
    command
}

/// What `cargo run` tells a program of its package, besides `CARGO_PKG_*` (the Cargo book, "Environment Variables").
const OF_PACKAGE: [&str; 3] = ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_MANIFEST_LINKS"];

/// Whether `name` can be run.
pub fn has(name: &str) -> bool {
    program(name, &["--version"]).output().is_ok_and(|output| output.status.success())
}

/// The command as a person would type it.
pub fn shown(command: &Command) -> String {
    let name =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    command.get_args().fold(name, |line, argument| line + " " + &argument.to_string_lossy())
}

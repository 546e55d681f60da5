//! `phala contract new` and `phala contract toolchain`.

use crate::{
    args::{Lang, NewArgs, ToolchainCommand},
    context::Context,
    failure::advise,
};
use anyhow::{Context as _, Result};
use phala_sdk::build::{BuildOptions, Language, compiler, install};
use serde_json::json;
use std::{fs, path::Path, process::ExitCode};

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Rust => Self::Rust,
            Lang::Solidity => Self::Solidity,
            Lang::AssemblyScript => Self::AssemblyScript,
            Lang::C => Self::C,
        }
    }
}

/// The files of a new project: where they go, and their text, in which `NAME` is the contract's name and `Name` the same
/// as types are written. They are the flipper of the examples, so that a test holds both to what the builder takes.
fn files(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Rust => &[
            ("Cargo.toml", include_str!("../templates/rust/Cargo.toml.txt")),
            ("src/lib.rs", include_str!("../templates/rust/lib.rs.txt")),
            (".gitignore", "target/\n"),
        ],
        Language::Solidity => &[
            ("NAME.sol", include_str!("../templates/solidity/contract.sol.txt")),
            ("tests.toml", include_str!("../templates/solidity/tests.toml.txt")),
            (".gitignore", "target/\n"),
        ],
        Language::AssemblyScript => &[
            ("contract.toml", include_str!("../templates/contract.toml.txt")),
            ("NAME.ts", include_str!("../templates/assemblyscript/contract.ts.txt")),
            ("tests.toml", include_str!("../templates/tests.toml.txt")),
            (".gitignore", "target/\n"),
        ],
        Language::C => &[
            ("contract.toml", include_str!("../templates/contract.toml.txt")),
            ("NAME.c", include_str!("../templates/c/contract.c.txt")),
            ("tests.toml", include_str!("../templates/tests.toml.txt")),
            (".gitignore", "target/\n"),
        ],
    }
}

pub fn new(context: &Context, args: &NewArgs) -> Result<ExitCode> {
    let language = Language::from(args.lang);
    write_project(Path::new("."), &args.name, language)?;
    let (name, missing) = (&args.name, compiler(language, &BuildOptions::new()).err());
    let mut text =
        format!("{name}\nbuild it: phala contract build {name}\ntest it: phala contract test {name}");
    if let Some(missing) = &missing {
        text.push_str(&format!("\nnote: {missing}"));
    }
    let missing = missing.map(|missing| missing.to_string());
    context.print(text, json!({ "project": name, "language": language.name(), "missing": missing }));
    Ok(ExitCode::SUCCESS)
}

fn write_project(parent: &Path, name: &str, language: Language) -> Result<()> {
    let mut characters = name.chars();
    let is_name = characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_');
    if !is_name {
        return Err(advise(
            format!("{name:?} is no name for a contract"),
            "lower-case letters, digits and _, with a letter in front",
        ));
    }
    let directory = parent.join(name);
    if directory.exists() {
        return Err(advise(format!("there is already a {name} here"), "another name, or another folder"));
    }
    let ending = match language {
        Language::C => "c",
        _ => "ts",
    };
    for (path, text) in files(language) {
        let path = directory.join(path.replace("NAME", name));
        let folder = path.parent().unwrap_or(&directory);
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let text = text.replace("NAME", name).replace("Name", &camel(name)).replace("ENDING", ending);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// `my_token` as types are written: `MyToken`.
fn camel(name: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    name.split('_').map(capital).collect()
}

pub fn toolchain(context: &Context, command: ToolchainCommand) -> Result<ExitCode> {
    let options = BuildOptions::new();
    let ToolchainCommand::Install { language } = command else {
        let mut lines = Vec::new();
        let mut found = serde_json::Map::new();
        for language in Language::ALL {
            let name = language.name();
            let (text, json) = match compiler(language, &options) {
                Ok(version) => (version.clone(), json!({ "compiler": version })),
                Err(missing) => (format!("missing: {missing}"), json!({ "missing": missing.to_string() })),
            };
            lines.push(format!("{name:<15} {text}"));
            found.insert(name.to_owned(), json);
        }
        context.print(lines.join("\n"), found.into());
        return Ok(ExitCode::SUCCESS);
    };
    let language = Language::from(language);
    let began = std::time::Instant::now();
    let version = install(language, &options, &mut |line| {
        context.say(format_args!("  {:>4} s  {line}", began.elapsed().as_secs()));
    })?;
    context.print(&version, json!({ "language": language.name(), "compiler": version }));
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use phala_sdk::build::{build, language};

    #[test]
    fn new_project_is_of_its_language_and_builds_where_the_compiler_is_here() {
        let dir = tempfile::tempdir().unwrap();
        for wanted in Language::ALL {
            let name = format!("my_{}", wanted.name());
            write_project(dir.path(), &name, wanted).unwrap();
            let project = dir.path().join(&name);
            assert_eq!(language(&project).unwrap(), wanted);
            let options = BuildOptions::new();
            // ink! takes minutes when it is built for the first time: the demonstration and the network's tests do it.
            if wanted == Language::Rust || compiler(wanted, &options).is_err() {
                continue;
            }
            let bundle = build(&project, &options, &mut |_| ()).unwrap();
            assert!(bundle.name.eq_ignore_ascii_case(&name.replace('_', "")) || bundle.name == name);
        }
    }

    #[test]
    fn project_never_overwrites_or_leaves_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        write_project(dir.path(), "coin", Language::C).unwrap();
        let again = write_project(dir.path(), "coin", Language::Rust).unwrap_err();
        assert!(again.to_string().contains("already"));
        for name in ["", "../up", "Coin", "1coin", "a-b", "a.b"] {
            assert!(write_project(dir.path(), name, Language::C).is_err(), "{name}");
        }
    }

    #[test]
    fn names_are_written_as_types_are() {
        assert_eq!(camel("my_token2"), "MyToken2");
        assert_eq!(camel("coin"), "Coin");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Which language a project is in, and builds by the compilers that are installed here.

use super::*;
use crate::abi::ContractBundle;

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn interface(source: &str) -> String {
    format!(
        "[contract]\nname = \"one\"\nsource = \"{source}\"\n[[constructor]]\nname = \"new\"\n[[message]]\n\
         name = \"get\"\nreturns = \"u32\"\n"
    )
}

#[test]
fn files_of_a_project_tell_its_language() {
    let (c, script) = (interface("one.c"), interface("one.ts"));
    let solidity = "[contract]\nname = \"one\"\nsource = \"one.sol\"\n";
    let cases: [(&[(&str, &str)], Language); 5] = [
        (&[("Cargo.toml", "")], Language::Rust),
        (&[("contract.toml", c.as_str()), ("one.c", "")], Language::C),
        (&[("contract.toml", script.as_str()), ("one.ts", "")], Language::AssemblyScript),
        (&[("contract.toml", solidity), ("one.sol", ""), ("two.sol", "")], Language::Solidity),
        (&[("one.sol", "")], Language::Solidity),
    ];
    for (files, expected) in cases {
        assert_eq!(language(project(files).path()).unwrap(), expected);
    }
}

#[test]
fn project_that_is_none_is_refused_with_its_reason() {
    let (c, python, solidity) = (interface("one.c"), interface("one.py"), interface("one.sol"));
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[], "there is no contract in"),
        (&[("one.sol", ""), ("two.sol", "")], "there is no contract in"),
        (&[("contract.toml", c.as_str())], "there is no one.c"),
        (&[("contract.toml", python.as_str()), ("one.py", "")], "neither in .c"),
        (&[("contract.toml", solidity.as_str()), ("one.sol", "")], "Solidity's own source"),
        (&[("contract.toml", "x = 1")], "unknown field"),
    ];
    for (files, reason) in cases {
        let error = language(project(files).path()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

/// Builds what its compiler is installed for. Continuous integration installs all of them before.
fn built(language: Language, files: &[(&str, &str)]) -> Option<Result<Bundle, BuildError>> {
    let options = BuildOptions::new();
    if let Err(error) = compiler(language, &options) {
        eprintln!("not built: {error}");
        return None;
    }
    Some(build(project(files).path(), &options, &mut |_| ()))
}

/// Whether a bundle is what clients read: code, its hash, and metadata of version 5.
fn assert_is_read(bundle: &Bundle) {
    assert_eq!(bundle.contract["version"], 5);
    for key in ["source", "contract", "spec", "storage", "types"] {
        assert!(bundle.contract.get(key).is_some(), "no {key}");
    }
    let read = ContractBundle::parse(bundle.contract.to_string().as_bytes()).unwrap();
    assert_eq!(read.code().unwrap().as_slice(), bundle.wasm);
    assert!(!read.abi.messages().is_empty() && !read.abi.constructors().is_empty());
}

#[test]
fn c_contract_is_built_and_a_missing_message_is_an_error() {
    let good = "#include \"phala.h\"\nvoid constructor_new(void) {}\nvoid message_get(void) { phala_write_u32(7); }\n";
    let Some(bundle) = built(Language::C, &[("contract.toml", interface("one.c").as_str()), ("one.c", good)])
    else {
        return;
    };
    assert_is_read(&bundle.unwrap());
    let bad = "#include \"phala.h\"\nvoid constructor_new(void) {}\n";
    let error =
        built(Language::C, &[("contract.toml", interface("one.c").as_str()), ("one.c", bad)]).unwrap();
    assert!(error.unwrap_err().to_string().contains("message_get"));
}

#[test]
fn assemblyscript_contract_is_built_and_a_missing_message_is_an_error() {
    let good = "import { output } from \"phala\";\nexport function new_(): void {}\nconst list: u32[] = [7];\n\
                export function get(): void { output.u32(list[0]); }\n";
    let manifest = interface("one.ts");
    let Some(bundle) =
        built(Language::AssemblyScript, &[("contract.toml", manifest.as_str()), ("one.ts", good)])
    else {
        return;
    };
    assert_is_read(&bundle.unwrap());
    let bad = "export function new_(): void {}\n";
    let error =
        built(Language::AssemblyScript, &[("contract.toml", manifest.as_str()), ("one.ts", bad)]).unwrap();
    assert!(error.unwrap_err().to_string().contains("get"));
}

#[test]
fn solidity_contract_is_built_with_the_others_of_its_source() {
    let good = "contract One { uint32 n; function get() public view returns (uint32) { return n; } \
                function make() public { new Other(); } }\ncontract Other { function set() public {} }\n";
    let Some(bundle) = built(Language::Solidity, &[("one.sol", good)]) else { return };
    let bundle = bundle.unwrap();
    assert_is_read(&bundle);
    assert_eq!(bundle.name, "One");
    let [other] = &bundle.others[..] else { panic!("{:?}", bundle.others) };
    assert_is_read(other);
    // The one that makes the other has its code's hash inside.
    let hash = other.code_hash;
    assert!(
        bundle.wasm.windows(32).any(|window| window == hash),
        "it would make code that nobody can upload"
    );
    let error = built(Language::Solidity, &[("one.sol", "contract One { nonsense }")]).unwrap();
    assert!(matches!(error, Err(BuildError::Compile { .. })));
}

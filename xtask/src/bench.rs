//! docs/benchmarks.md, written from docs/benchmarks.json. The measuring is `phala-bench`'s, in the testkit.

use crate::repo;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt::Write as _, fs};

/// One measurement. The file is a list of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Which benchmarks it is run with: `./x bench GROUP`.
    group: String,
    /// Its name, which never changes its meaning.
    key: String,
    value: f64,
    unit: String,
    /// Processor, cores and memory of the machine.
    machine: String,
    /// Day, as 2026-11-22.
    date: String,
    /// Of this repository, short.
    commit: String,
    /// The goal, or what one must know to read the number.
    note: Option<String>,
    /// What another program needed for the same on the same machine.
    peer: Option<Peer>,
}

/// The same measurement of another program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Peer {
    name: String,
    value: f64,
}

/// Reads the one file and writes the other.
pub fn render_file() -> Result<()> {
    let docs = repo::root().join("docs");
    let json = fs::read_to_string(docs.join("benchmarks.json"))
        .context("there is no docs/benchmarks.json; try: ./x bench")?;
    fs::write(docs.join("benchmarks.md"), render(&json)?).context("cannot write docs/benchmarks.md")
}

fn render(json: &str) -> Result<String> {
    let entries: Vec<Entry> =
        serde_json::from_str(json).context("docs/benchmarks.json is not a list of measurements")?;
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for entry in &entries {
        groups.entry(&entry.group).or_default().push(entry);
    }
    let mut page = String::from(
        "# Benchmarks\n\nWritten by `./x bench [GROUP]` from [benchmarks.json](benchmarks.json). Every number in this \
         repository's documents comes from here.\n",
    );
    for (group, entries) in groups {
        write!(page, "\n## {group}\n\n| key | value | beside | note | machine | date | commit |\n")?;
        page.push_str("|---|---:|---|---|---|---|---|\n");
        for it in entries {
            let beside = it.peer.as_ref().map_or_else(String::new, |peer| {
                format!("{}: {} ({:.2}x)", peer.name, number(peer.value), it.value / peer.value)
            });
            writeln!(
                page,
                "| `{}` | {} {} | {} | {} | {} | {} | {} |",
                it.key,
                number(it.value),
                it.unit,
                cell(&beside),
                cell(it.note.as_deref().unwrap_or_default()),
                cell(&it.machine),
                it.date,
                it.commit,
            )?;
        }
    }
    Ok(page)
}

/// Three significant digits, and no fewer than the whole part has.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// Text that does not end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_become_a_table_per_group() {
        let page = render(
            r#"[
              {"group":"query","key":"query_p99_ms","value":4.1234,"unit":"ms","machine":"2 cores","date":"2026-11-22",
               "commit":"abc1234","note":"goal: at most 5 | loopback"},
              {"group":"engine","key":"prepare_ms","value":120,"unit":"ms","machine":"2 cores","date":"2026-11-22",
               "commit":"abc1234","peer":{"name":"wasmi","value":60}}
            ]"#,
        )
        .unwrap();
        assert!(page.contains("## engine") && page.contains("## query"), "{page}");
        assert!(page.contains("| `query_p99_ms` | 4.12 ms |  | goal: at most 5 \\| loopback |"), "{page}");
        assert!(page.contains("| `prepare_ms` | 120 ms | wasmi: 60.0 (2.00x) |"), "{page}");
    }

    #[test]
    fn unknown_field_is_refused() {
        let json = r#"[{"group":"a","key":"b","value":1,"unit":"s","machine":"m","date":"d","commit":"c","typo":1}]"#;
        assert!(render(json).is_err());
    }
}

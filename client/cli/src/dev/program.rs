//! Child processes that never outlive their parent.

use crate::{args::Ports, failure::advise};
use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How long a program may take to end after it was asked to. The node writes its database meanwhile.
const STOP_AT_MOST: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(50);

/// Lines of a program's log that are shown if it ends.
const LAST_LINES: usize = 15;

/// A program and what it is told.
pub struct Program {
    name: &'static str,
    arguments: Vec<String>,
    environment: Vec<(&'static str, &'static str)>,
}

impl Program {
    /// Node, worker and relay of a network in a folder.
    pub fn all(dir: &Path, ports: Ports) -> [Self; 3] {
        let path = |name: &str| dir.join(name).display().to_string();
        let loopback = |port: u16| format!("127.0.0.1:{port}");
        let strings = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let node = Self {
            name: "phala-node",
            arguments: strings(&[
                "--dev",
                "--base-path",
                &path("node"),
                "--rpc-port",
                &ports.rpc_port.to_string(),
                "--port",
                &ports.p2p_port.to_string(),
                "--no-prometheus",
                "--no-telemetry",
                "--no-mdns",
                // The other pool may lose sight of transactions (docs/adr/0010).
                "--pool-type=single-state",
            ]),
            environment: vec![],
        };
        let worker = Self {
            name: "phala-worker-sim",
            arguments: strings(&[
                "--dir",
                &path("worker"),
                "--public",
                &loopback(ports.worker_port),
                "--relay",
                &loopback(ports.relay_port),
            ]),
            environment: vec![],
        };
        let relay = Self {
            name: "phala-relay",
            arguments: strings(&[
                "--node",
                &format!("ws://{}", loopback(ports.rpc_port)),
                "--worker",
                &format!("http://{}", loopback(ports.relay_port)),
                "--endpoint",
                &format!("http://{}", loopback(ports.worker_port)),
            ]),
            // An account of the development network, whose key everybody knows.
            environment: vec![("PHALA_OPERATOR_SURI", "//Bob")],
        };
        [node, worker, relay]
    }
}

struct Running {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// Programs that run. They are killed with this value, and, should this process be killed, with it.
pub struct Programs {
    running: Vec<Running>,
    logs: PathBuf,
}

impl Programs {
    /// Starts programs, each with its log in `dir/logs`.
    pub fn start(dir: &Path, programs: &[Program]) -> Result<Self> {
        let logs = dir.join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let mut started = Self { running: Vec::new(), logs };
        for program in programs {
            let running = started.start_one(program)?;
            started.running.push(running);
        }
        Ok(started)
    }

    fn start_one(&self, program: &Program) -> Result<Running> {
        let path = binary(program.name)?;
        let log = self.logs.join(format!("{}.log", program.name));
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        // The kernel kills the program should this process die before it can; `setpriv` is in every Debian.
        let mut command = match find_in_path("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(path);
                command
            }
            None => Command::new(path),
        };
        let child = command
            .args(&program.arguments)
            .envs(program.environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            // Ctrl-C is for this process, which then ends the others in their order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} does not start", program.name))?;
        Ok(Running { name: program.name, child, log })
    }

    /// Where the logs are.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// An error if a program has ended.
    pub fn check(&mut self) -> Result<()> {
        for running in &mut self.running {
            if let Some(status) = running.child.try_wait()? {
                return Err(ended(running, status));
            }
        }
        Ok(())
    }

    /// Waits until a program ends, which none does by itself.
    pub async fn wait_for_any(&mut self) -> anyhow::Error {
        loop {
            if let Err(error) = self.check() {
                return error;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Asks all programs to end, the last one first, waits for them, and kills those that do not.
    pub async fn stop(&mut self) {
        for running in self.running.iter_mut().rev() {
            if matches!(running.child.try_wait(), Ok(None)) {
                // It may end at this moment, which is what is wanted.
                let pid = i32::try_from(running.child.id()).ok().and_then(Pid::from_raw);
                let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
            }
        }
        let began = Instant::now();
        for running in &mut self.running {
            while matches!(running.child.try_wait(), Ok(None)) && began.elapsed() < STOP_AT_MOST {
                tokio::time::sleep(POLL).await;
            }
        }
        self.kill();
    }

    fn kill(&mut self) {
        for mut running in self.running.drain(..) {
            // Both fail only for a program that has ended already.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        self.kill();
    }
}

fn ended(running: &Running, status: ExitStatus) -> anyhow::Error {
    let log = fs::read(&running.log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n    ");
    advise(
        format!("{} has ended ({status}); its last words:\n    {last}", running.name),
        format!(
            "read {}; if its files are damaged, start over with `phala dev --fresh`",
            running.log.display()
        ),
    )
}

/// A program of this project: beside this one, or in the search path.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program does not know where it is")?;
    let beside = own.parent().map(|dir| dir.join(name)).filter(|path| path.is_file());
    beside.or_else(|| find_in_path(name)).ok_or_else(|| {
        advise(
            format!("there is no {name} beside {} or in the search path", own.display()),
            "build all programs with ./x build",
        )
    })
}

fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program { name: "sh", arguments: vec!["-c".to_owned(), script.to_owned()], environment: vec![] }
    }

    #[tokio::test]
    async fn program_that_ends_is_named_with_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let mut programs = Programs::start(dir.path(), &[shell("echo no database; exit 3")]).unwrap();
        let error = programs.wait_for_any().await.to_string();
        assert!(error.contains("sh has ended") && error.contains("no database"), "{error}");
    }

    #[tokio::test]
    async fn programs_are_stopped_and_reaped_even_if_they_do_not_want_to() {
        let dir = tempfile::tempdir().unwrap();
        // Without `exec`, a shell may leave the sleep behind, with every file that the test inherited open in it.
        let mut programs =
            Programs::start(dir.path(), &[shell("exec sleep 1000"), shell("exec sleep 1000")]).unwrap();
        let pids: Vec<_> = programs.running.iter().map(|running| running.child.id()).collect();
        programs.check().unwrap();
        programs.stop().await;
        assert!(pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists()));
    }

    #[test]
    fn program_that_is_not_built_is_said_so() {
        let error = binary("phala-no-such-program").unwrap_err();
        assert!(crate::failure::as_text(&error).contains("./x build"));
    }
}

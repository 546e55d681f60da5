//! Somebody on the way who writes down everything that passes.

use anyhow::{Context as _, Result};
use std::{
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Forwards TCP connections and appends both directions to a file.
pub struct Recorder;

impl Recorder {
    /// Listens on one port of loopback and connects to another. It ends with the process.
    pub fn start(from: u16, to: u16, file: &Path) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", from)).context("the recorder cannot listen")?;
        let file = Arc::new(Mutex::new(File::create(file)?));
        std::thread::spawn(move || {
            for inbound in listener.incoming() {
                // A connection that cannot be forwarded is closed, as one to a worker that is down would be.
                let _ = inbound.and_then(|inbound| forward(inbound, to, &file));
            }
        });
        Ok(Self)
    }
}

fn forward(inbound: TcpStream, to: u16, file: &Arc<Mutex<File>>) -> std::io::Result<()> {
    let outbound = TcpStream::connect(("127.0.0.1", to))?;
    for (reader, writer) in [(inbound.try_clone()?, outbound.try_clone()?), (outbound, inbound)] {
        let file = file.clone();
        std::thread::spawn(move || copy(reader, writer, &file));
    }
    Ok(())
}

fn copy(mut reader: TcpStream, mut writer: TcpStream, file: &Mutex<File>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        let bytes = &buffer[..count];
        let recorded = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes);
        if recorded.is_err() || writer.write_all(bytes).is_err() {
            break;
        }
    }
    // Either end may be closed already.
    let _ = writer.shutdown(std::net::Shutdown::Both);
}

//! A hook in Rust: files below a directory cannot be opened for writing. It says how often that was tried, and where,
//! when a process ends, also by SIGINT or SIGTERM.
mod k23;

use k23::{Answer, Call, Options, Signal};
use std::sync::Mutex;

const OPENAT: i64 = 257;
const O_ACCMODE: u64 = 3;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

static ROOT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static TRIED: Mutex<Vec<(Vec<u8>, u32)>> = Mutex::new(Vec::new());

fn is_below(path: &[u8], root: &[u8]) -> bool {
    path.starts_with(root) && (path.len() == root.len() || path[root.len()] == b'/')
}

fn note(path: Vec<u8>) {
    let mut tried = TRIED.lock().unwrap();

    match tried.iter_mut().find(|known| known.0 == path) {
        Some(known) => known.1 += 1,
        None => tried.push((path, 1)),
    }
}

fn on_openat(call: &mut Call) -> Answer {
    if call.args[2] & O_ACCMODE != 0 {
        if let Ok(path) = call.path(Some(0), 1) {
            if is_below(&path, &ROOT.lock().unwrap()) {
                note(path);
                return Err(k23::EROFS);
            }
        }
    }
    call.forward()
}

fn init(options: &Options) -> Result<(), String> {
    let root = options.get("root").ok_or("root=DIRECTORY is missing")?;

    if !root.starts_with('/') {
        return Err(format!("root={root} is no absolute path"));
    }
    *ROOT.lock().unwrap() = root.trim_end_matches('/').into();
    Ok(())
}

fn process_exit(_status: i32) {
    for (path, count) in TRIED.lock().unwrap().iter() {
        k23::print(&format!("frozen: {} was tried {} times\n", String::from_utf8_lossy(path), count));
    }
}

fn on_signal(signal: &Signal) {
    if !signal.handled() && matches!(signal.number, SIGINT | SIGTERM) {
        process_exit(128 + signal.number);
    }
}

k23::hook!("frozen", init, process_exit, signal = on_signal, { OPENAT => on_openat });

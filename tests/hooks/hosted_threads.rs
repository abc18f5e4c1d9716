//! A hosted hook in Rust, by the binding of the example, with threads of std's: one counts the calls of the program, whose
//! threads wait for it; in a forked child another does. Each process says at its end how many there were, and how many
//! were of the program's threads that have ended.
#[path = "../../examples/rust/k23.rs"]
mod k23;

use k23::{Answer, Call, Options};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::Mutex;

static COUNTS: Mutex<Option<HashMap<String, u64>>> = Mutex::new(None);
static COUNTER: Mutex<Option<Sender<(i64, Sender<()>)>>> = Mutex::new(None);
static ENDED: AtomicU64 = AtomicU64::new(0);

struct Own(Cell<u64>);

impl Drop for Own {
    fn drop(&mut self) {
        ENDED.fetch_add(self.0.get(), Ordering::Relaxed);
    }
}

thread_local! {
    static OWN: Own = Own(Cell::new(0));
}

fn begin() {
    let (sender, receiver) = channel::<(i64, Sender<()>)>();

    *COUNTS.lock().unwrap() = Some(HashMap::new());
    // The parent's is not dropped in a child: its counter may have had a lock of the channel at the fork.
    std::mem::forget(COUNTER.lock().unwrap().replace(sender));
    std::thread::spawn(move || {
        for (number, done) in receiver {
            *COUNTS.lock().unwrap().as_mut().unwrap().entry(format!("call {number}")).or_insert(0) += 1;
            done.send(()).unwrap();
        }
    });
}

fn on_call(call: &mut Call) -> Answer {
    let number = call.nr;
    let answer = call.forward();

    if answer != Err(k23::Errno(513)) {
        let counter = COUNTER.lock().unwrap().clone().unwrap();
        let (done, is_done) = channel();

        counter.send((number, done)).unwrap();
        is_done.recv().unwrap();
        OWN.with(|own| own.0.set(own.0.get() + 1));
    }
    answer
}

fn init(_: &Options) -> Result<(), String> {
    let ends = std::thread::spawn(|| std::panic::resume_unwind(Box::new(23))).join();

    begin();
    if ends.is_err() {
        Ok(())
    } else {
        Err("a panic of a thread is lost".into())
    }
}

fn fork_child() {
    ENDED.store(0, Ordering::Relaxed);
    OWN.with(|own| own.0.set(0));
    begin();
}

fn process_exit(_: i32) {
    let counts = COUNTS.lock().unwrap();

    k23::print(&format!("map: {}\n", counts.as_ref().unwrap().get("call 500").unwrap_or(&0)));
    k23::print(&format!("ended: {}\n", ENDED.load(Ordering::Relaxed)));
}

k23::hook!("hosted_threads", init, process_exit, fork_child = fork_child, { 500 => on_call });

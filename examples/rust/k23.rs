//! Hooks for k23 in Rust: a safe binding to what <k23/hook.h> offers, for hosted hooks. See README.md.
//!
//! A hook is a module with some functions, which `k23::hook!` makes known. They run in the program, in the thread that
//! makes the call, and may use all of std but processes. A panic ends the program with status 125.
#![allow(dead_code, non_upper_case_globals)]

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_long, c_ulong, c_void};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const MAGIC: u64 = 0x6b6f_6f68_3332_336b;
const VERSION: u32 = 4;
const MAX_CALLS: usize = 128;
const PATH_MAX: usize = 4096;

/// A system call of the program. `nr` and `args` may be changed before it is forwarded.
#[repr(C)]
pub struct Call {
    pub nr: c_long,
    /// By value; pointers are the program's: see `string`, `read` and `write`.
    pub args: [c_ulong; 6],
    ip: c_ulong,
    sp: c_ulong,
    arch: u32,
    next: u32,
    way: u32,
    tampered: u32,
}

/// An error of the kernel's: a positive errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

pub const EPERM: Errno = Errno(1);
pub const ENOENT: Errno = Errno(2);
pub const EIO: Errno = Errno(5);
pub const EACCES: Errno = Errno(13);
pub const EINVAL: Errno = Errno(22);
pub const EROFS: Errno = Errno(30);

/// What the program gets: the result, or an error.
pub type Answer = Result<c_long, Errno>;

fn answer(result: c_long) -> Answer {
    if (-4095..0).contains(&result) {
        Err(Errno(-result as i32))
    } else {
        Ok(result)
    }
}

impl Call {
    /// The address behind the system call instruction.
    pub fn ip(&self) -> c_ulong {
        self.ip
    }

    /// Makes the call as it now is: through the next hook, and after the last by the kernel. Errno(513) is no error
    /// but says that a signal has to be handled first: the hook returns it, and the call comes once more.
    pub fn forward(&mut self) -> Answer {
        answer(unsafe { (api().forward)(self) })
    }

    /// A string of the program's that an argument points to.
    pub fn string(&self, argument: usize) -> Result<Vec<u8>, Errno> {
        let mut text = vec![0u8; PATH_MAX];
        let length = answer(unsafe { (api().copy_string)(text.as_mut_ptr().cast(), text.len(), self.args[argument]) })?;

        text.truncate(length as usize);
        Ok(text)
    }

    /// The path that arguments name: absolute, and normalised by name. `directory`: the argument with the descriptor of
    /// the directory where it begins, if the call has one.
    pub fn path(&self, directory: Option<usize>, argument: usize) -> Result<Vec<u8>, Errno> {
        const AT_FDCWD: c_int = -100;
        let name = CString::new(self.string(argument)?).map_err(|_| EINVAL)?;
        let at = directory.map_or(AT_FDCWD, |argument| self.args[argument] as c_int);
        let mut path = vec![0u8; PATH_MAX];
        let length =
            answer(unsafe { (api().path_absolute)(path.as_mut_ptr().cast(), path.len(), at, name.as_ptr()) })?;

        path.truncate(length as usize);
        Ok(path)
    }
}

/// Copies from memory of the program's.
pub fn read(to: &mut [u8], from: c_ulong) -> Result<(), Errno> {
    answer(unsafe { (api().copy_from)(to.as_mut_ptr().cast(), from, to.len()) }).map(|_| ())
}

/// Copies to memory of the program's.
pub fn write(to: c_ulong, from: &[u8]) -> Result<(), Errno> {
    answer(unsafe { (api().copy_to)(to, from.as_ptr().cast(), from.len()) }).map(|_| ())
}

/// The process and the thread that the hook runs in.
pub fn pid() -> i32 {
    unsafe { (api().pid)() }
}

pub fn tid() -> i32 {
    unsafe { (api().tid)() }
}

/// Writes a text to the program's standard error.
pub fn print(text: &str) {
    unsafe { (api().print)(text.as_ptr().cast(), text.len()) };
}

/// What is behind the colon of `--hook FILE:KEY=VALUE,...`.
#[repr(C)]
pub struct Options {
    text: *const c_char,
}

impl Options {
    /// The value of a key; "" for one that was given without a value.
    pub fn get(&self, key: &str) -> Option<&str> {
        let key = CString::new(key).ok()?;
        let value = unsafe { (api().option)(self, key.as_ptr()) };

        if value.is_null() {
            None
        } else {
            unsafe { CStr::from_ptr(value) }.to_str().ok()
        }
    }
}

/// A signal that is delivered to the program's thread in which the hook is told of it.
#[repr(C)]
pub struct Signal {
    pub number: c_int,
    handled: c_int,
    info: *const c_int,
}

impl Signal {
    /// Whether the program has a handler; otherwise the kernel does what it does by default.
    pub fn handled(&self) -> bool {
        self.handled != 0
    }

    /// si_code of the siginfo_t.
    pub fn code(&self) -> i32 {
        unsafe { *self.info.add(2) }
    }

    /// si_pid and si_uid, of those that a process has sent and of SIGCHLD.
    pub fn sender(&self) -> (i32, u32) {
        unsafe { (*self.info.add(4), *self.info.add(5) as u32) }
    }
}

/// The runtime's functions: struct k23_api.
#[repr(C)]
pub struct Api {
    version: u32,
    size: u32,
    forward: unsafe extern "C" fn(*mut Call) -> c_long,
    syscall: *const c_void,
    copy_from: unsafe extern "C" fn(*mut c_void, c_ulong, usize) -> c_long,
    copy_to: unsafe extern "C" fn(c_ulong, *const c_void, usize) -> c_long,
    copy_string: unsafe extern "C" fn(*mut c_char, usize, c_ulong) -> c_long,
    option: unsafe extern "C" fn(*const Options, *const c_char) -> *const c_char,
    format: *const c_void,
    print: unsafe extern "C" fn(*const c_char, usize) -> c_long,
    path_absolute: unsafe extern "C" fn(*mut c_char, usize, c_int, *const c_char) -> c_long,
    path_under: *const c_void,
    thread_state: *const c_void,
    pid: unsafe extern "C" fn() -> c_int,
    tid: unsafe extern "C" fn() -> c_int,
    describe: *const c_void,
    error_name: *const c_void,
    site: *const c_void,
    unmapped: *const c_void,
    run_memory: *const c_void,
    texts_added: *const c_void,
    text: *const c_void,
    registers: *const c_void,
    refuse: unsafe extern "C" fn(*const c_char),
}

static API: AtomicPtr<Api> = AtomicPtr::new(std::ptr::null_mut());

/// Where the runtime's functions are to be noted, before anything of the hook runs.
#[no_mangle]
pub static k23_hook_api: &AtomicPtr<Api> = &API;

fn api() -> &'static Api {
    unsafe { &*API.load(Ordering::Relaxed) }
}

#[doc(hidden)]
pub fn refuse(why: &str) -> c_int {
    let why = CString::new(why).unwrap_or_default();

    unsafe { (api().refuse)(why.as_ptr()) };
    -EINVAL.0
}

#[doc(hidden)]
pub fn to_result(answer: Answer) -> c_long {
    answer.unwrap_or_else(|errno| -c_long::from(errno.0))
}

#[doc(hidden)]
pub type CallFn = extern "C" fn(*mut Call) -> c_long;

#[doc(hidden)]
pub type SignalFn = extern "C" fn(&Signal);

#[doc(hidden)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Entry {
    nr: c_long,
    function: Option<CallFn>,
}

/// struct k23_descriptor.
#[doc(hidden)]
#[repr(C)]
pub struct Descriptor {
    magic: u64,
    version: u32,
    size: u32,
    name: &'static u8,
    index: AtomicU32,
    thread_offset: AtomicU32,
    prepare: Option<extern "C" fn() -> c_int>,
    init: Option<extern "C" fn(&Options) -> c_int>,
    exec: [usize; 3],
    fork_child: Option<extern "C" fn()>,
    threads: [usize; 2],
    process_exit: Option<extern "C" fn(c_int)>,
    signal: Option<SignalFn>,
    thread_size: usize,
    run_size: usize,
    run_directory: c_int,
    hides: c_int,
    all: usize,
    i386: usize,
    calls: [Entry; MAX_CALLS + 1],
}

/// Of those that the hook may have or not.
const fn first<T: Copy>(functions: &[T]) -> Option<T> {
    if functions.is_empty() {
        None
    } else {
        Some(functions[0])
    }
}

impl Descriptor {
    /// name: ended by a NUL.
    pub const fn new(
        name: &'static [u8],
        init: extern "C" fn(&Options) -> c_int,
        process_exit: extern "C" fn(c_int),
        signal: &[SignalFn],
        fork_child: &[extern "C" fn()],
        calls: &[(c_long, CallFn)],
    ) -> Descriptor {
        let mut table = [Entry { nr: 0, function: None }; MAX_CALLS + 1];
        let mut i = 0;

        while i < calls.len() {
            table[i] = Entry { nr: calls[i].0, function: Some(calls[i].1) };
            i += 1;
        }
        Descriptor {
            magic: MAGIC,
            version: VERSION,
            size: std::mem::size_of::<Descriptor>() as u32,
            name: &name[0],
            index: AtomicU32::new(0),
            thread_offset: AtomicU32::new(0),
            prepare: None,
            init: Some(init),
            exec: [0; 3],
            fork_child: first(fork_child),
            threads: [0; 2],
            process_exit: Some(process_exit),
            signal: first(signal),
            thread_size: 0,
            run_size: 0,
            run_directory: 0,
            hides: 0,
            all: 0,
            i386: 0,
            calls: table,
        }
    }
}

/// Defines the hook, once per file:
///
/// `k23::hook!("name", init, process_exit, { NUMBER => function, ... });`
///
/// init: fn(&Options) -> Result<(), String>; its error is why the hook refuses. process_exit: fn(status: i32).
/// The functions of calls: fn(&mut Call) -> Answer. In front of the braces there may be, in this order:
///
/// `signal = function,` - it is told of signals: fn(&Signal), which runs right before the program's handler, or what the
/// kernel does by default.
///
/// `fork_child = function,` - fn(), which runs in a new process. There the hook's own threads are gone: it may start
/// others.
#[macro_export]
macro_rules! hook {
    ($name:literal, $init:path, $process_exit:path, $(signal = $signal:path,)? $(fork_child = $fork_child:path,)?
     { $($nr:expr => $function:path),* $(,)? }) => {
        #[no_mangle]
        pub static k23_hook: $crate::k23::Descriptor = {
            extern "C" fn call_init(options: &$crate::k23::Options) -> std::os::raw::c_int {
                match $init(options) {
                    Ok(()) => 0,
                    Err(why) => $crate::k23::refuse(&why),
                }
            }
            extern "C" fn call_process_exit(status: std::os::raw::c_int) {
                $process_exit(status)
            }
            const NAME: &[u8] = concat!($name, "\0").as_bytes();
            const SIGNAL: &[$crate::k23::SignalFn] = &[$({
                extern "C" fn call_signal(signal: &$crate::k23::Signal) {
                    $signal(signal)
                }
                call_signal
            })?];
            const FORK_CHILD: &[extern "C" fn()] = &[$({
                extern "C" fn call_fork_child() {
                    $fork_child()
                }
                call_fork_child
            })?];
            $crate::k23::Descriptor::new(NAME, call_init, call_process_exit, SIGNAL, FORK_CHILD, &[$(($nr, {
                extern "C" fn call_function(call: *mut $crate::k23::Call) -> std::os::raw::c_long {
                    $crate::k23::to_result($function(unsafe { &mut *call }))
                }
                call_function
            })),*])
        };
    };
}
pub use crate::hook;

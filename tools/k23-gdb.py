"""Shows programs under k23 in gdb: source this file before or after gdb attaches to a process, or opens a core file.

The script loads the symbols of k23's runtime and of the hooks at the addresses that these have in the process. Their
call frame information says where the program's registers are. So a backtrace goes on from a system call that is under
way to the functions of the program that made it. Frames that call frame information cannot describe have an unwinder
here.

gdb shows the frame between the runtime's and the program's as <signal handler called>.

"k23-runtime FILE" names the runtime's ELF file, if it is not where this file looks for it.
"""

import glob
import os
import re
import struct

import gdb
import gdb.unwinder

HERE = os.path.dirname(os.path.realpath(os.path.expanduser(__file__)))
# Where the runtime's ELF file is, from the folder of this script: in a build tree, installed, and in the source tree.
PLACES = ("src/rt/k23-rt.elf", "../../lib*/k23/k23-rt.elf", "../../lib*/*/k23/k23-rt.elf",
          "../build*/src/rt/k23-rt.elf")
REGISTERS = ("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx",
             "rsp", "rip", "eflags")
PF_X, PT_LOAD, PT_NOTE = 1, 1, 4
MAX_MAPPING = 16 << 20  # the size of a mapping that the runtime may be in
MAGIC = b"23bundle"  # the first bytes of a bundle: src/abi/bundle.h


def segments(image):
    """Of each program header: its type, flags, offset, address and size in the file."""
    table, = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    for i in range(count):
        kind, flags, offset, address, _, length = struct.unpack_from("<IIQQQQ", image, table + i * size)
        yield kind, flags, offset, address, length


def text_of(path):
    """The address and the bytes of the executable segment of an ELF file."""
    with open(path, "rb") as file:
        image = file.read()
    if image[:4] != b"\x7fELF":
        raise ValueError(f"{path} is no ELF file")
    for kind, flags, offset, address, length in segments(image):
        if kind == PT_LOAD and flags & PF_X:
            return address, image[offset:offset + length]
    raise ValueError(f"{path} has no code")


def code():
    """The begin and end of each executable mapping that has no file, or whose file has no name any more."""
    inferior = gdb.selected_inferior()
    if inferior.connection and inferior.connection.type == "native":
        with open(f"/proc/{inferior.pid}/maps", encoding="utf-8", errors="replace") as maps:
            for line in maps:
                fields = line.split()
                if "x" in fields[1] and (fields[4] == "0" and len(fields) == 5 or fields[-1] == "(deleted)"):
                    yield tuple(int(address, 16) for address in fields[0].split("-"))
        return
    # A core file: its process may be gone, and its id may be another process's.
    for line in gdb.execute("maintenance info sections", to_string=True).splitlines():
        match = re.search(r"(0x[0-9a-f]+)->(0x[0-9a-f]+) .*: load\S* .*\bCODE\b", line)
        if match:
            yield int(match[1], 16), int(match[2], 16)


def read(address, size):
    try:
        return gdb.selected_inferior().read_memory(address, size).tobytes()
    except gdb.MemoryError:
        return b""


def word(address):
    data = read(address, 8)
    return struct.unpack("<Q", data)[0] if len(data) == 8 else 0


def build_id_of(path):
    """The build-id of an ELF file, or b""."""
    with open(path, "rb") as file:
        image = file.read()
    for kind, _, offset, _, size in segments(image):
        if kind == PT_NOTE:
            name, length, _ = struct.unpack_from("<III", image, offset)
            return image[offset + 12 + name:offset + 12 + name + length]
    return b""


class Runtime:
    """The runtime in the process that gdb looks at."""

    def __init__(self, path, place, text, settled=True):
        self.path = path
        self.place = place
        self.begin = read(place, 64)  # b"" if a core file does not have that memory
        self.base = place - text[0]
        before = set(gdb.objfiles())
        gdb.execute(f"add-symbol-file {path} -o {self.base:#x}", to_string=True)
        self.objfiles = [objfile for objfile in gdb.objfiles() if objfile not in before]
        if not self.objfiles[0].lookup_global_symbol("rt"):
            self.forget()
            raise gdb.GdbError(f"{path} has no symbols")
        self.rt = self.symbol("rt")
        self.thread_type = self.symbol("rt_dispatch").type.fields()[0].type
        self.constants = {field.name: field.enumval
                          for field in self.rt.type["debug"].type.target().fields()}
        self.texts = self.objfiles[0].lookup_static_symbol("texts").value()
        self.ends = {}
        self.table, self.stubs = None, []
        if settled:
            self.load_hooks()

    def symbol(self, name):
        return self.objfiles[0].lookup_global_symbol(name).value()

    def still_there(self):
        return self.objfiles[0].is_valid() and read(self.place, 64) == self.begin

    def forget(self):
        for objfile in self.objfiles:
            if objfile.is_valid():
                try:
                    gdb.execute(f"remove-symbol-file {objfile.filename}", to_string=True)
                except gdb.error:
                    pass

    def load_hooks(self):
        """Loads the symbols of the hooks. A hook's file may be gone or changed: its code must be what is in memory."""
        bundle = self.rt["bundle"].dereference()
        start = int(self.rt["start"])
        for i in range(int(bundle["hook_count"])):
            hook = bundle["hooks"][i]
            path = read(start + int(hook["file"]), 4096).split(b"\0")[0].decode("utf-8", "replace")
            try:
                address, code = text_of(path)
            except (OSError, ValueError, struct.error):
                continue
            base = start + int(hook["start"])
            if read(base + address, len(code)) != code:
                continue
            before = set(gdb.objfiles())
            gdb.execute(f"add-symbol-file {path} -o {base:#x}", to_string=True)
            self.objfiles += [objfile for objfile in gdb.objfiles() if objfile not in before]

    def address(self, label):
        if label not in self.ends:
            self.ends[label] = int(gdb.parse_and_eval(f"(unsigned long)&{label}"))
        return self.ends[label]

    def between(self, pc, begin, end):
        return self.address(begin) <= pc < self.address(end)

    def within(self, pc):
        return int(self.rt["start"]) <= pc < int(self.rt["end"])

    def thread_at(self, address):
        """The thread block of the region that an address is in."""
        size = self.constants["RT_DEBUG_REGION_SIZE"]
        end = (address & ~(size - 1)) + size
        return gdb.Value(end - self.thread_type.target().sizeof).cast(self.thread_type).dereference()

    def thread_by_gs(self, frame):
        base = int(frame.read_register("gs_base")) & (1 << 64) - 1
        if base & self.constants["RT_DEBUG_GS_MASK"] != self.constants["RT_DEBUG_GS_TAG"]:
            return None
        return self.thread_at(base)

    def blocks(self):
        """Of each text that has a block of stubs: its start and end, and the block and its size. The table is read at once,
        which is quick, and looked through where it is not as it was: it is long, and wanted for each frame."""
        table = read(int(self.texts.address), self.texts.type.sizeof)
        if table != self.table:
            text = self.texts.type.target()
            at = {field.name: field.bitpos // 8 for field in text.fields()}
            rows = (tuple(struct.unpack_from("<Q", table, start + at[name])[0] for name in ("start", "end", "block", "block_size"))
                    for start in range(0, len(table), text.sizeof))
            self.table, self.stubs = table, [row for row in rows if row[2]]
        return self.stubs

    @staticmethod
    def jump_target(pc):
        """Where the code at pc jumps to; 0 if it is something else. See core_patch_leads in src/core/patch.c."""
        code = read(pc, 5)
        return pc + 5 + struct.unpack_from("<i", code, 1)[0] if code[0] == 0xe9 else 0

    def stub_site(self, pc):
        """The address behind the site, if pc is in a stub or at the jump to it in padding; else None. Within the window
        the program's own information holds. See src/core/patch.h."""
        slot, came = self.constants["RT_DEBUG_SLOT"], pc
        for start, end, block, size in self.blocks():
            if start <= pc < end:
                pc = self.jump_target(pc)
            if not slot <= pc - block < size:
                continue
            address = pc - (pc - block) % slot
            stub = read(address, slot)
            window = displaced = stub[-1] & ~self.constants["RT_DEBUG_WIDENED"]
            if window != stub[-1]:
                displaced += self.constants["RT_DEBUG_BRANCH_GROWS"]
            displacement, = struct.unpack_from("<i", stub, displaced + 3)
            after = address + displaced + 7 + displacement
            return None if after - 2 - window <= came < after else after
        return None


class Unwinder(gdb.unwinder.Unwinder):
    """The frames that have no call frame information."""

    def __init__(self):
        super().__init__("k23")

    def __call__(self, frame):
        if not current.runtime:
            return None
        try:
            pc = int(frame.read_register("rip"))
            sp = int(frame.read_register("rsp"))
            return self.unwind(current.runtime, frame, pc, sp)
        except gdb.error:
            return None

    def unwind(self, runtime, frame, pc, sp):
        if not runtime.within(pc):
            after = runtime.stub_site(pc)
            return self.same(frame, pc, sp, after) if after else None
        if runtime.between(pc, "rt_gate_direct", "rt_gate_direct_end"):
            thread = runtime.thread_by_gs(frame)
            stack = "rcx" if runtime.between(pc, "rt_gate_direct_switched", "rt_gate_direct_back") else "rsp"
            return self.same(frame, pc, sp, int(thread["fast_return"]), stack=stack) if thread else None
        if runtime.between(pc, "rt_fast_number_moved", "rt_fast_number_end"):
            thread = runtime.thread_by_gs(frame)
            number = "r11" if pc < runtime.address("rt_fast_number_restored") else "rax"
            return self.same(frame, pc, sp, int(thread["fast_return"]), number) if thread else None
        if any(objfile.is_valid() and gdb.block_for_pc(pc) for objfile in runtime.objfiles[:1]) or \
                " in section " in gdb.execute(f"info symbol {pc:#x}", to_string=True):
            return None
        return self.hook(runtime, frame, pc, sp)

    @staticmethod
    def same(frame, pc, sp, after, number="rax", stack="rsp"):
        """A frame with the program's registers in place. The program goes on at `after`. number, stack: the registers
        that have the program's %rax and %rsp."""
        moved = {"rax": number, "rsp": stack}
        info = frame.create_unwind_info(FrameId(sp, pc))
        for name in REGISTERS:
            if name not in ("rip", "rcx", "r11", "eflags"):
                info.add_saved_register(name, frame.read_register(moved.get(name, name)))
        info.add_saved_register("rip", gdb.Value(after).cast(frame.read_register("rip").type))
        return info

    @staticmethod
    def hook(runtime, frame, pc, sp):
        """A frame of a hook without symbols. The next frame is the first on the runtime stack, whose call frame
        information says where the program's registers are."""
        thread = runtime.thread_at(sp)
        top = int(thread["stack_top"])
        for place in range(top - 8, max(sp, top - 64) - 1, -8):
            called = gdb.execute(f"info symbol {word(place):#x}", to_string=True)
            if re.match(r"(rt_guard_enter|rt_fast_dispatch|rt_child_entry|rt_start) \+", called):
                info = frame.create_unwind_info(FrameId(sp, pc))
                info.add_saved_register("rip", gdb.Value(word(place)).cast(frame.read_register("rip").type))
                info.add_saved_register("rsp", gdb.Value(place + 8).cast(frame.read_register("rsp").type))
                return info
        return None


class FrameId:
    """The id of a frame: gdb wants its own values for both members."""

    def __init__(self, sp, pc):
        self.sp = gdb.Value(sp)
        self.pc = gdb.Value(pc)


class Current:
    """What is known of the process that gdb looks at."""

    def __init__(self):
        self.runtime = None
        self.seen = None
        self.named = None

    def candidates(self):
        if self.named:
            return [self.named]
        # The nearest first, as there may be builds of other versions further away.
        return list(dict.fromkeys(os.path.realpath(path) for place in PLACES
                                  for path in sorted(glob.glob(os.path.join(HERE, place)))))

    def find(self):
        memory = [(begin, read(begin, end - begin)) for begin, end in code() if end - begin <= MAX_MAPPING]
        for path in self.candidates():
            try:
                text = text_of(path)
            except (OSError, ValueError, struct.error):
                continue
            for begin, contents in memory:
                if text[1] in contents:
                    return Runtime(path, begin + contents.index(text[1]), text)
        return self.find_by_header([begin for begin, contents in memory if contents.startswith(MAGIC)])

    def find_by_header(self, bundles):
        """Finds the runtime where its text is not that of the file. `k23 run` may have replaced instructions (paired
        returns), and the kernel leaves shared memory that is only read out of core files, but for its first page. So
        the header of the bundle says where the runtime is, and which runtime it is."""
        for path in self.candidates() if bundles else []:
            symbols = Runtime(path, 0, (0, b""), settled=False)
            fields = symbols.rt.type["bundle"].type.target().fields()
            at = {field.name: field.bitpos // 8 for field in fields}
            symbols.forget()
            if "runtime_id" not in at:
                continue
            text, build_id = text_of(path), build_id_of(path)
            for begin in bundles:
                rodata, = struct.unpack("<I", read(begin + at["runtime"], 4))
                if build_id and read(begin + at["runtime_id"], 8) == build_id[:8]:
                    runtime = Runtime(path, begin + rodata + text[0], text, settled=False)
                    runtime.load_hooks()
                    return runtime
        return None

    def look(self, *_):
        """Looks for the runtime, whenever the process has stopped."""
        inferior = gdb.selected_inferior()
        try:
            if self.runtime and not self.runtime.still_there():
                self.runtime.forget()
                self.runtime = self.seen = None
            state = (inferior.pid, inferior.progspace.filename)
            if self.runtime or state == self.seen or not inferior.threads():
                return
            self.seen = state
            self.runtime = self.find()
            if self.runtime:
                gdb.execute("handle SIGSYS nostop noprint pass", to_string=True)
                gdb.invalidate_cached_frames()
        except (gdb.error, gdb.GdbError, OSError) as error:
            print(f"k23: {error}")


class Command(gdb.Command):
    """k23-runtime FILE: the ELF file of k23's runtime."""

    def __init__(self):
        super().__init__("k23-runtime", gdb.COMMAND_FILES, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, _):
        if current.runtime:
            current.runtime.forget()
        current.named = os.path.abspath(os.path.expanduser(argument)) if argument else None
        current.runtime = current.seen = None
        current.look()
        print(f"k23: the runtime is at {current.runtime.base:#x}" if current.runtime else "k23: no such runtime here")


current = Current()
gdb.unwinder.register_unwinder(None, Unwinder(), replace=True)
gdb.events.stop.connect(current.look)
gdb.events.before_prompt.connect(current.look)
Command()
current.look()

"""tables/types.def as Python objects; types.def says what its lines mean."""
import re

from headers import Headers

DIRECTIONS = {"<>": "BOTH", "=>": "REPLACED", "<": "IN", ">": "OUT", "=": "CHANGE", "!": "INTERRUPTED", "&": "SAME"}
PREFIX = re.compile(r"^(<>|=>|[<>=!&])?(\w+)(?:\[([^\]]*)\])?(?:>(\w+))?$")
WORD = re.compile(r'"[^"]*"\S*|\S+')
STRINGS = {"str": ("string", "STR"), "path": ("path", "PATH"), "target": ("path", "STR"), "comm": ("comm", "STR"),
           "argv": ("strings", "ARGV"), "envp": ("environment", "ENVP")}


# What makes a typed value of what a printer shows: by the printer, otherwise by the form.
VALUES = {
    "signed": "signed", "unsigned": "unsigned", "hex": "unsigned", "zhex": "unsigned", "hex_of_part": "unsigned",
    "number_of_part": "unsigned", "padded": "unsigned", "clock_ticks": "unsigned", "ticks": "ticks", "id": "id",
    "moment_result": "signed", "dots": "nothing",
    "nothing": "nothing", "address": "address", "handler": "handler", "descriptor": "descriptor",
    "directory": "directory", "signal": "signal", "signal_number": "signal", "wait_code": "wait_code",
    "wait_status": "wait_status", "errno": "errno", "pid": "pid", "group": "group", "seconds": "signed", "moment": "signed", "port": "port",
    "htonl": "htonl", "in_addr": "in_addr", "socket_length": "socket_length", "name_length": "name_length",
    "key": "key", "annotated": "annotated", "ioctl_request": "ioctl_request", "epoll_data": "epoll_data",
    "sigval": "sigval", "flags": "flags", "composed": "flags", "enumerator": "enumerator", "quoted": "quoted", "hex_bytes": "quoted",
    "characters": "characters", "message": "message", "cpu_set": "cpu_set", "signal_set": "signal_set",
    "descriptor_set": "descriptor_set", "utime_timespec": "timespec", "statx_timestamp": "statx_timestamp",
    "ptp_moment": "inner", "ptp_moments": "text",
    "utime_timeval": "timeval", "in6_addr": "in6_addr", "sun_path": "sun_path", "entries": "entries",
    "entries64": "entries64", "socket_address": "socket_address", "control_messages": "control_messages",
    "capabilities": "capabilities", "control_characters": "control_characters", "string": "string", "path": "path", "comm": "string",
    "strings": "strings", "environment": "environment", "poll_result": "poll_result",
    "ppoll_result": "ppoll_result", "select_result": "select_result",
    "recvmmsg_result": "recvmmsg_result", "result_of_operation": "result_of_operation",
    "filter_instruction": "inner", "sequence": "sequence", "extended": "extended", "extensible": "extended",
    "netlink_message": "netlink_message",
    "terminated": "terminated", "inet6": "in6_addr", "link_address": "link_address", "indexed": "indexed",
    "always_verbose": "inner_constant", "ifconf_length": "signed", "message_error": "message_error", "bits": "inner_constant",
}
FORM_VALUES = {"scalar": "text", "struct": "struct", "arguments": "struct", "select": "select", "pointer": "pointer",
               "array": "array", "result": "meaning"}


class Type:
    """form: scalar, constants, memory, string, struct, select, pointer, array, result.

    printer: the name of its function. of: the element, the fields, the constants or the cases, as the form has it."""

    def __init__(self, name, form, printer, kind="PTR", size=0, **more):
        self.name, self.form, self.printer, self.kind, self.size = name, form, printer, kind, size
        self.value = VALUES.get(printer) or FORM_VALUES[form]
        self.signed = more.get("signed", False)
        self.of = more.get("of")
        self.count = more.get("count")  # an expression: how many; of a select, what chooses
        self.direction = more.get("direction")
        self.unknown = more.get("unknown")
        self.c_type = more.get("c_type")
        self.after = None  # of a pointer: what is there after the call, if that is another type
        self.number = None


def told_value(string):
    """The number that stands for a string in an attribute: FNV-1a, as TERM_TOLD in src/cli/render/ has it."""
    value = 0x811c9dc5
    for byte in string.encode():
        value = (value ^ byte) * 0x01000193 & 0xffffffff
    return value


def sized(where, owner, body):
    """The constants of attributes that need to have a number of bytes, by the names that stand for them from now on."""
    found = {}
    for line in body:
        if ":" in line[-1][1:]:
            name, size = line[-1].split(":")
            line[-1] = f"{owner}_{name}"
            found[line[-1]] = name, size
    for new, (name, size) in found.items():
        yield where, ["sized", f"{new}_{size}", name, size], []
        yield where, ["select", new, f"rest,{size}"], [[size, ":", f"{new}_{size}"], ["else", ":", "hex_data[rest]"]]


def spelled_out(rows, i386=True):
    """The same rows, with those whose forms are made of other forms."""
    known = {words[1]: [name for line in (words[2:], *body) for name in line] for _, words, body in rows
             if words[0] == "names"}
    for where, words, body in rows:
        if words[0] == "i386":
            if not i386:
                continue
            words = words[1:]
        if words[0] == "names":
            continue
        if words[0] == "select":
            body = [[name for word in line for name in known.get(word, [word])] for line in body]
        if words[0] == "attributes":
            name, unknown = words[1:]
            yield from sized(where, name, body)
            names = [item for line in body for item in line[:line.index(":")]]
            attribute = "struct { unsigned short nla_len, nla_type; unsigned char payload[4]; }"
            yield where, ["enum", f"{name}_name", unknown], [names]
            yield where, ["composed", f"{name}_type"], [["0xc000:nla_flags", f"0x3fff:{name}_name"]]
            yield where, ["select", f"{name}_payload", "nla_type&0x3fff"], [*body, ["else", ":", "hex_data[rest]"]]
            yield where, ["struct", f"{name}_attribute", *attribute.split()], [
                ["nla_len", "uint"], ["nla_type", f"{name}_type"], ["payload", f"{name}_payload", "apart"]]
            yield where, ["memory", name, "sequence", "of", f"{name}_attribute"], []
        elif words[0] in ("extended", "extensible"):
            name, *c_type = words[1:]
            yield where, ["struct", f"{name}_fields", *c_type], body
            yield where, ["memory", name, words[0], "of", f"{name}_fields"], []
        elif words[0] == "message":
            name, header, attributes = words[1:]
            message = f"struct {{ struct {header} header; unsigned char attributes[4] __attribute__((aligned(4))); }}"
            fields = [[f"{field}=header.{field}", *rest] for field, *rest in body]
            yield where, ["struct", name, *message.split()], [*fields, ["attributes", attributes, "apart"]]
        else:
            yield where, words, body


class Kinds:
    """Which enum k23_kind a type is to hooks, by its declaration alone."""

    WORDS = {"buf": "BUF", "outbuf": "OUTBUF", "fdpair": "FDPAIR", **{name: kind for name, (_, kind) in STRINGS.items()}}

    def __init__(self, path):
        self.rows = {words[1]: (words, body) for _, words, body in spelled_out(Model.read(path))
                     if words[0] != "export"}

    def of(self, text, where):
        if text in self.WORDS:
            return self.WORDS[text]
        if text == ">path" or re.match(r"^>(bytes|random)\[ret,a", text):
            return "OUTBUF"
        if text.startswith("<bytes[a"):
            return "BUF"
        if not text[0].isalnum():
            return "PTR"
        if text not in self.rows:
            raise SystemExit(f"{where}: there is no type {text}")
        words, body = self.rows[text]
        if words[0] == "select":
            return self.of(next(line[-1] for line in body if line[0] == "else"), where)
        return words[3] if words[0] == "scalar" else \
            {"flags": "HEX", "flags8": "HEX", "composed": "HEX", "composed8": "HEX", "enum": "INT", "enum8": "INT", "result": "LONG"}[words[0]]


# What printers read by the layout that it has in 64-bit programs.
WIDE = {"control_messages", "entries", "message", "sigframe", "ifconf", "ifconf_before"}


class Term:
    """(source + before) / divide + add"""

    def __init__(self, source, value=0, size=8, signed=False, before=0, divide=1, add=0):
        self.key = (source, value, size, signed, before, divide, add)


class Item:
    """A constant, or, if `part` is a type, bits that are a number of that type."""

    def __init__(self, name, expression, headers, part=None):
        self.name, self.expression, self.headers, self.part = name, expression, headers, part

    def value(self):
        return self.headers.value(self.expression) if self.headers else self.expression


class Field:
    def __init__(self, name, member, type_, attributes):
        self.name, self.member, self.type = name, member, type_
        self.attributes = attributes
        self.offset = self.size = None


class Model:
    """i386: as calls of i386 have them. Words, and so pointers, have four bytes there, and structures another layout."""

    def __init__(self, path, compiler, i386=False):
        self.word = 4 if i386 else 8
        self.headers, self.types, self.calls, self.missing = {}, {}, {}, []
        self.rows = list(spelled_out(self.read(path), i386))
        for kind in ("uapi", "libc"):
            names = [name for row in self.rows if row[1][0] == kind for name in row[1][1:]]
            self.headers[kind] = Headers(kind, names, compiler, i386 and kind == "uapi")
        self.bodies, self.sized = {}, {}
        self.exported = [words[1] for _, words, _ in self.rows if words[0] == "export"]
        for where, words, body in sorted(self.rows, key=lambda row: row[1][0] == "sized"):  # those behind what they are of
            if words[0] not in ("uapi", "libc", "export"):
                self.declare(where, words, body)
        for name, (printer, kind) in STRINGS.items():
            self.types[name] = Type(name, "string", printer, kind)
        for type_ in [type_ for type_ in self.types.values() if isinstance(type_.of, str)]:
            type_.of = self.named(type_.of)
        for name, (where, body) in self.bodies.items():
            self.complete(where, self.types[name] if name in self.types else self.calls[name], body)
        for name, of in self.sized.items():
            self.types[name].of = of.of
        for headers in self.headers.values():
            headers.evaluate()
        self.lay_out()

    @staticmethod
    def read(path):
        rows, begin = [], ""
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                line, begin = begin + line, ""
                if not line.strip() or line.startswith("#"):
                    continue
                if line.endswith("\\\n"):  # continued
                    begin = line[:-2]
                elif line.startswith("\t"):
                    rows[-1][2].append(WORD.findall(line))
                else:
                    rows.append((f"{path}:{number}", line.split(), []))
        return rows

    def declare(self, where, words, body):
        form, name, *rest = words
        of = self.taken(rest, "of") if form in ("scalar", "memory") else None
        word = self.taken(rest, "as") if form in ("scalar", "memory") else None
        if name in self.types:
            raise SystemExit(f"{where}: {name} is there twice")
        self.bodies[name] = where, [words, *body]
        if form == "scalar":
            self.types[name] = Type(name, form, rest[0], rest[1], self.bytes(rest[2]), signed="signed" in rest[3:],
                                    of=of, unknown=word)
        elif form == "memory":
            size = self.bytes(rest[1]) if re.match(r"\d*w?$", "".join(rest[1:2]) or "-") else 0
            self.types[name] = Type(name, form, rest[0], size=size, of=of, unknown=word)
            if size:
                self.types[name].count = self.expression(str(size), None, where)
        elif form in ("composed", "composed8"):
            self.types[name] = Type(name, "constants", "composed", "HEX", 8 if form.endswith("8") else 4)
        elif form in ("flags", "flags8", "enum", "enum8"):
            printer = "flags" if form.startswith("flags") else "enumerator"
            kind = "HEX" if printer == "flags" else "INT"
            self.types[name] = Type(name, "constants", printer, kind, 8 if form.endswith("8") else 4, unknown=rest[0],
                                    signed=form == "enum")
        elif form == "struct":
            self.types[name] = Type(name, form, "struct", c_type=" ".join(rest) or f"struct {name}")
        elif form == "select":
            self.types[name] = Type(name, form, "select")
        elif form == "pointer":
            self.types[name] = Type(name, form, "pointer", size=self.word, direction="SAME")
        elif form == "result":
            self.types[name] = Type(name, form, rest[0], "LONG", 8, signed=True, of=rest[1],
                                    unknown="".join(rest[2:]) or None)
        elif form == "sized":
            of = self.named(rest[0], where)
            self.types[name] = Type(name, of.form, of.printer, of.kind, int(rest[1]), signed=of.signed, unknown=of.unknown)
        elif form == "call":
            del self.bodies[name]
            self.bodies["call " + name] = where, [words, *body]
            self.calls["call " + name] = Type(name, "struct", "arguments", c_type=None)
        else:
            raise SystemExit(f"{where}: {form} is no form of types")

    @staticmethod
    def taken(words, mark):
        """What stands behind the mark at the end, which is taken away with it."""
        if words[-2:-1] != [mark]:
            return None
        word = words[-1]
        del words[-2:]
        return word

    def bytes(self, text):
        return self.word * int(text[:-1] or 1) if text.endswith("w") else int(text)

    def named(self, name, where="types.def"):
        if name not in self.types:
            raise SystemExit(f"{where}: there is no type {name}")
        return self.types[name]

    # --- what lines refer to ---

    def constant(self, name, where):
        """An expression for a name, as (expression, headers), or a number."""
        name, _, kind = name.partition("@")
        if re.match(r"^-?(0x[0-9a-fA-F]+|\d+)$", name):
            return (int(name, 0) if not re.match(r"^0\d", name) else int(name, 8)), None
        headers = self.headers[kind or "uapi"]
        if name not in headers.names:
            self.missing.append(f"{where}: {name}")
            return None
        headers.want(name)
        return name, headers

    def items(self, where, words, named):
        items, taken = [], set()
        without = [word[1:] for word in words if word.startswith("-")]
        for word in words:
            if word.startswith("-"):
                continue
            if ":" in word:
                mask, part = word.split(":")
                expression, headers = self.constant(mask, where) or (0, None)
                items.append(Item(None, expression, headers, named(part, where)))
            elif "=" in word:
                name, value = word.rsplit("=", 1)
                items.append(Item(name.strip('"'), self.constant(value, where)[0], None))
                taken.add(name)
            elif "|" in word:  # of one value
                names = word.split("|")
                items.append(Item(" or ".join(names), *self.constant(names[0], where)))
                taken.update(names)
            elif "*" in word:
                pattern, _, kind = word.partition("@")
                found = [Item(name, name, self.headers[kind or "uapi"]) for name in
                         self.headers[kind or "uapi"].match(pattern)
                         if name not in taken and not any(re.fullmatch(w.replace("*", ".*"), name) for w in without)]
                for item in found:
                    item.headers.want(item.name)
                    taken.add(item.name)
                items.append(found)
            else:
                found = self.constant(word, where)
                if found:
                    name = word.partition("@")[0]
                    taken.add(name)
                    items.append(Item(name, *found))
        return items

    def term(self, text, owner, where):
        match = re.match(r"^(.*?)(?:([+-]\d+)?([/*])(\d+))?([+-]\d+)?$", text)
        text = match[1]
        more = {"before": int(match[2] or 0), "divide": int(match[4] or 1) * (-1 if match[3] == "*" else 1),
                "add": int(match[5] or 0)}
        if re.match(r"^[ai][0-5]$", text):
            return Term("ARGUMENT", int(text[1]), 4 if text[0] == "i" else 8, **more)
        if re.match(r"^[*^]a[0-5]$", text):
            return Term("AT_ARGUMENT" if text[0] == "*" else "BEFORE", int(text[2]), 4, **more)
        if text in ("ret", "left", "failed", "verbose", "netlink", "rest", "family"):
            return Term("RESULT" if text == "ret" else text.upper(), **more)
        before = text.startswith("^")
        if told := re.match(r"^told\((\w+)\)$", text):
            self.headers["uapi"].want(told[1])
            return Term("TOLD", (self.headers["uapi"], told[1]), **more)
        if re.match(r"^\d", text):
            return Term("NUMBER", int(text, 0), **more)
        if owner is None or not owner.c_type:
            raise SystemExit(f"{where}: {text} is no term")
        headers = self.headers["uapi"]
        text = text.removeprefix("^")
        offset, size = f"offsetof(type_{owner.name}, {text})", f"sizeof(((type_{owner.name} *)0)->{text})"
        headers.want(offset)
        headers.want(size)
        return Term("FIELD_BEFORE" if before else "FIELD", (headers, offset), (headers, size), **more)

    def expression(self, text, owner, where):
        return tuple(self.term(part, owner, where) for part in text.split(","))

    def type_of(self, text, owner=None, where="syscalls.tsv"):
        """The type that an expression such as >pollfd[a1] stands for."""
        if text in self.types and text in STRINGS:
            return self.pointer("IN", self.types[text], text)
        match = PREFIX.match(text)
        if not match:
            raise SystemExit(f"{where}: {text} is no type")
        prefix, name, count, after = match.groups()
        type_ = self.named(name, where)
        if type_.form == "memory" and count is not None and not type_.size:
            type_ = Type(name, "memory", type_.printer, of=type_.of, unknown=type_.unknown,
                         count=self.expression(count, owner, where))
        elif count is not None:
            type_ = Type(name, "array", "array", of=type_,
                         count=self.expression(count, owner, where) if count else None)
        if prefix and self.word == 4 and (type_.printer in WIDE or name in WIDE):
            return self.named("addr")
        if prefix:
            type_ = self.pointer(DIRECTIONS[prefix], type_, text)
            type_.after = self.named(after, where) if after else None
        return type_

    def pointer(self, direction, type_, text):
        kind = type_.kind if type_.form == "string" else "PTR"
        return Type(text, "pointer", "pointer", kind, self.word, of=type_, direction=direction)

    # --- bodies ---

    def complete(self, where, type_, body):
        words, *lines = body
        if words[0] == "sized":
            self.sized[type_.name] = self.types[words[2]]
        elif type_.form == "constants":
            items = words[2:] if words[0].startswith("composed") else words[3:]  # behind what is said of one that has no name
            type_.of = self.items(where, [word for line in (items, *lines) for word in line], self.named)
        elif type_.form == "struct":
            if type_.c_type:
                self.headers["uapi"].typedef(f"type_{type_.name}", type_.c_type)
                self.headers["uapi"].want(f"sizeof(type_{type_.name})")
            type_.of = [self.field(where, type_, line) for line in lines]
        elif type_.form == "pointer":
            type_.of = self.type_of(words[2], None, where).of
        elif type_.form == "select":
            self.complete_select(where, type_, words, lines)

    def complete_select(self, where, type_, words, lines):
        owner = self.owner_of(type_)
        term, _, mask = words[2].partition("&")
        type_.count = self.expression(term, owner, where)
        type_.mask = self.constant(mask, where)[0] if mask else (1 << 64) - 1
        type_.of, type_.otherwise = [], None
        for line in lines:
            at = line.index(":")
            chosen = self.type_of(line[at + 1], owner, where)
            if line[0] == "else":
                type_.otherwise = chosen
                type_.kind, type_.size = chosen.kind, chosen.size
            else:
                for name in line[:at]:
                    found = (told_value(name[1:-1]), None) if name[0] == '"' else self.constant(name, where)
                    if found:
                        type_.of.append((Item(name, *found), chosen))
        if type_.otherwise is None:
            raise SystemExit(f"{where}: {type_.name} has no else")

    def owner_of(self, select):
        """The structure that a select is in: its term may be a field of it."""
        for where, words, body in self.rows:
            if words[0] == "struct" and any(line[1] == select.name for line in body):
                return self.types[words[1]]
            if words[0] == "select" and any(line[-1] == select.name for line in body):
                found = self.owner_of(self.types[words[1]])
                if found:
                    return found
        return None

    def field(self, where, owner, words):
        name, _, member = words[0].partition("=")
        attributes = {"conditions": [], "verbose": "v" in words[2:], "bare": "bare" in words[2:],
                      "same": "same" in words[2:], "apart": "apart" in words[2:], "part": "part" in words[2:], "nonzero": "nonzero" in words[2:],
                      "given": "given" in words[2:] or "part" in words[2:], "left": None}
        for word in words[2:]:
            if word.startswith("left="):
                attributes["left"] = self.term(word[5:], owner, where)
            match = re.match(r"^\?([\w.*/]+)(?:&(\w+))?(!?=)(\w+)$", word)
            if match:
                term, mask, how, value = match.groups()
                attributes["conditions"].append((self.term(term, owner if owner.c_type else None, where),
                                                 self.constant(mask, where) if mask else ((1 << 64) - 1, None),
                                                 self.constant(value, where), how == "="))
        field = Field(name, member or name, self.type_of(words[1], owner if owner.c_type else None, where), attributes)
        if owner.c_type and not attributes["same"]:
            headers = self.headers["uapi"]
            headers.want(f"offsetof(type_{owner.name}, {field.member})")
            headers.want(f"sizeof(((type_{owner.name} *)0)->{field.member})")
        return field

    def lay_out(self):
        """Offsets and sizes, and the items in their order, when all values are known."""
        uapi = self.headers["uapi"]
        for type_ in [*self.types.values(), *self.calls.values()]:
            if type_.form == "struct" and type_.c_type:
                type_.size = uapi.value(f"sizeof(type_{type_.name})")
            for field in type_.of if type_.form == "struct" else []:
                if not type_.c_type:
                    field.offset, field.size = 8 * int(field.member[1:]), 8
                elif field.attributes["same"]:
                    field.offset, field.size = 0, type_.size
                else:
                    field.offset = uapi.value(f"offsetof(type_{type_.name}, {field.member})")
                    field.size = uapi.value(f"sizeof(((type_{type_.name} *)0)->{field.member})")
            if type_.form == "constants":
                type_.of = self.in_order(type_.of)

    @staticmethod
    def in_order(items):
        flat, values = [], set()
        for item in items:
            for one in sorted(item, key=lambda i: (i.value(), i.name)) if isinstance(item, list) else [item]:
                if one.part or one.value() not in values:
                    flat.append(one)
                    if not one.part:
                        values.add(one.value())
        return flat

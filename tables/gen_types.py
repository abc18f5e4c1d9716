#!/usr/bin/python3
"""Makes of types.def and syscalls.tsv what the lines of `k23 trace` are printed by, and what its hook fetches for them.

usage: gen_types.py types.def syscalls.tsv types.inc printers.inc fetch.inc layouts.inc CC...
"""
import sys

from syscall_rows import rows
from type_model import Item, Model, Type

PRINTED_WHOLE = 4096  # bytes of memory that is not shown as a string


def string(text):
    return '"' + text.replace("??-", "?\\?-") + '"' if text is not None else "NULL"  # no trigraph


def number(value):
    value &= (1 << 64) - 1
    return hex(value) + ("u" if value < 1 << 32 else "ull")


def term_values(term):
    """source, value, size, signed, before, divide, add"""
    source, value, size, signed, before, divide, add = term.key
    resolve = lambda part: part[0].value(part[1]) if isinstance(part, tuple) else part
    return source, resolve(value), resolve(size), signed, before, divide, add


def constant_value(found):
    """Of an expression in headers, or a number; 0: the headers do not have it."""
    return found[1].value(found[0]) if found and found[1] else (found or (0,))[0]


class Likeness:
    """Which types of one model are as those of another. Types may be in each other: those differ that differ themselves,
    or have one in them that does."""

    def __init__(self):
        self.pairs, self.different = {}, set()

    def compare(self, some, others):
        """Those of `some` that are as the ones of the same name are, as a mapping."""
        named = [(some[name], type_) for name, type_ in others.items() if name in some]
        for pair in named:
            self.alike(*pair)
        known = 0
        while known != (known := len(self.pairs) + len(self.different)):
            for key, pair in list(self.pairs.items()):
                if key not in self.different and not self.shallow(*pair):
                    self.different.add(key)
        return {one: other for one, other in named if self.alike(one, other)}

    def alike(self, one, other):
        if one is None or other is None:
            return one is other
        key = id(one), id(other)
        self.pairs.setdefault(key, (one, other))
        return key not in self.different

    def shallow(self, one, other):
        if (one.form, one.printer, one.kind, one.size, one.signed, one.direction, one.unknown) != \
                (other.form, other.printer, other.kind, other.size, other.signed, other.direction, other.unknown) or \
                self.terms(one.count) != self.terms(other.count) or not self.alike(one.after, other.after):
            return False
        if isinstance(one.of, Type) or one.of is None:
            return self.alike(one.of, other.of)
        return len(one.of) == len(other.of) and all(self.part(a, b) for a, b in zip(one.of, other.of)) and \
            (one.form != "select" or (one.mask == other.mask and self.alike(one.otherwise, other.otherwise)))

    def part(self, one, other):
        """A constant, a field, or a case of a select."""
        if isinstance(one, tuple):
            return one[0].value() == other[0].value() and self.alike(one[1], other[1])
        if isinstance(one, Item):
            return (one.name, one.value()) == (other.name, other.value()) and self.alike(one.part, other.part)
        return (one.name, one.offset, one.size, self.attributes(one)) == \
            (other.name, other.offset, other.size, self.attributes(other)) and self.alike(one.type, other.type)

    def attributes(self, field):
        attributes = dict(field.attributes)
        if attributes["left"]:
            attributes["left"] = term_values(attributes["left"])
        attributes["conditions"] = [(term_values(term), constant_value(mask), constant_value(value), equal)
                                    for term, mask, value, equal in attributes["conditions"]]
        return attributes

    @staticmethod
    def terms(terms):
        return terms and [term_values(term) for term in terms]


class Signatures:
    """The types of the arguments and the result of each call."""

    def __init__(self, models, path):
        self.models, self.model, self.tables = models, models[0], ({}, {})
        self.cache = {}
        self.shared = Likeness().compare(models[1].types, models[0].types)
        for row in rows(path):
            for arch, table in enumerate(self.tables):
                if row.numbers[arch] is not None:
                    words = [self.type(word, at, arch) for at, word in enumerate(row.arguments)]
                    table[row.numbers[arch]] = row.name, words, self.type(row.result or "long", 0, arch), row.restart

    def type(self, text, at, arch):
        text = {"buf": f"<bytes[a{at + 1}]", "outbuf": f">bytes[ret,a{at + 1}]", "fdpair": ">fd[2]"}.get(text, text)
        if (text, arch) not in self.cache:
            self.cache[text, arch] = self.models[arch].type_of(text)
        return self.cache[text, arch]

    def one_of(self, type_):
        """The type that stands for this one, and for those that are as it is."""
        return self.shared.get(type_, type_)


class Printing:
    """What src/cli/render/ includes."""

    def __init__(self, model, signatures):
        self.model, self.signatures, self.out, self.types, self.parts, self.texts = model, signatures, [], [], [], {}

    @staticmethod
    def restart(text):
        """{ how a call is restarted, how if an argument is not 0, which }"""
        names = {"": 0, "sys": "RESTART_SYS", "nohand": "RESTART_NOHAND", "block": "RESTART_BLOCK"}
        plain, _, special = text.partition(",")
        argument, _, other = special.partition("=")
        return f"{{ {names[plain]}, {names[other]}, {argument[1:] or 0} }}"

    def index(self, type_):
        if type_ is None:
            return 0
        type_ = self.signatures.one_of(type_)
        if type_.number is None:
            type_.number = len(self.types) + 1
            self.types.append(type_)
        return type_.number

    def reference(self, type_):
        return f"&types[{self.index(type_)}]" if type_ else "NULL"

    def array(self, kind, name, lines):
        """A table, once for the same contents; its name."""
        text = "".join(f"\t{line},\n" for line in lines)
        if (kind, text) not in self.texts:
            self.texts[kind, text] = name
            self.parts.append(f"static const struct {kind} {name}[] = {{\n{text}}};\n")
        return self.texts[kind, text]

    def expression(self, terms, name):
        if not terms:
            return "NULL", 0
        lines = []
        for term in terms:
            source, value, size, signed, before, divide, add = term_values(term)
            lines.append(f"{{ TERM_{source}, {size}, {int(signed)}, {before}, {add}, {value}, {divide} }}")
        return self.array("term", f"terms_{name}", lines), len(lines)

    def conditions(self, conditions, name):
        """Those of which one is enough."""
        lines = []
        for term, mask, value, equal in conditions:
            source, at, size, signed, before, divide, add = term_values(term)
            lines.append(f"{{ {{ TERM_{source}, {size}, {int(signed)}, {before}, {add}, {at}, {divide} }}, "
                         f"{number(constant_value(mask))}, {number(constant_value(value))}, {int(equal)}, "
                         f"{int(len(lines) + 1 < len(conditions))} }}")
        return self.array("condition", f"condition_{name}", lines) if lines else "NULL"

    def left(self, term, name):
        return self.expression((term,), f"left_{name}")[0] if term else "NULL"

    def members(self, type_, name):
        """The table behind type_.of, as (name, count)."""
        if type_.form == "constants":
            lines = [f"{{ {number(item.value())}, {string(item.name)}, {self.reference(item.part)} }}"
                     for item in type_.of]
            return self.array("constant", f"constants_{name}", lines), len(lines)
        if type_.form == "struct":
            lines = []
            for at, field in enumerate(type_.of):
                attributes = field.attributes
                lines.append(f"{{ {string(field.name)}, {self.reference(self.sized(field))}, "
                             f"{self.conditions(attributes['conditions'], f'{name}_{at}')}, {field.offset}, {field.size}, "
                             f"{int(attributes['verbose'])}, {int(attributes['bare'])}, {int(attributes['same'])}, "
                             f"{int(attributes['apart'])}, {int(attributes['given'])}, "
                             f"{int(attributes['part'])}, {int(attributes['nonzero'])}, {self.left(attributes['left'], f'{name}_{at}')} }}")
            return self.array("field", f"fields_{name}", lines), len(lines)
        if type_.form == "select":
            lines = [f"{{ {number(item.value())}, {self.reference(chosen)} }}" for item, chosen in type_.of]
            return self.array("choice", f"choices_{name}", lines), len(lines)
        return "NULL", 0

    def sized(self, field):
        """The field's type; where that is an array without a count, or memory, the field's size says how many."""
        type_ = field.type
        if type_.form not in ("array", "memory") or type_.count is not None or field.attributes["apart"]:
            return type_
        count = field.size // (type_.of.size if type_.form == "array" else 1)
        key = "sized", type_.name, self.signatures.one_of(type_.of), count
        if key not in self.signatures.cache:
            self.signatures.cache[key] = Type(type_.name, type_.form, type_.printer, of=type_.of, unknown=type_.unknown,
                                              count=self.model.expression(str(count), None, "types.def"))
        return self.signatures.cache[key]

    def emit_type(self, type_):
        name = f"{type_.number}"
        members, count = self.members(type_, name)
        terms, term_count = self.expression(type_.count, name)
        otherwise = type_.otherwise if type_.form == "select" else type_.of if isinstance(type_.of, Type) else None
        rows = [f".print = print_{type_.printer}", f".value = value_{type_.value}", f".form = FORM_{type_.form.upper()}", f".size = {type_.size}",
                f".is_signed = {int(type_.signed)}" if type_.signed else "",
                f".direction = {type_.direction}" if type_.direction else "",
                f".unknown = {string(type_.unknown)}" if type_.unknown else "",
                f".of = {self.reference(otherwise)}" if otherwise else "",
                f".members = {members}, .member_count = {count}" if count else "",
                f".terms = {terms}, .term_count = {term_count}" if term_count else "",
                f".after = {self.reference(type_.after)}" if type_.after else "",
                f".mask = {number(type_.mask)}" if type_.form == "select" else ""]
        return f"\t[{type_.number}] = {{ " + ", ".join(row for row in rows if row) + f" }}, /* {type_.name} */"

    def emit(self):
        calls = []
        for arch, table in zip(("x86_64", "i386"), self.signatures.tables):
            lines = []
            for nr, (name, arguments, result, restart) in sorted(table.items()):
                indexes = ", ".join(self.reference(type_) for type_ in arguments)
                whole = self.model.calls.get("call " + name) if arch == "x86_64" else None
                lines.append(f"\t[{nr}] = {{ {{ {indexes or 'NULL'} }}, {self.reference(result)}, "
                             f"{self.reference(whole)}, {self.restart(restart)} }},")
            calls.append(f"static const struct call_types calls_{arch}[] = {{\n" + "\n".join(lines) + "\n};\n")
        exported = [f"const struct type *const type_{name} = {self.reference(self.model.types[name])};\n"
                    for name in self.model.exported]
        lines, at = [], 0
        while at < len(self.types):  # emitting one may find others
            lines.append(self.emit_type(self.types[at]))
            at += 1
        return [f"static const struct type types[{len(self.types) + 1}];\n", *self.parts,
                f"static const struct type types[{len(self.types) + 1}] = {{", *lines, "};\n", *calls, *exported]


class Fetching:
    """What hooks/trace.c includes: those parts of the types that need memory of the program."""

    PHASES = {"IN": "FETCH_ENTRY", "OUT": "FETCH_EXIT", "BOTH": "FETCH_ENTRY | FETCH_EXIT",
              "CHANGE": "FETCH_ENTRY | FETCH_EXIT", "REPLACED": "FETCH_ENTRY | FETCH_EXIT", "INTERRUPTED": "FETCH_INTERRUPTED", "SAME": "FETCH_ALWAYS"}

    def __init__(self, signatures):
        self.signatures = signatures
        self.nodes, self.children, self.cases, self.known = ["{ 0 }"], [], [], {}
        self.phases = [set()]  # of each node, and of those that a select may come to
        self.descriptors = {}

    def node(self, type_):
        """The number of the node for a type; 0: nothing is to be fetched for it."""
        type_ = self.signatures.one_of(type_)
        if type_ not in self.known:
            self.known[type_] = 0
            if type_.form == "pointer":
                self.known[type_] = self.pointer(type_)
            elif type_.form == "select":
                self.known[type_] = self.select(type_)
            elif type_.form == "struct":  # one of several that a structure may go on as
                self.known[type_] = self.fields(type_)
        return self.known[type_]

    def fields(self, type_):
        found = self.pointers_in(type_, 0)
        phases = set.union(set(), *(self.phases[child[2]] for child in found))
        first = self.add_children(found)
        return self.add(f"{{ FETCH_FIELDS, FETCH_ALWAYS, 0, 0, {self.terms(None)}, {first}, {len(found)}, 0 }}",
                        phases) if found else 0

    def add_children(self, found):
        """Where these begin in the table of children."""
        first = len(self.children) if found else 0
        self.children += ["{ " + ", ".join(map(str, child)) + " }" for child in found]
        return first

    def add(self, text, phases):
        if text not in self.nodes:
            self.nodes.append(text)
            self.phases.append(set(phases.split(" | ")) if isinstance(phases, str) else phases)
        return self.nodes.index(text)

    @staticmethod
    def terms(terms):
        if not terms:
            return "{ { FETCH_NUMBER, 8, 0, 0, 1, 1 } }, 1"
        texts = []
        for term in terms:
            source, value, size, _, before, divide, add = term_values(term)
            if source == "FIELD_BEFORE":  # more may be fetched than is shown
                continue
            texts.append(f"{{ FETCH_{source}, {size}, {before}, {add}, {value}, {divide} }}")
        return "{ " + ", ".join(texts) + f" }}, {len(texts)}"

    def select(self, type_, node_of=None):
        node_of = node_of or self.node
        cases = [(item.value() & 0xffffffff, node_of(chosen)) for item, chosen in type_.of]
        otherwise = node_of(type_.otherwise)
        if not otherwise and not any(node for _, node in cases):
            return 0
        if otherwise == 0:
            cases = [case for case in cases if case[1]]
        first = len(self.cases)
        self.cases += [f"{{ {value:#x}, {node} }}" for value, node in cases]
        phases = set.union(self.phases[otherwise], *(self.phases[node] for _, node in cases))
        return self.add(f"{{ FETCH_SELECT, 0, 0, {otherwise}, {self.terms(type_.count)}, {first}, {len(cases)}, "
                        f"{type_.mask & 0xffffffff:#x} }}", phases)

    def descriptor(self, type_, phase):
        """The node for a descriptor, of which is fetched what it is open on; or for a pointer to several."""
        if (type_, phase) in self.descriptors:
            return self.descriptors[type_, phase]
        self.descriptors[type_, phase] = node = 0
        if type_.form == "select":
            node = self.select(type_, lambda chosen: self.descriptor(chosen, phase))
        elif type_.printer in ("descriptor", "directory") and type_.form == "scalar":
            node = self.add(f"{{ FETCH_{type_.printer.upper()}, {phase}, 0, 0, {self.terms(None)}, 0, 0, 0 }}", phase)
        elif type_.form == "pointer":
            node = self.descriptors_at(type_, phase)
        elif type_.form == "struct":  # one of several that a structure may go on as
            found = self.descriptors_in(type_, 0, phase)
            first = self.add_children(found)
            node = self.add(f"{{ FETCH_FIELDS, FETCH_ALWAYS, 0, 0, {self.terms(None)}, {first}, {len(found)}, 0 }}",
                            phase) if found else 0
        self.descriptors[type_, phase] = node
        return node

    def descriptors_at(self, pointer, phase):
        """The node for elements that are or have descriptors, or for a set of bits."""
        inner = pointer.of
        if inner.printer == "descriptor_set":
            return self.add(f"{{ FETCH_DESCRIPTOR_SET, FETCH_ENTRY, 0, 0, {self.terms(None)}, 0, 0, 0 }}", "FETCH_ENTRY")
        if pointer.direction != "SAME":
            phase = "FETCH_EXIT" if pointer.direction == "OUT" else "FETCH_ENTRY"
        if inner.printer == "control_messages":
            return self.add(f"{{ FETCH_RIGHTS, {phase}, 1, 0, {self.terms(inner.count)}, 0, 0, 0 }}", phase)
        element = inner.of if inner.form == "array" or inner.printer in ("extended", "extensible") else inner
        found = self.descriptors_in(element, 0, phase)
        first = self.add_children(found)
        count = self.terms(inner.count if inner.form == "array" else None)
        return self.add(f"{{ FETCH_DESCRIPTORS, {phase}, {element.size}, 0, {count}, {first}, {len(found)}, 0 }}",
                        phase) if found else 0

    def descriptors_in(self, type_, base, phase):
        """As pointers_in() has them, of a structure; otherwise of the element itself."""
        if type_.form != "struct":
            node = self.descriptor(type_, phase)
            return [(base, base, node, 0, type_.size)] if node else []
        found = []
        for field in type_.of:
            if field.type.form == "struct" and not field.attributes["same"]:
                found += self.descriptors_in(field.type, base + field.offset, phase)
            elif node := self.descriptor(field.type, phase):
                same = field.attributes["same"]
                found.append((base if same else base + field.offset, base, node, 0, 0 if same else field.size))
        return found

    def pointer(self, type_):
        if type_.after:
            return self.two_pointers(type_)
        inner, phases = type_.of, self.PHASES[type_.direction]
        if inner.form == "string":
            op = {"string": "FETCH_STRING", "comm": "FETCH_STRING", "path": "FETCH_PATH", "strings": "FETCH_STRINGS",
                  "environment": "FETCH_STRING_COUNT"}[inner.printer]
            return self.add(f"{{ {op}, {phases}, 0, 0, {self.terms(None)}, 0, 0, 0 }}", phases)
        if inner.printer in ("extended", "extensible"):
            found = self.pointers_in(inner.of, 0)
            return self.add(f"{{ FETCH_EXTENDED, {phases}, 1, 0, {self.terms(inner.count)}, {self.add_children(found)}, "
                            f"{len(found)}, 0 }}", phases)
        if inner.form == "memory":
            op = {"quoted": "FETCH_BYTES", "hex_bytes": "FETCH_BYTES", "entries": "FETCH_RECORDS",
                  "entries64": "FETCH_RECORDS", "sequence": "FETCH_MESSAGES"}.get(inner.printer, "FETCH_MEMORY")
            return self.add(f"{{ {op}, {phases}, 1, 0, {self.terms(inner.count)}, 0, 0, 0 }}", phases)
        element = inner.of if inner.form == "array" else inner
        found = self.pointers_in(element, 0) if element.form == "struct" else []
        if element.form == "pointer":
            found.append((0, 0, self.node(element), 0, element.size))
        first = self.add_children(found)
        count = self.terms(inner.count if inner.form == "array" else None)
        return self.add(f"{{ FETCH_MEMORY, {phases}, {element.size}, 0, {count}, {first}, {len(found)}, 0 }}", phases)

    def two_pointers(self, type_):
        """Before the call to one type, after it to another."""
        pointer = self.signatures.model.pointer
        before = self.node(pointer("IN", type_.of, type_.name))
        after = self.node(pointer("OUT", type_.after, type_.name))
        first = len(self.cases)
        self.cases.append(f"{{ 1, {before} }}")
        failed = "{ { FETCH_FAILED, 0, 0, 0, 0, 1 } }, 1"
        return self.add(f"{{ FETCH_SELECT, 0, 0, {after}, {failed}, {first}, 1, 1 }}", self.phases[before] | self.phases[after])

    def pointers_in(self, struct, base, left=0):
        """(offset, base of its structure, node, where the bytes are counted that it is about; 0: as those before, and how
        many bytes the pointer has)"""
        found = []
        for field in struct.of:
            if field.attributes["same"]:
                node = self.node(field.type)
                found += [(base, base, node, left, 0)] if node else []
            elif field.type.form in ("pointer", "select"):
                node = self.node(field.type)
                found += [(base + field.offset, base, node, left, field.size)] if node else []
            elif field.type.form in ("array", "memory") and not field.size:  # what comes behind the structure
                node = self.node(self.signatures.model.pointer("SAME", field.type, field.name))
                found += [(base + field.offset, base, node, left, "FETCH_HERE")] if node else []
            elif field.type.form == "struct":
                term = field.attributes["left"]
                found += self.pointers_in(field.type, base + field.offset,
                                          base + term_values(term)[1] if term else left)
        return found

    @staticmethod
    def bytes_of(type_):
        """1 + the argument that says how many bytes a pointer leads to, if that is all there is to it, but that after the
        call the result may say less; otherwise 0."""
        inner = type_.of if type_.form == "pointer" and not type_.after else None
        if not inner or inner.form != "memory" or inner.printer not in ("quoted", "hex_bytes"):
            return 0
        terms = {source: value for source, value, _, _, *rest in map(term_values, inner.count) if rest == [0, 1, 0]}
        plain = {"IN": {"ARGUMENT"}, "OUT": {"ARGUMENT", "RESULT"}}.get(type_.direction)
        return terms["ARGUMENT"] + 1 if set(terms) == plain and len(terms) == len(inner.count) else 0

    def memory_of(self, arguments, _):
        return tuple((at, self.node(type_), self.bytes_of(type_)) for at, type_ in enumerate(arguments) if self.node(type_))

    def descriptors_of(self, arguments, result):
        """The result counts as the seventh argument."""
        found = [(at, self.descriptor(type_, "FETCH_ENTRY")) for at, type_ in enumerate(arguments)]
        found.append((6, self.descriptor(result, "FETCH_EXIT")))
        return tuple((at, node, 0) for at, node in found if node)

    def exported(self):
        """Structures that code in C knows by name, and that lead on to other memory: (name, node)."""
        types = [self.signatures.model.types[name] for name in self.signatures.model.exported]
        return [(type_.name, self.node(self.signatures.model.pointer("IN", type_, type_.name))) for type_ in types
                if type_.form == "struct" and self.pointers_in(type_, 0)]

    def emit(self):
        arguments, uses, tables = ["{ 0 }"], {(): 0}, []
        for what, find in (("memory", self.memory_of), ("descriptors", self.descriptors_of)):
            for arch, table in zip(("x86_64", "i386"), self.signatures.tables):
                starts = []
                if what == "memory":
                    counts = (str(len(table[nr][1])) if nr in table else "6" for nr in range(max(table) + 1))
                    tables.append(self.table("uint8_t", f"argument_counts_{arch}", counts))
                for nr in range(max(table) + 1):
                    wanted = find(table[nr][1], table[nr][2]) if nr in table else ()
                    if wanted not in uses:
                        uses[wanted] = len(arguments)
                        arguments += [f"{{ {at}, {' | '.join(sorted(self.phases[node]))}, {node}, {size} }}"
                                      for at, node, size in wanted]
                        arguments.append("{ 0 }")
                    starts.append(uses[wanted])
                tables.append(self.table("uint16_t", f"fetch_{what}_{arch}", map(str, starts)))
        exported = self.exported()
        return [
            self.table("struct fetch_node", "fetch_nodes", self.nodes),
            self.table("struct fetch_child", "fetch_child_table", self.children),
            self.table("struct fetch_case", "fetch_cases", self.cases),
            self.table("struct fetch_argument", "fetch_arguments", arguments),
            *tables,
            *(f"enum {{ FETCH_{name} = {node} }}; /* the node for one in memory */\n" for name, node in exported),
        ]

    @staticmethod
    def table(kind, name, lines):
        lines = list(lines)
        return f"static const {kind} {name}[{len(lines)}] = {{\n" + "".join(f"\t{line},\n" for line in lines) + "};\n"


# What the kernel calls those of i386 that have not the name behind compat_.
COMPAT = {"timespec": "old_timespec32", "timeval": "old_timeval32", "itimerspec": "old_itimerspec32", "stat64": "stat64",
          "user_msghdr": "compat_msghdr", "siginfo_t": "compat_siginfo", "__kernel_old_timespec": "old_timespec32",
          "__kernel_old_timeval": "old_timeval32", "select_args": "compat_sel_arg_struct"}


def layout_rows(types, name_of):
    """Rows of a structure's name in the kernel, a member, its offset and its size; first the structure's own."""
    for type_ in types:
        if type_.form != "struct":
            continue
        own = "{" in type_.c_type
        name = name_of(type_.name if own else type_.c_type.split()[-1])
        if not own:
            yield f'{{ "{name}", NULL, 0, {type_.size} }},'
        for field in type_.of:
            if not field.attributes["same"]:
                yield f'{{ "{name}", "{field.member}", {field.offset}, {field.size} }},'


def layouts(model, i386, shared):
    """Those of x86-64, and of i386 those that are others there."""
    return dict.fromkeys([
        *layout_rows(model.types.values(), lambda name: name),
        *layout_rows((type_ for type_ in i386.types.values() if type_ not in shared),
                     lambda name: COMPAT.get(name, f"compat_{name}"))])


def printers(types):
    return sorted({f"print_fn print_{type_.printer};" for type_ in types} |
                  {f"value_fn value_{type_.value};" for type_ in types})


def write(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(["/* Generated by tables/gen_types.py. */", *lines]) + "\n")


def main():
    types, calls, *outputs = sys.argv[1:7]
    models = [Model(types, sys.argv[7:]), Model(types, sys.argv[7:], i386=True)]
    signatures = Signatures(models, calls)
    printing, fetching = Printing(models[0], signatures), Fetching(signatures)
    tables = printing.emit(), printers(printing.types), fetching.emit(), layouts(*models, signatures.shared)
    for path, lines in zip(outputs, tables):
        write(path, lines)


main()

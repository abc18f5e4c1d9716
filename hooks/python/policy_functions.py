"""Finds the functions of a policy. Frozen into the hook `python`; k23-python(7) says what a policy is."""
import k23

# What a policy is told, with the number of arguments.
TOLD = {"init": 0, "exec": 0, "exec_begin": 1, "exec_failed": 2, "fork_child": 0, "thread_start": 0, "thread_exit": 0,
        "process_exit": 1, "signal": 2}
ANY = ("all", "i386")
VARIABLE = 4  # the flag of *args


def wrong(function, words):
    code = function.__code__
    k23.refuse(f"{code.co_filename}:{code.co_firstlineno}: {function.__name__} {words}")


def takes(function, number):
    """Whether it can be called with a number of arguments."""
    code = function.__code__
    least = code.co_argcount - len(function.__defaults__ or ())
    return least <= number and (number <= code.co_argcount or bool(code.co_flags & VARIABLE))


def meant(name):
    from difflib import get_close_matches

    close = get_close_matches(name, [*k23.numbers, *ANY, *TOLD], 1)
    return f" (did you mean {close[0]}?)" if close else ""


def check_other(policy, name, value):
    """What is called like a function but is none, as an object of a class or what functools makes of a function, is a
    mistake under the name of one, unless it is imported."""
    of_policy = getattr(value, "__module__", None) in ("policy", "functools") or type(value).__module__ == "policy"
    if (name in k23.numbers or name in ANY or name in TOLD) and callable(value) and not isinstance(value, type) and of_policy:
        k23.refuse(f"{policy['__file__']}: {name} is named as a function of the policy, but is {value!r}")


def functions(policy):
    """What is called: the policy's own functions, by the number of a call or the name of what they are told."""
    found = {}
    for name, function in list(policy.items()):
        if type(function) is not type(functions):
            check_other(policy, name, function)
            continue
        if function.__module__ != "policy" or name.startswith("_"):
            continue
        of_call = takes(function, 1) and function.__code__.co_varnames[:1] == ("call",)
        if name in k23.numbers or name in ANY:
            if not of_call:
                wrong(function, "is named after a system call, and so takes one argument, `call`")
            found[k23.numbers.get(name, name)] = function
        elif name in TOLD:
            if not takes(function, TOLD[name]):
                wrong(function, f"has to take {TOLD[name] or 'no'} argument{'s' * (TOLD[name] != 1)}")
            found[name] = function
        elif of_call:
            wrong(function, f"takes a `call`, but there is no such system call{meant(name)}: what is not for one begins "
                            "with an underscore")
    return found

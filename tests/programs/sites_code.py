# SPDX-License-Identifier: BSD-2-Clause
"""Cases of sites.py in code that is compiled from strings: names and files of its own, code that
is gone at once, long functions, far lines, and syntax that not every version has."""
import sys

from sites_core import add, case


def compiled(source, file, name="body"):
    names = {}
    exec(compile(source, file, "exec"), names)
    return names[name]


@case
def executed(make, n, sink):
    code = compile("\n\nfor _ in range(n):\n    sink(make())\n", "executed.py", "exec")
    exec(code, {"make": make, "n": n, "sink": sink})


@case
def evaluated(make, n, sink):
    code = compile("\n\n[sink(make())\n for _ in range(n)]", "<evaluated>", "eval")
    eval(code, {"make": make, "n": n, "sink": sink})


def transient_code(make, n, sink):
    """Its addresses are used again, for functions of other names and lines."""
    for i in range(min(n, 200)):
        names = {"make": make, "sink": sink}
        source = "\n" * i + "def gone_%d():\n    sink(\n        make())\n" % i
        exec(compile(source, "gone_%d.py" % (i % 7), "exec"), names)
        names["gone_%d" % i]()


add(transient_code)


def transient_lambdas(make, n, sink):
    """The same, of one name and file; only the line tells them apart."""
    for i in range(min(n, 200)):
        eval(compile("\n" * i + "(lambda: sink(make()))()", "<same>", "eval"),
             {"make": make, "sink": sink})


add(transient_lambdas)

importing = []  # what sites_imported.py works with


@case
def imported(make, n, sink):
    """A module that allocates when it is imported: the importer's frames are between."""
    importing[:] = [make, sink]
    for _ in range(n // 4):
        import sites_imported  # noqa: F401
        del sys.modules["sites_imported"], sites_imported
    del importing[:]


NAMED = "def %s(make, sink):\n    sink(make())\n"
BODY = "def body(make, n, sink):\n    for _ in range(n):\n        %s(make, sink)\n"


def add_named(name, function, file):
    add(compiled(NAMED % function + BODY % function, file), name=name)


add_named("name_latin", "größe_été", "/srv/café/münchen.py")
add_named("name_wide", "заказ_注文", "/srv/日本語/データ.py")
add_named("name_astral", "𐐀𐐁_𐐂", "/srv/😀/𐐀.py")
add_named("name_long", "long_" + "n" * 300, "/srv/" + "d/" * 600 + "long_file_name.py")
add_named("name_long_and_wide", "ж" * 200, "/srv/" + "文/" * 300 + "файл.py")
add_named("name_exactly_fits", "f" * 128, "/" + "g" * 255)
add_named("name_misleads", "not_here", "lies.py:17 (in there)\t\"quoted\"\\\n'x'\x1b[31m.py")


def add_long():
    """Statements that allocate at the begin, in the middle and at the end of a line table of more
    than 4096 bytes."""
    lines = ["def body(make, n, sink):", "    a, b, c, d = n, 1, 2, 3"]
    for part in range(3):
        lines += ["    for _ in range(n // 3):", "        sink(make())"]
        if part < 2:
            lines += ["    a, b = (b if a else c), (", "        c + d)"] * 700
    add(compiled("\n".join(lines), "long_function.py"), name="long_function")


add_long()
add(compiled("\n" * 70000 + "def body(make, n, sink):\n    for _ in range(n // 2):\n" +
             "        sink(\n" + "\n" * 40000 + "            make())\n" + "\n" * 500 +
             "        sink(make())\n", "far.py"), name="far_lines")
add(compiled("def body(make, n, sink):\n    for _ in range(n // 2):\n" +
             "        sink(make()" + " " * 3000 + ");" + " " * 200 + "sink(\n" + " " * 500 +
             "make())\n", "wide.py"), name="wide_columns")

# (since, name, body after `for _ in range(...)`, objects in one round)
SYNTAX = [
    ((3, 6), "f_string", """
        f'{sink(make())} {
            sink(make())}'""" if sys.version_info >= (3, 12) else """
        f'''{sink(make())}
        {sink(make())}'''""", 2),
    ((3, 8), "walrus", """
        if (made := make()) and (
                other := make()):
            sink(made); sink(other)
        del made, other""", 2),
    ((3, 8), "f_string_equals", """
        f'{sink(make())=}'""", 1),
    ((3, 10), "match_statement", """
        match {"made": make(), "kind": 1}:
            case {"kind": 2}:
                pass
            case {"made": made, "kind": 1} if sink(
                    make()) or True:
                sink(made)
                del made""", 2),
    ((3, 10), "with_parentheses", """
        import contextlib
        with (
            contextlib.suppress(ValueError),
            contextlib.closing(type("Closed", (), {"close": lambda _: sink(make())})())
        ):
            pass""", 1),
    ((3, 11), "except_star", """
        try:
            raise ExceptionGroup("all", [ValueError(1), KeyError(2)])
        except* ValueError:
            sink(make())
        except* KeyError:
            sink(
                make())""", 2),
    ((3, 12), "type_parameters", """
        def generic[T: (sink(make()), 1)](value: T) -> T:
            sink(make())
        generic(1)
        generic.__type_params__[0].__constraints__""", 2),
    ((3, 12), "type_alias", """
        type Alias = sink(
            make())
        Alias.__value__
        del Alias""", 1),
    ((3, 13), "type_parameter_default", """
        class Generic[T = sink(make())]:
            pass
        Generic.__type_params__[0].__default__""", 1),
    ((3, 14), "template_string", """
        t'{sink(make())} {
            sink(make())}'""", 2),
    ((3, 14), "except_without_parentheses", """
        try:
            raise KeyError
        except KeyError, ValueError:
            sink(make())""", 1),
    ((3, 6), "annotations", """
        class Annotated(object):
            left: sink(make())
            right: sink(
                make())
        Annotated.__annotations__""", 2),
]

for since, name, body, cnt in SYNTAX:
    if sys.version_info >= since:
        add(compiled("def body(make, n, sink):\n    for _ in range(n // %d):%s\n" % (cnt, body),
                     name + ".py"), name=name)

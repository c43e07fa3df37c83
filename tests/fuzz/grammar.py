"""Makes Lua programs that compile and do odd things with everything a script can reach."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from engine.sandbox.api import API, MODULE_NAMES

NUMBERS = (
    "0", "1", "-1", "2", "3", "0.5", "-0.5", "7", "16", "100", "255", "256", "1000", "65536", "1e5",
    "2^31", "-2^31", "2^31-1", "2^32", "2^53", "2^53+1", "-2^63", "1e21", "1e308", "-1e308", "5e-324",
    "(1/0)", "(-1/0)", "(0/0)", "0x7f",
)  # fmt: skip

STRINGS = (
    '""', '"a"', '"x=1"', '"0"', '"10"', '"0x10"', '"1e5"', '"\\0"', '"\\255"', '"\\27Lua"', '"%s"',
    '"%d %q"', '"%99.99f"', '"{}"', '"[]"', '"[1,2,{\\"a\\":null}]"', '"{\\"a\\":[1,2.5,true]}"',
    '"[[["', '"\\"\\\\ud800\\""', '"YWJj"', '"===="', '"json"', '"kv"', '"http"', '"crypto"', '"os"',
    '"__index"', '"k"', '"v"', '"#"', '"count"', '"\\n"', '"return 1"', '"return ..."', '"x = x + 1"',
    '"http://127.0.0.1/"', '"X-Header"', '"aaaaaaaaaaaaaaaa"', 'string.rep("ab", 50)', '"\\195\\164"',
    '"\\239\\191\\191"', '"%b()"', '"[%w_]+"', '"(.-)%s"', '"^(a*)$"', '"%f[%a]"', '"%1"', '"()"',
)  # fmt: skip

# Subjects and patterns that overflow the C stack, or backtrack past any budget.
BOMBS = (
    ('string.rep("a", 200000)', 'string.rep("a?", 200000)'),
    ('string.rep("a", 30)', 'string.rep("a?", 30) .. string.rep("a", 30)'),
    ('string.rep("a", 20000)', '"(.-)(.-)(.-)(.-)b"'),
    ('string.rep("(", 200000)', '"%b()"'),
)

PATTERN_PARTS = (
    "a", "b", ".", "%a", "%d", "%s", "%w", "%z", "%%", "[ab]", "[^a]", "[%w_]", "[a-z]", "(a)", "(.-)",
    "()", "%1", "%b()", "%f[%a]", "$", "^", "*", "+", "-", "?", ".*", ".-", "(", ")", "[", "%",
)  # fmt: skip

METHODS = (
    "byte",
    "find",
    "format",
    "gmatch",
    "gsub",
    "len",
    "lower",
    "match",
    "rep",
    "reverse",
    "sub",
    "upper",
)
MATCHERS = ("find", "match", "gsub")
BINARY = ("+", "-", "*", "/", "%", "^", "..", "==", "~=", "<", "<=", ">", ">=", "and", "or")
METAMETHODS = (
    "__index", "__newindex", "__call", "__tostring", "__concat", "__add", "__eq", "__lt", "__le",
    "__len", "__unm", "__gc", "__mode", "__metatable", "__pairs", "__close",
)  # fmt: skip
GLOBALS = ("payload", "headers", "metadata", "request", "config", "previous_error", "_G", "g1", "g2", "log")
FIELDS = ("a", "x", "body", "headers", "k", "n", "config_id", "retry_on_status", "opt_out_default_headers")
LOCALS = ("v1", "v2", "v3", "v4")

MAX_DEPTH = 4
BOMB_SHARE = 0.01  # of the programs: most of them cost a host


def _functions() -> tuple[str, ...]:
    """Every function of the API as an expression that yields it."""
    names = []
    for entry in API:
        if entry.kind == "function":
            module, dot, rest = entry.name.partition(".")
            loaded = dot and module in MODULE_NAMES
            names.append(f'require("{module}").{rest}' if loaded else entry.name)
    return tuple(names)


FUNCTIONS = _functions()
FAVOURITES = (
    "setfenv", "getfenv", "setmetatable", "getmetatable", "pcall", "xpcall", "loadstring", "rawset",
    "unpack", "error", "tostring", "string.gsub", "string.format", "table.sort",
    'require("json").decode', 'require("json").encode', 'require("kv").get', 'require("kv").set',
    'require("http").get', "log.info", "select", "next",
)  # fmt: skip


class Grammar:
    """Lua source from random choices; the same choices give the same program."""

    def __init__(self, choices: random.Random) -> None:
        self._r = choices
        self._statements: Sequence[tuple[int, Callable[[int], str]]] = (
            (5, self._local),
            (5, self._assign),
            (6, self._call_statement),
            (3, self._output),
            (3, self._caught),
            (2, self._if),
            (2, self._for),
            (2, self._for_in),
            (1, self._while),
            (2, self._function_statement),
            (2, self._metatable),
            (1, self._environment),
            (1, self._raise),
            (1, self._do),
        )
        self._expressions: Sequence[tuple[int, Callable[[int], str]]] = (
            (4, self._number),
            (4, self._string),
            (5, self._name),
            (3, self._binary),
            (1, self._unary),
            (3, self._table),
            (2, self._function),
            (5, self._call),
            (2, self._method),
            (2, self._index),
            (1, lambda _: "..."),
            (1, lambda _: self._r.choice(("nil", "true", "false"))),
        )

    def program(self) -> str:
        """A whole script. It compiles, save where it happens to exceed one of Lua's own limits."""
        head = f"local {', '.join(LOCALS)} = {', '.join(self._expression(1) for _ in LOCALS)}"
        lines = [head, *(self._statement(MAX_DEPTH) for _ in range(self._r.randint(1, 12)))]
        if self._r.random() < BOMB_SHARE:
            lines.insert(self._r.randint(0, 2), self._bomb())
        return "\n".join(lines)

    def _bomb(self) -> str:
        subject, pattern = self._r.choice(BOMBS)
        return f"v1 = pcall(string.{self._r.choice(MATCHERS)}, {subject}, {pattern}, 1);"

    # --- statements

    def _pick(self, weighted: Sequence[tuple[int, Callable[[int], str]]]) -> Callable[[int], str]:
        weights = [weight for weight, _ in weighted]
        return self._r.choices([make for _, make in weighted], weights)[0]

    def _statement(self, depth: int) -> str:
        # A semicolon: what follows may begin with a parenthesis, which would read as a call.
        return self._pick(self._statements if depth > 0 else self._statements[:4])(depth) + ";"

    def _block(self, depth: int) -> str:
        return " ".join(self._statement(depth - 1) for _ in range(self._r.randint(0, 3)))

    def _local(self, depth: int) -> str:
        return f"{self._r.choice(LOCALS)} = {self._expression(depth)}"

    def _place(self, depth: int) -> str:
        where = self._r.choice(LOCALS + GLOBALS)
        kind = self._r.randrange(3)
        if kind == 0:
            return where
        return f"{where}.{self._r.choice(FIELDS)}" if kind == 1 else f"{where}[{self._expression(depth - 1)}]"

    def _assign(self, depth: int) -> str:
        return f"{self._place(depth)} = {self._expression(depth)}"

    def _output(self, depth: int) -> str:
        target = self._r.choice(
            (
                'headers["X-A"]',
                "request.body",
                "request.headers",
                "request.retry_on_status",
                "headers",
                "config",
            )
        )
        return f"{target} = {self._expression(depth)}"

    def _call_statement(self, depth: int) -> str:
        return f"v{self._r.randint(1, 4)} = {self._call(depth)}"

    def _caught(self, depth: int) -> str:
        results = ", ".join(self._r.sample(LOCALS, 2))
        if self._r.random() < 0.3:
            return f"{results} = xpcall(function(...) {self._block(depth)} end, {self._function(depth)})"
        return f"{results} = pcall(function(...) {self._block(depth)} end, {self._arguments(depth)})"

    def _if(self, depth: int) -> str:
        condition, then, other = self._expression(depth - 1), self._block(depth), self._block(depth)
        return f"if {condition} then {then} else {other} end"

    def _for(self, depth: int) -> str:
        until = self._r.choice(("3", "5", "20", "1000", "v1", "#payload", "-1", "1e6", "1/0"))
        return f"for i = 1, {until} do {self._block(depth)} {self._escape_hatch()} end"

    def _escape_hatch(self) -> str:
        """Most loops end soon, so that most programs get to their end."""
        return "g1 = nil" if self._r.random() < 0.05 else "do break end"

    def _for_in(self, depth: int) -> str:
        iterator = self._r.choice(
            (
                f"pairs({self._expression(depth - 1)})",
                f"ipairs({self._expression(depth - 1)})",
                f"string.gmatch({self._expression(0)}, {self._pattern()})",
                f"next, {self._expression(depth - 1)}",
                f"{self._expression(depth - 1)}",
            )
        )
        return f"for k, v in {iterator} do {self._block(depth)} {self._escape_hatch()} end"

    def _while(self, depth: int) -> str:
        if self._r.random() < 0.5:
            return f"repeat {self._block(depth)} until true"
        return f"while {self._expression(depth - 1)} do {self._block(depth)} {self._escape_hatch()} end"

    def _function_statement(self, depth: int) -> str:
        name = self._r.choice(("g1", "v1", "g1.x", "string.upper", "log.info", "tostring"))
        return f"function {name}(...) {self._block(depth)} return {self._expression(depth - 1)} end"

    def _metatable(self, depth: int) -> str:
        fields = ", ".join(
            f"{name} = {self._expression(depth - 1)}"
            for name in self._r.sample(METAMETHODS, self._r.randint(1, 4))
        )
        target = self._r.choice(("{}", *GLOBALS, *LOCALS, "string", "math", '""', 'require("json")'))
        return f"v{self._r.randint(1, 4)} = pcall(setmetatable, {target}, {{{fields}}})"

    def _environment(self, depth: int) -> str:
        target = self._r.choice(("1", "2", "3", "0", "print", self._expression(depth - 1)))
        env = self._r.choice(("_G", "{}", "setmetatable({}, {__index = _G})", self._expression(depth - 1)))
        return f"v1, v2 = pcall(setfenv, {target}, {env})"

    def _raise(self, depth: int) -> str:
        return (
            f"if v4 then error({self._expression(depth)}, {self._r.choice(('0', '1', '2', '5', 'v1'))}) end"
        )

    def _do(self, depth: int) -> str:
        return f"do local v2, v3 = {self._expression(depth)}, {self._expression(depth)}; {self._block(depth)} end"

    # --- expressions

    def _expression(self, depth: int) -> str:
        return self._pick(self._expressions if depth > 0 else self._expressions[:3])(depth)

    def _number(self, _depth: int) -> str:
        return self._r.choice(NUMBERS)

    def _string(self, _depth: int) -> str:
        return self._pattern() if self._r.random() < 0.1 else self._r.choice(STRINGS)

    def _pattern(self) -> str:
        return '"' + "".join(self._r.choices(PATTERN_PARTS, k=self._r.randint(1, 5))) + '"'

    def _name(self, _depth: int) -> str:
        kind = self._r.random()
        if kind < 0.15:
            return self._r.choice(FUNCTIONS)
        return self._r.choice(LOCALS if kind < 0.6 else GLOBALS)

    def _binary(self, depth: int) -> str:
        return f"({self._expression(depth - 1)} {self._r.choice(BINARY)} {self._expression(depth - 1)})"

    def _unary(self, depth: int) -> str:
        return f"({self._r.choice(('- ', 'not ', '#'))}{self._expression(depth - 1)})"

    def _table(self, depth: int) -> str:
        return "{" + ", ".join(self._member(depth) for _ in range(self._r.randint(0, 4))) + "}"

    def _member(self, depth: int) -> str:
        value = self._expression(depth - 1)
        kind = self._r.randrange(4)
        if kind == 0:
            return f"{self._r.choice(FIELDS + METAMETHODS)} = {value}"
        return f"[{self._expression(0)}] = {value}" if kind == 1 else value

    def _function(self, depth: int) -> str:
        return f"function(...) {self._block(depth)} return {self._expression(depth - 1)} end"

    def _call(self, depth: int) -> str:
        roll = self._r.random()
        callee = self._r.choice(FAVOURITES if roll < 0.35 else FUNCTIONS)
        if roll > 0.93:
            callee = f"({self._expression(depth - 1)})"
        if self._r.random() < 0.4:
            return f"pcall({callee}, {self._arguments(depth)})"
        return f"{callee}({self._arguments(depth)})"

    def _arguments(self, depth: int) -> str:
        return ", ".join(self._expression(depth - 1) for _ in range(self._r.randint(1, 4)))

    def _method(self, depth: int) -> str:
        subject = f"({self._string(0)})" if self._r.random() < 0.7 else f"({self._expression(depth - 1)})"
        return f"{subject}:{self._r.choice(METHODS)}({self._arguments(depth)})"

    def _index(self, depth: int) -> str:
        return f"({self._expression(depth - 1)})[{self._expression(depth - 1)}]"

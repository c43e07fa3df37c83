"""The one table of what a script can reach: completion, call tips, `require` and the reference page are made from it.

A function that HOWK knows but this engine does not offer is not in the table, so nothing promises it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiEntry:
    """One name that a script may write.

    Attributes:
        name: as written in a script: `json.decode`, `headers`, `string.format`.
        kind: function, table, value or module.
        signature: shown as the call tip, arguments that may be left out with `?`; empty for what is not called.
        doc: one or two sentences for a script's author.
        group: the heading in the reference: input, output, module, library.
    """

    name: str
    kind: str
    signature: str
    doc: str
    group: str


MODULE_NAMES: tuple[str, ...] = ("base64", "crypto", "http", "json", "kv", "log")
"""What `require` finds."""

# Each table maps what a script writes to what it means; a name with parentheses is a function.
_INPUT = {
    "payload": "The webhook's payload: a string of its raw bytes, exactly as they came in.",
    "headers": 'The webhook\'s HTTP headers by name. Set one to send another value, set it to "" to leave it out.',
    "metadata": "What is known about this delivery: webhook_id, config_id, attempt, max_attempts, created_at.",
    "metadata.webhook_id": 'The id of the webhook, a string such as "wh_01HZ...".',
    "metadata.config_id": "The config_id the webhook was sent for; it chose this script.",
    "metadata.attempt": "Which delivery attempt this is, counted from 0.",
    "metadata.max_attempts": "How many attempts the webhook has before it becomes a dead letter.",
    "metadata.created_at": "When the webhook was accepted, as an RFC 3339 string.",
    "previous_error": "Why the attempt before this one failed. It is nil on the first attempt, so test it before use.",
    "previous_error.message": "What went wrong, in words.",
    "previous_error.status_code": "The HTTP status of the receiver's answer; nil when there was no answer.",
    "previous_error.attempt": "Which attempt failed, counted from 0.",
    "previous_error.reason": "The kind of failure, as one word.",
    "config": "The settings of this script (its script_config), ${VARIABLES} filled in; empty when it has none.",
}

_OUTPUT = {
    "request": "What to send: set its fields body, headers and retry_on_status.",
    "request.body": "The body to send, any bytes. Left nil or empty, the payload is sent as it came in.",
    "request.headers": "Headers to add to those in `headers`. Published workers up to 0.4.9 start with nil here: "
    "write `request.headers = request.headers or {}` first.",
    "request.retry_on_status": "A list of HTTP statuses to retry on, besides 5xx, 408 and 429: { 409, 425 }.",
    "config.opt_out_default_headers": "Set to true to send none of the X-Webhook-* headers, the signature included.",
}

_MODULES = {
    "json": 'Reads and writes JSON: local json = require("json").',
    "json.decode(text)": "The value of a JSON text; nil and the reason when it is not JSON. Arrays count from 1, "
    "and null is nil.",
    "json.encode(value)": "The JSON text of a value, keys sorted; nil and the reason when it has none. An empty table "
    "becomes [].",
    "base64": 'Base64 in its standard alphabet, padded: local base64 = require("base64").',
    "base64.encode(data)": "The base64 text of a string of any bytes.",
    "base64.decode(text)": "The bytes of a base64 text; nil and the reason when it is not base64.",
    "kv": "Storage of this script that outlives a run: tokens, counters, what was seen before.",
    "kv.get(key)": "The string stored under a key; nil when there is none, nil and the reason when storage failed.",
    "kv.set(key, value, ttl_seconds?)": "Stores a string, for 24 hours unless told otherwise. Returns nil, or why not.",
    "kv.del(key)": "Forgets a key. Returns nil, or why it could not.",
    "http": "HTTP requests to the hosts that the operator allows.",
    "http.get(url, headers?, options?)": "Fetches a URL: a table with status_code, body and headers, or nil and the "
    "reason. Answers are kept for a while; options { cache_ttl = seconds } says how long.",
    "http.post(url, body, headers?)": "Sends a body by POST; answers as http.get does, and is never cached.",
    "http.put(url, body, headers?)": "Sends a body by PUT; answers as http.get does, and is never cached.",
    "http.delete(url, body?, headers?)": "Sends a DELETE; answers as http.get does, and is never cached.",
    "crypto": "Opens credentials that were encrypted for the operator's keys.",
    "crypto.decrypt_credential(key_name, symmetric_key_b64, encrypted_data_b64)": "The credential in plain, or nil and "
    "the reason. The key with that name stays with the operator.",
    "log": "Writes to the log of this run. It is there without require.",
    "log.debug(message, fields?)": "Logs a message for whoever searches for a fault, with a table of fields if given.",
    "log.info(message, fields?)": "Logs a message about normal work, with a table of fields if given.",
    "log.warn(message, fields?)": "Logs what looks wrong but does not stop the run, with a table of fields if given.",
    "log.error(message, fields?)": "Logs a failure and goes on (error() stops), with a table of fields if given.",
}

_BASE = {
    "_G": "The table of this run's globals; the next run gets a new one.",
    "_VERSION": 'The version of the language: "Lua 5.1".',
    "assert(value, message?, ...)": "Raises the message when the value is false or nil, else returns all arguments.",
    "collectgarbage(option?)": 'With "count", the KB this run uses. Other options are accepted and do nothing: '
    "the engine collects by itself.",
    "error(message, level?)": "Ends the run with a message, which is the dead letter's reason unless pcall catches it. "
    "Level 2 blames the caller, 0 adds no line.",
    "getfenv(function?)": "The environment of a function or call level of this script.",
    "getmetatable(value)": "The metatable of a table, or what its __metatable field says; false for a string.",
    "ipairs(list)": "Walks a list in a for loop from 1 to the first nil, giving index and value.",
    "loadstring(source)": "A function made from Lua source; nil and the reason when it does not compile. "
    "Bytecode is refused.",
    "next(table, key?)": "The key and value after a key, in no fixed order; nil after the last one.",
    "pairs(table)": "Walks every key and value of a table in a for loop, in no fixed order.",
    "pcall(function, ...)": "Calls a function: true and its results, or false and the error. Time and memory limits "
    "of the run cannot be caught for good.",
    "print(...)": "Writes its arguments, with tabs between them, to the log at level info.",
    "rawequal(first, second)": "Whether two values are the same one, without asking metamethods.",
    "rawget(table, key)": "The value of a key, without asking metamethods.",
    "rawset(table, key, value)": "Sets a key, without asking metamethods; returns the table.",
    "require(name)": 'One of the engine\'s modules: "base64", "crypto", "http", "json", "kv" or "log".',
    "select(n, ...)": 'The arguments from the n-th on, or their number when n is "#".',
    "setfenv(function, environment)": "Changes the globals that a function of this script sees; returns the function.",
    "setmetatable(table, metatable)": "Gives a table a metatable, or takes it away with nil; returns the table.",
    "tonumber(value, base?)": "The number a string stands for, in base 10 unless told; nil when it is none.",
    "tostring(value)": "Any value as a string; asks the metamethod __tostring.",
    "type(value)": 'The type of a value as a string, such as "nil", "number", "string" or "table".',
    "unpack(list, first?, last?)": "The elements of a list as separate values.",
    "xpcall(function, handler)": "Calls a function without arguments; on an error the handler gets it and its result "
    "is returned after false.",
}

_STRING = {
    "string": "Functions on strings, which are bytes. Each is also a method: s:upper() is string.upper(s).",
    "string.byte(s, first?, last?)": "The codes of the bytes from first to last; of the first byte unless told.",
    "string.char(...)": "A string of the bytes with these codes, each 0 to 255.",
    "string.find(s, pattern, init?, plain?)": "Where a pattern matches first: start, end and captures, or nil. "
    "With plain true it looks for the text as it is.",
    "string.format(format, ...)": 'Fills a format such as "%s has %d items, %.2f" with the arguments.',
    "string.gmatch(s, pattern)": "Walks all matches of a pattern in a for loop, giving captures or the whole match.",
    "string.gsub(s, pattern, replacement, max?)": "Replaces matches by a string, table or function; returns the "
    "result and how many there were.",
    "string.len(s)": "How many bytes a string has, as #s does.",
    "string.lower(s)": "The string with A to Z in lower case.",
    "string.match(s, pattern, init?)": "The captures of a pattern's first match, or the whole match; nil if none.",
    "string.rep(s, n)": "The string n times over.",
    "string.reverse(s)": "The string's bytes from last to first.",
    "string.sub(s, first, last?)": "The bytes from first to last, both included; negative positions count from "
    "the end.",
    "string.upper(s)": "The string with a to z in upper case.",
}

_TABLE = {
    "table": "Functions on lists: tables with the keys 1 to n.",
    "table.concat(list, separator?, first?, last?)": "The strings and numbers of a list joined to one string.",
    "table.foreach(table, function)": "Calls a function with every key and value until it returns something; "
    "prefer pairs.",
    "table.foreachi(list, function)": "Calls a function with every index and value until it returns something; "
    "prefer ipairs.",
    "table.getn(list)": "How many elements a list has; prefer #list.",
    "table.insert(list, position?, value)": "Inserts a value at a position, moving the rest up, or appends it.",
    "table.maxn(table)": "The largest positive number among the keys, 0 when there is none.",
    "table.remove(list, position?)": "Takes out the element at a position, the last unless told, and returns it.",
    "table.sort(list, less?)": "Sorts a list in place, by < or by a function that says whether its first argument "
    "comes before its second.",
}

_MATH = {
    "math": "Functions on numbers, which are doubles; angles are in radians.",
    "math.huge": "Infinity, larger than any number.",
    "math.pi": "The ratio of a circle's circumference to its diameter.",
    "math.abs(x)": "The absolute value.",
    "math.acos(x)": "The angle whose cosine is x.",
    "math.asin(x)": "The angle whose sine is x.",
    "math.atan(x)": "The angle whose tangent is x.",
    "math.atan2(y, x)": "The angle of the point (x, y), in the right quadrant.",
    "math.ceil(x)": "The smallest whole number not below x.",
    "math.cos(x)": "The cosine of an angle.",
    "math.cosh(x)": "The hyperbolic cosine.",
    "math.deg(x)": "An angle in degrees.",
    "math.exp(x)": "e to the power of x.",
    "math.floor(x)": "The largest whole number not above x.",
    "math.fmod(x, y)": "The remainder of x / y with the sign of x; the operator % takes the sign of y.",
    "math.frexp(x)": "A fraction and an exponent such that x is fraction * 2^exponent.",
    "math.ldexp(fraction, exponent)": "fraction * 2^exponent.",
    "math.log(x)": "The natural logarithm.",
    "math.log10(x)": "The logarithm to base 10.",
    "math.max(x, ...)": "The largest of its arguments.",
    "math.min(x, ...)": "The smallest of its arguments.",
    "math.modf(x)": "The whole part and the fraction of x.",
    "math.pow(x, y)": "x to the power of y, as x ^ y.",
    "math.rad(x)": "An angle given in degrees, in radians.",
    "math.random(low?, high?)": "A number in [0, 1); with one argument a whole number from 1 to it, with two from "
    "low to high.",
    "math.randomseed(seed)": "Makes math.random repeat the same sequence, in this run only.",
    "math.sin(x)": "The sine of an angle.",
    "math.sinh(x)": "The hyperbolic sine.",
    "math.sqrt(x)": "The square root.",
    "math.tan(x)": "The tangent of an angle.",
    "math.tanh(x)": "The hyperbolic tangent.",
}

_TABLES = frozenset(
    {
        "headers",
        "metadata",
        "previous_error",
        "config",
        "request",
        "request.headers",
        "request.retry_on_status",
    }
    | {"_G", "string", "table", "math"}
)


def _entries(group: str, rows: Mapping[str, str]) -> tuple[ApiEntry, ...]:
    return tuple(_entry(group, written, doc) for written, doc in rows.items())


def _entry(group: str, written: str, doc: str) -> ApiEntry:
    name, called, _ = written.partition("(")
    return ApiEntry(name, "function" if called else _kind(name), written if called else "", doc, group)


def _kind(name: str) -> str:
    if name in MODULE_NAMES:
        return "module"
    return "table" if name in _TABLES else "value"


API: tuple[ApiEntry, ...] = (
    *_entries("input", _INPUT),
    *_entries("output", _OUTPUT),
    *_entries("module", _MODULES),
    *_entries("library", _BASE | _STRING | _TABLE | _MATH),
)
"""Every name a script can reach, by group and in the order of the reference."""

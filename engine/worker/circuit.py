"""Leaves an endpoint that keeps failing alone for a while: `circuit:{endpoint_hash}` in Redis, shared by all workers.

Closed lets everything through. Enough failures within a window open it: nothing is sent. After a while it is half
open, and one webhook at a time probes; enough successes close it, a failure opens it again. Decisions are made inside
Redis, so that workers agree; every time is given by the caller.
"""

from __future__ import annotations

import enum

import msgspec
from redis.asyncio import Redis

from engine.go_time import go_time
from engine.settings import CircuitSettings


class CircuitState(enum.StrEnum):
    """How an endpoint stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Permit(msgspec.Struct, frozen=True):
    """Whether a webhook may be sent now; `probe` says that it decides about the circuit."""

    allowed: bool
    state: CircuitState
    probe: bool = False


# Other programs read the JSON's fields; `changed_unix` and `window_unix` are ours beside them.
_COMMON = """
local function read(key, hash)
  local text = redis.call('GET', key)
  local ok, circuit = pcall(cjson.decode, text or '')
  if not ok or type(circuit) ~= 'table' or type(circuit.state) ~= 'string' then
    circuit = { endpoint_hash = hash, state = 'closed', failures = 0, successes = 0 }
  end
  return circuit
end
local function write(key, circuit, ttl)
  redis.call('SET', key, cjson.encode(circuit), 'PX', ttl)
end
local function change(circuit, state, now, text, probe_text)
  circuit.state, circuit.state_changed_at, circuit.changed_unix = state, text, now
  circuit.next_probe_at = probe_text
  circuit.failures, circuit.successes, circuit.window_unix = 0, 0, nil
end
"""

_ASK = (
    _COMMON
    + """
local hash, now, text, ttl = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local recovery, interval = tonumber(ARGV[5]), tonumber(ARGV[6])
local circuit = read(KEYS[1], hash)
if circuit.state == 'open' then
  if now < (circuit.changed_unix or 0) + recovery then return { 0, 'open', 0 } end
  change(circuit, 'half_open', now, text)
  write(KEYS[1], circuit, ttl)
end
if circuit.state ~= 'half_open' then return { 1, 'closed', 0 } end
if tonumber(redis.call('GET', KEYS[2]) or '-inf') > now then return { 0, 'half_open', 0 } end
redis.call('SET', KEYS[2], now + interval, 'PX', math.ceil(interval * 1000))
circuit.next_probe_at = ARGV[7]
write(KEYS[1], circuit, ttl)
return { 1, 'half_open', 1 }
"""
)

_TELL = (
    _COMMON
    + """
local hash, now, text, ttl, success = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1'
local threshold, window, needed = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
if success and redis.call('EXISTS', KEYS[1]) == 0 then return 'closed' end
local circuit = read(KEYS[1], hash)
if success then
  circuit.last_success_at = text
  if circuit.state == 'half_open' then
    circuit.successes = circuit.successes + 1
    redis.call('DEL', KEYS[2])
    if circuit.successes >= needed then change(circuit, 'closed', now, text) end
  elseif circuit.state == 'closed' then
    circuit.failures, circuit.window_unix = 0, nil
  end
else
  circuit.last_failure_at = text
  if circuit.state == 'half_open' then
    change(circuit, 'open', now, text, ARGV[9])
  elseif circuit.state == 'closed' then
    if not circuit.window_unix or now - circuit.window_unix > window then
      circuit.window_unix, circuit.failures = now, 0
    end
    circuit.failures = circuit.failures + 1
    if circuit.failures >= threshold then change(circuit, 'open', now, text, ARGV[9]) end
  end
end
write(KEYS[1], circuit, ttl)
return circuit.state
"""
)


class CircuitBreaker:
    """The circuits of all endpoints. Every method raises `redis.exceptions.RedisError` or OSError.

    Args:
        ttl_seconds: how long a circuit that nothing happens to is remembered.
    """

    def __init__(self, redis: Redis, settings: CircuitSettings, ttl_seconds: float) -> None:
        self._settings, self._ttl_ms = settings, round(ttl_seconds * 1000)
        self._ask, self._tell = redis.register_script(_ASK), redis.register_script(_TELL)

    async def ask(self, endpoint_hash: str, now: float) -> Permit:
        """Whether something may be sent to an endpoint at `now` (Unix seconds)."""
        settings = self._settings
        allowed, state, probe = await self._ask(
            keys=_keys(endpoint_hash),
            args=[
                endpoint_hash, now, _text(now), self._ttl_ms, float(settings.recovery_timeout),
                float(settings.probe_interval), _text(now + settings.probe_interval),
            ],
        )  # fmt: skip
        return Permit(bool(allowed), CircuitState(state.decode()), bool(probe))

    async def tell(self, endpoint_hash: str, now: float, *, success: bool) -> CircuitState:
        """Notes how a delivery went, and returns how the endpoint stands from now on."""
        settings = self._settings
        state = await self._tell(
            keys=_keys(endpoint_hash),
            args=[
                endpoint_hash, now, _text(now), self._ttl_ms, int(success), settings.failure_threshold,
                float(settings.failure_window), settings.success_threshold, _text(now + settings.recovery_timeout),
            ],
        )  # fmt: skip
        return CircuitState(state.decode())


def _keys(endpoint_hash: str) -> list[str]:
    return [f"circuit:{endpoint_hash}", f"probe_lock:{endpoint_hash}"]


def _text(now: float) -> str:
    return go_time(round(now * 1_000_000) * 1000)

"""The broker's Lua. Each script is one transaction: another client sees all of it or nothing.

Written for Redis 6.2. Time is always the server's, so the clocks of the hosts do not matter. Every script adds before
it removes: if Redis refuses the addition (out of memory), the script ends there and the message is still where it was.
"""

_NOW = """
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""

#: ARGV of every script that may bury ends with: queue, reason, dead_letter_ttl in ms, max_dead_letters.
_BURY = (
    _NOW
    + """
local function write_off(dead, message, queue, reason, ttl, most)
  local time = now()
  redis.call('XADD', dead, 'MAXLEN', most, '*', 'message', message, 'queue', queue, 'reason', reason, 'died_at', time)
  redis.call('XTRIM', dead, 'MINID', math.max(0, time - ttl))
  redis.call('PEXPIRE', dead, ttl)
end

local function bury(stream, dead, group, id, ...)
  write_off(dead, ...)
  redis.call('XACK', stream, group, id)
  redis.call('XDEL', stream, id)
end
"""
)

#: KEYS dead. ARGV message, then as for bury. A message that is in no queue.
WRITE_OFF = (
    _BURY
    + """
write_off(KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5])
"""
)

#: KEYS stream, queues. ARGV queue, message, limit. Returns 1, or 0 and changes nothing if the queue is full.
ENQUEUE = """
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[1], '*', 'message', ARGV[2])
return 1
"""

#: KEYS delayed, queues, wake. ARGV queue, member, delay in ms.
#: Wakes the scheduler if nothing is due earlier. The list never holds more than one element.
DELAY = (
    _NOW
    + """
local due = now() + tonumber(ARGV[3])
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[1], due, ARGV[2])
if (not first[1] or due < tonumber(first[2])) and redis.call('LLEN', KEYS[3]) == 0 then
  redis.call('RPUSH', KEYS[3], 1)
end
"""
)

#: KEYS delayed, queues, scheduler. ARGV limit, prefix of the streams' keys, me, lease in ms.
#: Moves what is due to its stream, drops what belongs to a deleted queue. Whoever finds no scheduler becomes it.
#: Returns -1 to all but the scheduler; to that one the ms until the next is due: 0 if it is now, -2 if none waits.
PROMOTE = (
    _NOW
    + """
local time = now()
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time, 'LIMIT', 0, ARGV[1])) do
  local queue, message = string.match(member, '^([^\\n]*)\\n[^\\n]*\\n(.*)$')
  if redis.call('SISMEMBER', KEYS[2], queue) == 1 then
    redis.call('XADD', ARGV[2] .. queue, '*', 'message', message)
  end
  redis.call('ZREM', KEYS[1], member)
end
if (redis.call('GET', KEYS[3]) or ARGV[3]) ~= ARGV[3] then return -1 end
redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return first[1] and math.max(0, tonumber(first[2]) - time) or -2
"""
)

#: KEYS scheduler. ARGV me.
RESIGN = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

#: KEYS stream. ARGV group, id. Whoever holds it: what is done is done.
ACK = """
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
"""

#: KEYS stream, dead. ARGV group, id, message, then as for bury. Nothing if another has settled the message already.
NACK = (
    _BURY
    + """
if #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) > 0 then
  bury(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7])
end
"""
)

#: KEYS dead, stream, queues. ARGV queue, id, message. Returns 1, or 0 if there is no such dead letter (any more).
REDRIVE = """
if #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) == 0 then return 0 end
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('XADD', KEYS[2], '*', 'message', ARGV[3])
return redis.call('XDEL', KEYS[1], ARGV[2])
"""

#: KEYS stream. ARGV group, consumer, ids... To the end of the queue in this order, save what another consumer holds.
REQUEUE = """
for index = 3, #ARGV do
  local id = ARGV[index]
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if entry and redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1, ARGV[2])[1] then
    redis.call('XADD', KEYS[1], '*', unpack(entry[2]))
    redis.call('XACK', KEYS[1], ARGV[1], id)
    redis.call('XDEL', KEYS[1], id)
  end
end
"""

#: KEYS stream, dead.
#: ARGV group, me, prefix of heartbeats' keys, limit, min idle in ms, max deliveries, then as for bury.
#: Gives me up to `limit` messages of consumers without a heartbeat, buries those that have been started too often, and
#: removes from the group such consumers as have nothing left. Returns {id, fields, deliveries} for each message.
#: JUSTID leaves the count of deliveries alone: only a start counts (see Streams.count_start), so that a message which
#: merely waited in a process that another message killed is not blamed for it.
TAKE_OVER = (
    _BURY
    + """
local stream, group, limit = KEYS[1], ARGV[1], tonumber(ARGV[4])
local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
local taken = {}
if consumers.err then return taken end  -- no such stream or group: reading heals that

local function settle(id, deliveries)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if not entry then
    redis.call('XACK', stream, group, id)
  elseif deliveries >= tonumber(ARGV[6]) then
    bury(stream, KEYS[2], group, id, entry[2][2], ARGV[7], ARGV[8], tonumber(ARGV[9]), ARGV[10])
  else
    redis.call('XCLAIM', stream, group, ARGV[2], 0, id, 'JUSTID')
    taken[#taken + 1] = {id, entry[2], deliveries}
  end
end

for _, info in ipairs(consumers) do
  local name, pending = info[2], info[4]  -- 'name', n, 'pending', p, ...
  if name ~= ARGV[2] and redis.call('EXISTS', ARGV[3] .. name) == 0 then
    if pending == 0 then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, name)
    elseif #taken < limit then
      local orphans = redis.call('XPENDING', stream, group, 'IDLE', ARGV[5], '-', '+', limit - #taken, name)
      for _, orphan in ipairs(orphans) do settle(orphan[1], orphan[4]) end
    end
  end
end
return taken
"""
)

#: KEYS stream, heartbeat. ARGV group, consumer. What it still has pending can be taken over from now on.
LEAVE = """
redis.call('DEL', KEYS[2])
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end
"""

#: KEYS stream, delayed. ARGV queue. How many messages are not done; looks at every delayed message: for tests.
UNDONE = """
local count = redis.call('XLEN', KEYS[1])
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if string.sub(member, 1, #ARGV[1] + 1) == ARGV[1] .. '\\n' then count = count + 1 end
end
return count
"""

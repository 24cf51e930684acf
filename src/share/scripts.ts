import type { RedisScript } from "./connection.ts";

function script(body: string): RedisScript {
	// Also when memory is full: what is noted here replaces what was there before, or is a few bytes.
	const text = `#!lua flags=allow-oom\n${body}`;
	return { text, sha: process.getBuiltinModule("node:crypto").hash("sha1", text) };
}

const common = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(x) return string.format('%.0f', x) end
local function read(text)
  local found = {}
  for number in string.gmatch(text or '', '%S+') do found[#found + 1] = tonumber(number) end
  return { granted = found[1] or 0, returned = found[2] or 0, spent = found[3] or 0, seq = found[4] or 0, till = found[5] or 0,
    sent = found[6] or 0, refused = found[7] or 0 }
end
local function write(members, id, e)
  redis.call('HSET', members, id, table.concat({ whole(e.granted), whole(e.returned), whole(e.spent), whole(e.seq), whole(e.till),
    whole(e.sent), whole(e.refused) }, ' '))
end
`;

/**
 * A shard says how it stands and asks for money. Everything that it says is a sum since it joined, so that nothing
 * changes when it is said twice, late, or to a Redis that has forgotten it; and money is given only for a number
 * (\`seq\`) that was not seen before. Amounts are whole nanodollars.
 *
 * A purse counts what was given out of one cap: \`committed\` is the sum over all shards of what each was granted less
 * what it gave back. Redis restarted, or has forgotten the run: nothing is given until \`calm\`, by when every shard that
 * lives has said again how it stands; and what they saw committed before (\`floor\`) and nobody claims stays taken (\`lost\`).
 *
 * Keys: run, members, views, a purse each. Arguments: server, member, label of which there is one ("": of any number),
 * the dead member whose label it takes over, seq, spent, granted, returned, need, want, ms that it counts as living, calm
 * ms, TTL in s, requests, refused ones, what all of them may send ("-": it is not for this one to say), view ("": only asks for money), then for each purse its cap (-1: none) and what was last seen committed.
 * Returns: state (ok, calm; wait: others hold money that may come back; none; taken: another lives under the label),
 * granted, living, rank, whether anybody is short of money, stop, requests of all shards and
 * refused ones (with a view), what all may send, committed of each purse.
 */
export const syncScript = script(`${common}
local run, members, views = KEYS[1], KEYS[2], KEYS[3]
local server, me, label, heir = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local seq, spent, granted, returned = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local need, want = tonumber(ARGV[9]), tonumber(ARGV[10])
local lives, calm_ms, ttl, view = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), ARGV[17]
local sent, refused = tonumber(ARGV[14]), tonumber(ARGV[15])

if label ~= '' then
  local holder = redis.call('HGET', run, 'shard ' .. label)
  if holder and holder ~= me and holder ~= heir and read(redis.call('HGET', members, holder)).till > now then
    return { 'taken', 0, 0, 0, 0, '', 0, 0, '', redis.call('HGET', views, holder) or '' }
  end
  if holder ~= me then redis.call('HSET', run, 'shard ' .. label, me) end
end

local about = redis.call('HMGET', run, 'server', 'calm', 'living', 'short', 'stop', 'stop_until', 'found')
local found = about[7] or ''
if ARGV[16] ~= '-' then
  found = ARGV[16]
  redis.call('HSET', run, 'found', found)
end
-- The purses of budgets outlive their month.
local budget_ttl = 40 * 86400
local calm = tonumber(about[2]) or 0
if about[1] ~= server then
  calm = now + calm_ms
  redis.call('HSET', run, 'server', server, 'calm', whole(calm))
  if not about[1] then redis.call('HSET', run, 'began', whole(now)) end
end

local purses = {}
for i = 4, #KEYS do
  local at = 18 + (i - 4) * 2
  local sums = redis.call('HMGET', KEYS[i], 'committed', 'lost', 'floor')
  purses[i - 3] = { key = KEYS[i], committed = tonumber(sums[1]) or 0, lost = tonumber(sums[2]) or 0,
    floor = tonumber(sums[3]) or 0, cap = tonumber(ARGV[at]), seen = tonumber(ARGV[at + 1]) }
end

local e = read(redis.call('HGET', members, me))
local declared, back = math.max(0, granted - e.granted), math.max(0, returned - e.returned)
e.granted, e.returned, e.spent = e.granted + declared, e.returned + back, math.max(e.spent, spent)
e.sent, e.refused = math.max(e.sent, sent), math.max(e.refused, refused)
for _, purse in ipairs(purses) do
  purse.committed = purse.committed + declared - back
  if declared > back then
    local found = math.min(purse.lost, declared - back)
    purse.lost, purse.committed = purse.lost - found, purse.committed - found
  end
  if now < calm then purse.floor = math.max(purse.floor, purse.seen)
  elseif purse.floor > 0 then
    if purse.floor > purse.committed then
      purse.lost, purse.committed = purse.lost + purse.floor - purse.committed, purse.floor
    end
    purse.floor = 0
  end
end

local living, rank = tonumber(about[3]) or 1, 0
local others_hold = false
local is_new = seq > e.seq
local asks = is_new and need + want > 0
local free
if asks then
  for _, purse in ipairs(purses) do
    if purse.cap >= 0 then free = math.min(free or math.huge, purse.cap - purse.committed) end
  end
end
local short_now = asks and need > 0 and free and free < need
if view ~= '' or short_now then
  living = lives > 0 and 1 or 0
  sent, refused = e.sent, e.refused
  local all = redis.call('HGETALL', members)
  for i = 1, #all, 2 do
    local other = read(all[i + 1])
    if all[i] ~= me then sent, refused = sent + other.sent, refused + other.refused end
    if all[i] ~= me and other.till > now then
      living = living + 1
      if all[i] < me then rank = rank + 1 end
      if other.granted - other.returned > other.spent then others_hold = true end
    end
  end
  redis.call('HSET', run, 'living', living)
end

local state = 'ok'
local short = tonumber(about[4]) or 0
if asks then
  if now < calm then state = 'calm'
  elseif short_now then
    state = others_hold and 'wait' or 'none'
    short = now + calm_ms
    redis.call('HSET', run, 'short', whole(short))
  elseif free then
    local given = math.floor(math.max(need, math.min(want, free / (2 * math.max(1, living))), 0))
    e.granted = e.granted + given
    for _, purse in ipairs(purses) do purse.committed = purse.committed + given end
  end
end

e.seq = math.max(e.seq, seq)
if is_new then e.till = now + lives end
write(members, me, e)
local reply = { state, e.granted, living, rank, short > now and 1 or 0, '', sent, refused, found }
for _, purse in ipairs(purses) do
  redis.call('HSET', purse.key, 'committed', whole(purse.committed), 'lost', whole(purse.lost), 'floor', whole(purse.floor))
  reply[#reply + 1] = purse.committed
end
if about[5] and tonumber(about[6] or 0) > now then reply[6] = about[5] end
if view ~= '' then
  redis.call('HSET', views, me, view)
  for i, key in ipairs(KEYS) do redis.call('EXPIRE', key, i > 4 and budget_ttl or ttl) end
end
return reply
`);

/**
 * Takes the lease of a shard that is known to be dead: all that it cannot have spent goes back.
 * Keys: members, a purse each. Arguments: member, the most that it may have spent.
 * Returns what went back.
 */
export const settleScript = script(`${common}
local id, most = ARGV[1], tonumber(ARGV[2])
local entry = redis.call('HGET', KEYS[1], id)
if not entry then return 0 end
local e = read(entry)
local back = math.max(0, e.granted - e.returned - most)
e.returned, e.spent, e.till = e.returned + back, math.max(e.spent, most), math.min(e.till, now)
write(KEYS[1], id, e)
for i = 2, #KEYS do
  local committed = tonumber(redis.call('HGET', KEYS[i], 'committed') or 0)
  redis.call('HSET', KEYS[i], 'committed', whole(math.max(0, committed - back)))
end
return back
`);

/**
 * Stops all shards; the first reason stays.
 * Keys: run. Arguments: reason as JSON, ms that it holds, TTL in s.
 */
export const stopScript = script(`${common}
if tonumber(redis.call('HGET', KEYS[1], 'stop_until') or 0) <= now then
  redis.call('HSET', KEYS[1], 'stop', ARGV[1], 'stop_until', whole(now + tonumber(ARGV[2])))
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return 1
`);

/**
 * How a run stands. Keys: run, members, views, purse.
 * Returns: when it began, the stop, what is committed, then for each shard whether it lives, granted, returned, spent, view.
 */
export const statusScript = script(`${common}
local about = redis.call('HMGET', KEYS[1], 'began', 'stop', 'stop_until')
local stop = tonumber(about[3] or 0) > now and about[2] or ''
local reply = { about[1] or '', stop, redis.call('HGET', KEYS[4], 'committed') or '0' }
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  local e = read(all[i + 1])
  local row = { e.till > now and 1 or 0, e.granted, e.returned, e.spent, redis.call('HGET', KEYS[3], all[i]) or '' }
  for _, field in ipairs(row) do reply[#reply + 1] = field end
end
return reply
`);

// What happens in Redis itself, each in one step and on one key.

// They are small and few (four a window), so they travel each time (EVAL): no script cache to lose at a restart or on a new node.

/** What has no end is no claim of ours. An owner may claim anew, also because clients may send a command twice when a connection breaks. */
export const claimScript = `
local owner = redis.call('GET', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if owner and owner ~= ARGV[1] and left > 0 then return left end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0`;

/** An ARGV[2] of 0: the claim is over. */
export const settleScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

/** Seconds, microseconds, the word and how long it stays. */
export const readScript = `
local time = redis.call('TIME')
return { time[1], time[2], redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1]) }`;

const isEnded = `local before = redis.call('GET', KEYS[1])
local ended = before and string.sub(before, 1, 5) == 'ended'`;

export const confirmScript = `
${isEnded}
if ended then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** AM's word that it knows the end lets it be forgotten earlier; nothing else does. */
export const endScript = `
${isEnded}
local word, left = ARGV[1], ARGV[2]
if ended and (before == word or before == 'ended 1') then
  word = before
  local standing = redis.call('PTTL', KEYS[1])
  if standing > tonumber(left) then left = standing end
end
redis.call('SET', KEYS[1], word, 'PX', left)
return 1`;

export const diedScript = `
${isEnded}
if ended then return 0 end
return redis.call('DEL', KEYS[1])`;

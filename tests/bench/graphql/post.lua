-- wrk -s post.lua URL -- BODIES TOKEN: POSTs the lines of a file in turn; in each, NNNNNNNN becomes a running number.
local requests, number, turn = {}, 0, 0

function init(args)
  local headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json" }
  if args[2] then headers["Authorization"] = "Bearer " .. args[2] end
  for body in io.lines(args[1]) do
    local text = wrk.format("POST", nil, headers, body)
    local from, to = text:find("NNNNNNNN", 1, true)
    requests[#requests + 1] = from and { text:sub(1, from - 1), text:sub(to + 1) } or { text }
  end
end

function request()
  turn = turn % #requests + 1
  local parts = requests[turn]
  if not parts[2] then return parts[1] end
  number = number + 1
  return parts[1] .. string.format("%08d", number) .. parts[2]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %d, "failed": %d, "p50_ms": %.4f, "p99_ms": %.4f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end

// Followers: N sockets of graphql-transport-ws in one process, which read frames without decoding their JSON.
// Told by lines on stdin, each a JSON object; answers with a line of JSON. Instants are CLOCK_MONOTONIC, ms.
import { createConnection } from "node:net";
import { createInterface } from "node:readline";

const { port, count, tokens, query, variables } = JSON.parse(process.env.FOLLOW);
const AT_ONCE = 50, PRICE = Buffer.from('"price":"'), QUOTE = 0x22;
const now = () => Number(process.hrtime.bigint()) / 1e6;
let ready = 0, closed = 0, retried = 0, refusal = null, isLive = false, heard = new Uint8Array(count), arrivals = new Map(), begun = 0;

function frame(opcode, payload) {
  const size = payload.length;
  const head = size < 126 ? Buffer.from([0x80 | opcode, 0x80 | size, 0, 0, 0, 0])
    : Buffer.from([0x80 | opcode, 0xfe, size >> 8, size & 255, 0, 0, 0, 0]);
  return Buffer.concat([head, payload]);    // Masked with zeros: the text stays as it is.
}
const say = (socket, message) => socket.write(frame(1, Buffer.from(JSON.stringify(message))));

function connect(number) {
  const socket = createConnection(port, "127.0.0.1");
  socket.setNoDelay(true);
  const state = { number, rest: null, isUpgraded: false, isReady: false };
  socket.on("connect", () => socket.write(
    `GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"));
  socket.on("data", (chunk) => receive(socket, state, chunk));
  socket.on("error", () => {});
  socket.on("close", () => {
    closed += 1;
    if (state.isReady) ready -= 1;
    if (!isLive) { retried += 1; setTimeout(() => connect(number), 500 + Math.random() * 1000); }
  });
}

function receive(socket, state, chunk) {
  let data = state.rest ? Buffer.concat([state.rest, chunk]) : chunk;
  let at = 0;
  if (!state.isUpgraded) {
    const end = data.indexOf("\r\n\r\n");
    if (end < 0) { state.rest = data; return; }
    state.isUpgraded = true;
    at = end + 4;
    const token = tokens[state.number % tokens.length];
    say(socket, { type: "connection_init", payload: { authorization: `Bearer ${token}` } });
  }
  while (data.length - at >= 2) {
    let size = data[at + 1] & 127, head = 2;
    if (size === 126) { if (data.length - at < 4) break; size = data.readUInt16BE(at + 2); head = 4; }
    if (data.length - at < head + size) break;
    took(socket, state, data[at] & 15, data, at + head, at + head + size);
    at += head + size;
  }
  state.rest = at < data.length ? data.subarray(at) : null;
}

function took(socket, state, opcode, data, from, to) {
  if (opcode === 9) { socket.write(frame(10, data.subarray(from, to))); return; }
  if (opcode !== 1) return;
  const price = data.indexOf(PRICE, from);
  if (price >= 0 && price < to) {
    const start = price + PRICE.length;
    const event = Math.round(Number(data.latin1Slice(start, data.indexOf(QUOTE, start))) * 1e4);
    heard[state.number] = 1;
    const seen = arrivals.get(event);
    if (seen) seen.push(now()); else arrivals.set(event, [now()]);
    return;
  }
  const message = JSON.parse(data.toString("utf8", from, to));
  if (message.type === "ping") say(socket, { type: "pong" });
  if (message.type === "error") {    // Such as a busy database while all come at once.
    retried += 1;
    refusal = message.payload[0].message;
    setTimeout(() => subscribe(socket), 500 + Math.random() * 1000);
  }
  if (message.type === "connection_ack") {
    subscribe(socket);
    state.isReady = true;
    ready += 1;
    next();
  }
}

const subscribe = (socket) => say(socket, { id: "1", type: "subscribe", payload: { query, variables } });
const next = () => { if (begun < count) connect(begun++); };
const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

// How events that were sent at given instants arrived.
function report(sent) {
  const latencies = [], firsts = [];
  let last = 0;
  for (const [event, at] of Object.entries(sent)) {
    const seen = arrivals.get(Number(event)) ?? [];
    for (const arrived of seen) { latencies.push(arrived - at); last = Math.max(last, arrived); }
    if (seen.length) firsts.push(seen[0] - at);
  }
  const sorted = Float64Array.from(latencies).sort();
  const first = percentile(Float64Array.from(firsts).sort(), 0.5);
  return {
    deliveries: sorted.length, last_ms: last, first_ms: first,
    p50_ms: percentile(sorted, 0.5), p99_ms: percentile(sorted, 0.99),
  };
}

const answers = {
  status: () => ({ ready, closed, retried, refusal, heard: heard.reduce((sum, one) => sum + one, 0) }),
  live: () => { arrivals = new Map(); closed = 0; isLive = true; return {}; },
  counted: ({ events }) => ({ deliveries: events.reduce((sum, event) => sum + (arrivals.get(event)?.length ?? 0), 0) }),
  report: ({ sent }) => report(sent),
};
for (let i = 0; i < Math.min(AT_ONCE, count); i++) next();
createInterface({ input: process.stdin }).on("line", (line) => {
  const told = JSON.parse(line);
  console.log(JSON.stringify(answers[told.ask](told)));
}).on("close", () => process.exit(0));

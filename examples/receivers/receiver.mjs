// A webhook receiver: checks the signature of every event, prints it, and answers an order. Node.js alone, no packages.
//
// node examples/receivers/receiver.mjs PORT SECRET

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

// An event that is older than this may be a recording that somebody plays again, ms.
const TOLERANCE = 300_000;

const [port, secret] = process.argv.slice(2);

// The key is the secret and the username header; the message is the body, byte by byte.
function isSigned(headers, body) {
  const [, bits] = /^HMAC-SHA(224|256|384|512)$/.exec(headers["x-warest-signature-alg"]) ?? [];
  if (!bits) return false;
  const signature = Buffer.from(String(headers["x-warest-signature"]).split("=")[1] ?? "");
  const key = secret + (headers["x-warest-username"] ?? "");
  const expected = Buffer.from(createHmac(`sha${bits}`, key).update(body).digest("hex"));
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

// By the time in the body, which is signed; that in the header is not.
function isFresh(event) {
  return Math.abs(Date.now() - event.ts) < TOLERANCE;
}

// What is to be done is in the answer: see docs/actions.md.
function answerTo({ event, data }) {
  if (event === "message_received" && data.text === "order") {
    return { actions: [{ type: "text", to: "{{sender.chatId}}", text: "Your order is in Node's hands" }] };
  }
  return { ok: true };
}

function answer(response, status, told) {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(told));
}

function refuse(response, reason) {
  console.log("REFUSED", reason);
  answer(response, 401, { ok: false, message: reason });
}

createServer(async (request, response) => {
  const { headers } = request;
  const body = await buffer(request);
  if (headers["x-warest-event"] === "preflight") return answer(response, 200, { ok: true, pong: true }); // are we here?
  if (!isSigned(headers, body)) return refuse(response, "Invalid signature");
  const event = JSON.parse(body);
  if (!isFresh(event)) return refuse(response, "Stale timestamp");
  // Answer first, work later: whoever does not answer in time gets the event again, under the same id.
  answer(response, 200, answerTo(event));
  // Behind express.json() the raw body is gone; JSON.stringify(request.body) is the same bytes.
  const again = isSigned(headers, JSON.stringify(event)) ? "ok" : "DIFFERS";
  const text = JSON.stringify(event.data.text || event.data.tags || "");
  console.log(event.event, event.data.eventId, "raw=ok", `rewritten=${again}`, text);
}).listen(port, "127.0.0.1");

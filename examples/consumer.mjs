// Reads every event from Redis instead of by webhook: in order, at least once, going on where it stopped.
//
// node examples/consumer.mjs REDIS_URL GROUP        (needs `npm install redis`)
//
// A group remembers how far it has read. Several processes of one group share the events; give each a name of its own.

import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "redis";

const STREAM = "warest:events";
const [url, group] = process.argv.slice(2);

// Your work. It may come again after a crash, under the same eventId: do it once.
function handle({ event, data }) {
  console.log(data.sessionId, event, data.eventId, data.text || data.tags || "");
}

// Names and values by turns.
function named(fields) {
  return Object.fromEntries(fields.flatMap((name, at) => (at % 2 ? [] : [[name, fields[at + 1]]])));
}

async function join(begin) {
  try {
    await client.xGroupCreate(STREAM, group, begin, { MKSTREAM: true });
  } catch (error) {
    if (!error.message.startsWith("BUSYGROUP")) throw error;
  }
  if (begin === "$") console.log("ready");
}

async function follow() {
  let cursor = "0"; // first what we had been given and had not finished when we stopped, then (">") what is new
  for (;;) {
    // In raw form: the library's own xReadGroup fails at an entry of which, trimmed meanwhile, only the id is left.
    const streams = await client.sendCommand([
      "XREADGROUP", "GROUP", group, os.hostname(), "COUNT", "100", "BLOCK", "0", "STREAMS", STREAM, cursor,
    ]);
    const entries = streams?.[0]?.[1] ?? [];
    if (!entries.length) cursor = ">";
    for (const [id, fields] of entries) {
      if (fields) handle(JSON.parse(named(fields).body));
      await client.xAck(STREAM, group, id);
      if (cursor !== ">") cursor = id;
    }
  }
}

const where = url.startsWith("unix://") ? { socket: { path: url.slice(7) } } : { url };
const client = createClient({ ...where, RESP: 2 });
client.on("error", (error) => console.error(error.message)); // it connects again by itself
await client.connect();
let begin = "$"; // from now on; "0" would begin with the oldest event that is still there
for (;;) {
  try {
    await join(begin);
    begin = "0"; // should the group be gone the next time, then all events have gone with it
    await follow();
  } catch (error) {
    console.error(error.message); // it restarts, or has lost the group
    await sleep(1000);
  }
}

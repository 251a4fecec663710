// What every file here begins with: a client of the stack whose address and key are in the environment.
'use strict';

const { OpenAI } = require('openai');
const shared = require('../shared.json');

const TIMEOUT_MILLISECONDS = 30_000; // for one call; the whole run is bounded by whoever starts it
const PATIENCE_MILLISECONDS = 20_000; // for a job that is running; each look is an HTTP call

let clients = 0;

/** A client with a key, and with it a tenant, of its own; what all keys begin with is KEY. */
function calling(options = {}) {
  clients += 1;
  const apiKey = `${process.env.KEY}-${process.pid}-${clients}`;
  return new OpenAI({ baseURL: `${process.env.REELAY}/v1`, apiKey, timeout: TIMEOUT_MILLISECONDS, ...options });
}

/** The request that all others are variations of. */
function ask(more = {}) {
  return { model: 'sora-2', messages: [{ role: 'user', content: shared.prompt }], ...more };
}

/** A list, read to the end of its last page. */
async function all(pages) {
  const found = [];
  for await (const each of pages) found.push(each);
  return found;
}

/** The ids of a list, in its order. */
async function ids(pages) {
  return (await all(pages)).map((each) => each.id);
}

/** The video once it is completed or failed. */
async function ended(client, id) {
  const deadline = Date.now() + PATIENCE_MILLISECONDS;
  while (Date.now() < deadline) {
    const video = await client.videos.retrieve(id);
    if (!['queued', 'in_progress'].includes(video.status)) return video;
  }
  throw new Error(`${id} is running still`);
}

module.exports = { ...shared, all, ask, calling, ended, ids };

// The API, asked with the key of this tab.

import { key } from "./session.js";

/** Where the API is: this file lies at studio/<version>/ below it, whatever stage or path is in front. */
export const BASE = new URL("../../", import.meta.url);

const TRIES = 6;
const LONGEST_WAIT_MS = 8000;
const LINK_MS = 4 * 60 * 1000; // a link lives for five minutes
const ASKED_AT_ONCE = 3; // a key of Reelay's own may make a few requests a second (KeyRate)

/** The API said no: `status`, `code`, and whether money may have been taken. */
export class Refused extends Error {
  constructor(status, error, charged) {
    super(error.message);
    Object.assign(this, { status, code: error.code, charged });
  }
}

/** No answer came, or it broke off. */
export class Lost extends Error {}

/** Wait so many ms, or until the browser says that it is connected again. */
export function pause(ms) {
  return new Promise((done) => {
    setTimeout(done, ms);
    addEventListener("online", done, { once: true });
  });
}

/** How long to wait before trying once more, in ms. */
export const backoff = (tries) => Math.min(LONGEST_WAIT_MS, 500 * 2 ** tries);

/** One request; the response when it went well. Throws Refused or Lost. */
export async function send(path, { method = "GET", body, headers = {} } = {}) {
  const told = { Authorization: `Bearer ${key()}`, ...headers };
  if (body) told["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(new URL(path, BASE), { method, headers: told, body: body && JSON.stringify(body) });
  } catch {
    throw new Lost();
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  const said = await response.json().catch(() => null);
  const error = said?.error ?? { message: `The answer was ${response.status}.`, code: null };
  const refused = new Refused(response.status, error, response.headers.get("x-should-retry") === "false");
  refused.wait = Number(response.headers.get("Retry-After")) * 1000;
  refused.location = response.headers.get("Location");
  return refused;
}

/** Whether reading again may help. */
export const passes = (error) =>
  error instanceof Lost || error.status === 429 || error.status >= 500 || error.code === "not_ready";

/** Read something, and again where that may help: reading costs nothing. The JSON, and the response. */
export async function read(path, most = TRIES) {
  for (let tries = 1; ; tries += 1) {
    try {
      const response = await send(path);
      return [await response.json().catch(lost), response];
    } catch (error) {
      if (!passes(error) || tries >= most) throw error;
      await pause(Math.max(error.wait || 0, backoff(tries)));
    }
  }
}

export const remove = (id) => send(`v1/videos/${id}`, { method: "DELETE" });

function lost() {
  throw new Lost();
}

const links = new Map();
const waiting = [];
let asking = 0;

/** A link to a file of a video ("video", "thumbnail"), asked for a few at a time. Throws Refused with status 404 when
 * there is none. With `fresh` an earlier one does not do. */
export async function link(id, variant, { fresh = false } = {}) {
  const name = `${id} ${variant}`;
  const known = links.get(name);
  if (known && !fresh && Date.now() < known.until) return known.url;
  if (asking >= ASKED_AT_ONCE) await new Promise((turn) => waiting.push(turn));
  asking += 1;
  try {
    const [{ url }] = await read(`v1/videos/${id}/content?variant=${variant}&redirect=false`);
    links.set(name, { url, until: Date.now() + LINK_MS });
    return url;
  } finally {
    asking -= 1;
    waiting.shift()?.();
  }
}

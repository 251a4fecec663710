// What this tab remembers while it is open: the key, and the videos it waits for. Nothing is kept anywhere else.

const KEY = "reelay.key";
const JOBS = "reelay.jobs";

const LONGEST_KEY = 4096; // characters; Reelay takes no longer one

/** What a bearer token may be made of (RFC 6750). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** The key that was typed, or null. */
export const key = () => sessionStorage.getItem(KEY);

export const isKey = (text) => TOKEN.test(text) && text.length <= LONGEST_KEY;

export const keepKey = (text) => sessionStorage.setItem(KEY, text);

/** Forget the key and everything that was asked for with it. */
export function forget() {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(JOBS);
}

/** The videos that were waited for when the page was left. */
export function jobs() {
  try {
    return JSON.parse(sessionStorage.getItem(JOBS) ?? "[]");
  } catch {
    return [];
  }
}

/** Remember these. A request too large to be remembered (it holds a picture) is left out. */
export function keepJobs(all) {
  for (const kept of [all, all.map((job) => ({ ...job, request: null }))]) {
    try {
      sessionStorage.setItem(JOBS, JSON.stringify(kept));
      return;
    } catch {
      continue; // more than the browser keeps, some 5 MB
    }
  }
}

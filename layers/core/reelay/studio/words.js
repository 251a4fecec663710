// What is shown of videos and jobs, in words.

const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

/** How long ago a Unix second was; a date where that is longer than a week. */
export function ago(seconds) {
  const past = Date.now() / 1000 - seconds;
  if (past > 7 * 86400) return new Date(seconds * 1000).toLocaleDateString("en", { dateStyle: "medium" });
  const [unit, length] = UNITS.find(([, each]) => past >= each) ?? [null, 1];
  return unit ? AGO.format(-Math.floor(past / length), unit) : "just now";
}

/** Bytes as people read them. */
export function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Minutes and seconds. */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const STATES = {
  sending: "Sending your request",
  queued: "Waiting in v98store’s queue",
  copying: "Made. Copying it to keep",
  completed: "Ready",
  failed: "It failed",
};

const NO_ANSWER = "No answer yet. Asking again under the same name, so that it is paid for once";

/** Where a job or a video stands. A `lost` one that has no id may never have been begun. */
export function state({ id, status, percent, progress, lost }) {
  if (lost) return id ? "Connection lost. It goes on without us; looking for it again" : NO_ANSWER;
  const done = percent ?? progress ?? 0;
  return STATES[status] ?? (done ? `Being made, ${done} %` : "Being made. How far is not told yet");
}

/** `a=b, c=d` as labels. Throws with words for what is none. */
export function labels(text) {
  const pairs = text.split(",").map((pair) => pair.trim()).filter(Boolean);
  if (pairs.length > 16) throw new Error("Labels: 16 at most.");
  return Object.fromEntries(pairs.map((pair) => {
    const [name, ...value] = pair.split("=");
    if (!name.trim() || !value.length) throw new Error("Labels look like project=trailer, with commas between them.");
    if (name.trim().length > 64 || value.join("=").length > 512) throw new Error("Labels: names of up to 64 characters, values of up to 512.");
    return [name.trim(), value.join("=").trim()];
  }));
}

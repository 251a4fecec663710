// One video in full: watched, remixed, downloaded, shown as code, deleted. Its address is #video_..., so that "back"
// closes it and a reload opens it again.

import { link, read, remove } from "./api.js";
import { showCode } from "./code.js";
import { $, dismissible, el, say, tell } from "./dom.js";
import { ago, size, state } from "./words.js";

const ID = /^#(video_[0-9a-z]{26})$/;
const ANOTHER_LINK_MS = 60_000; // a link that dies sooner is not dead of old age

let shown = null;
let forget = null; // what is called with the id of a video that is no more
let wish = ""; // what a remix that failed was to change

/** Set the viewer up; `remixed(video, prompt)` is called for what was wanted in it, `gone(id)` when a video is deleted
 * or was. Its `remixAgain(job)` opens the video that a job was to change, with its words to be changed. */
export function openViewer({ remixed, gone }) {
  forget = gone;
  dismissible($("viewer"), $("viewer-close"));
  $("viewer").addEventListener("close", leave);
  addEventListener("hashchange", follow);
  $("viewer-download").addEventListener("click", () => trying(download));
  $("viewer-code").addEventListener("click", () => trying(asCode));
  $("viewer-remix").addEventListener("click", () => remixing(true));
  $("remix-off").addEventListener("click", () => remixing(false));
  $("remix").addEventListener("submit", (event) => {
    event.preventDefault();
    const [video, prompt] = [shown, $("remix-prompt").value.trim()];
    if (!$("viewer").open) return; // the second of two clicks
    if (!prompt) {
      tell($("viewer-fault"), "Say what changes.");
      return;
    }
    $("viewer").close();
    $("remix-prompt").value = "";
    remixed(video, prompt);
  });
  $("viewer-delete").addEventListener("click", () => $("sure").showModal());
  $("sure-no").addEventListener("click", () => $("sure").close());
  $("sure-yes").addEventListener("click", () => {
    $("sure").close();
    trying(async () => {
      const { id } = shown;
      await remove(id);
      $("viewer").close();
      gone(id);
      $("gallery-title").focus(); // what was opened is no longer there
      say("Deleted");
    });
  });
  follow();
  const remixAgain = ({ of, prompt }) => {
    wish = prompt;
    location.hash = of;
  };
  return { remixAgain };
}

/** Open what the address names, or close. */
async function follow() {
  const id = ID.exec(location.hash)?.[1];
  if (!id) {
    $("viewer").close();
    return;
  }
  if (shown?.id === id && $("viewer").open) return;
  shown = { id };
  clear();
  if (!$("viewer").open) $("viewer").showModal();
  await trying(async () => {
    const [video] = await read(`v1/videos/${id}`).catch((error) => {
      if (error.status === 404) forget(id); // deleted elsewhere, as in another tab
      throw error;
    });
    if (shown.id !== id) return; // another one was opened meanwhile
    shown = video;
    show(video);
    if (wish) remixing(true);
    wish = "";
    await Promise.all([play(video), facts(video)]);
  });
}

function leave() {
  clear();
  shown = null;
  wish = "";
  if (ID.test(location.hash)) history.replaceState(null, "", location.pathname + location.search);
}

function clear() {
  $("viewer-stage").replaceChildren();
  $("viewer-title").textContent = "One moment";
  $("viewer-facts").replaceChildren();
  $("viewer-tools").hidden = true;
  remixing(false);
  tell($("viewer-fault"), "");
}

function show(video) {
  const done = video.status === "completed";
  $("viewer-title").textContent = video.prompt ?? "A video without a prompt";
  $("viewer-tools").hidden = false;
  $("viewer-remix").hidden = $("viewer-download").hidden = !done;
  if (!done) tell($("viewer-fault"), video.error?.message ?? `${state(video)}.`);
}

function remixing(on) {
  $("remix").hidden = !on;
  if (on && wish) $("remix-prompt").value = wish;
  if (on) $("remix-prompt").focus();
}

/** The video itself. Its link lives for minutes: when it has died, another one goes on at the same place. */
async function play(video) {
  if (video.status !== "completed") return;
  const player = el("video", { controls: true, playsInline: true, preload: "metadata", ariaLabel: video.prompt ?? "The video" });
  player.poster = await link(video.id, "thumbnail").catch(() => "");
  player.src = await link(video.id, "video");
  let since = Date.now();
  player.addEventListener("error", () => trying(async () => {
    if (Date.now() - since < ANOTHER_LINK_MS) throw new Error("This browser cannot play the file. Download it instead.");
    since = Date.now();
    const at = player.currentTime;
    player.src = await link(video.id, "video", { fresh: true });
    player.currentTime = at;
    await player.play();
  }));
  if (shown?.id === video.id) $("viewer-stage").replaceChildren(player);
}

async function facts(video) {
  const told = [["Model", video.model], ["Made", ago(video.created_at)]];
  if (video.remixed_from_video_id) {
    told.push(["Remix of", el("a", { href: `#${video.remixed_from_video_id}` }, "an earlier one")]);
  }
  if (video.status === "completed") {
    const [completion] = await read(`v1/chat/completions/${video.id}`);
    const file = completion.media?.find((each) => each.kind === "video");
    if (file?.size) told.push(["File", size(file.size)]);
    const labels = Object.entries(completion.metadata ?? {}).map(([name, value]) => `${name}=${value}`);
    if (labels.length) told.push(["Labels", labels.join(", ")]);
  }
  if (shown?.id === video.id) {
    $("viewer-facts").replaceChildren(...told.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  }
}

/** S3 answers the link as an attachment, so following it leaves the page where it is. */
async function download() {
  const anchor = el("a", { href: await link(shown.id, "video", { fresh: true }) });
  anchor.click();
  say("The download has begun");
}

async function asCode() {
  const [asked] = shown.status === "completed" ? await read(`v1/chat/completions/${shown.id}/messages?limit=100`) : [null];
  const messages = asked?.data.map(({ id, content_parts: parts, ...message }) => (parts ? { ...message, content: parts } : message));
  showCode({ model: shown.model, messages: messages ?? [{ role: "user", content: shown.prompt }], stream: true });
}

async function trying(what) {
  tell($("viewer-fault"), "");
  try {
    await what();
  } catch (error) {
    tell($("viewer-fault"), error.message || "No connection.");
    if (!$("viewer-facts").children.length) $("viewer-title").textContent = "This video cannot be shown";
  }
}

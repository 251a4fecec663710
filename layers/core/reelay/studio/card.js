// One video of the gallery.

import { link, passes, pause, read } from "./api.js";
import { el, whenNear } from "./dom.js";
import { ago, state } from "./words.js";

const ASK_AGAIN_MS = 4000;

/** A video of the list as an item of the gallery. It looks after itself while its video is not finished. */
export function card(video) {
  const frame = el("span", { class: "frame" });
  const words = el("span", { class: "words soft" });
  const what = el("a", { class: "prompt", href: `#${video.id}` }, video.prompt ?? "A video without a prompt");
  const item = el("li", { class: "card" }, frame, el("span", { class: "told" }, what, words));
  item.dataset.id = video.id;
  show(item, video);
  whenNear(item, () => (open(video) ? wait(item, video) : poster(frame, video)));
  return item;
}

const open = (video) => video.status === "queued" || video.status === "in_progress";

function show(item, video) {
  item.dataset.state = video.status;
  const words = video.status === "completed" ? ago(video.created_at) : state(video);
  item.querySelector(".words").textContent = `${words} · ${video.model}`;
}

async function wait(item, video) {
  let now = video;
  while (open(now) && item.isConnected) {
    await pause(ASK_AGAIN_MS);
    try {
      [now] = await read(`v1/videos/${video.id}`);
    } catch (error) {
      if (!passes(error)) return; // deleted meanwhile
    }
    show(item, now);
  }
  poster(item.querySelector(".frame"), now);
}

/** Its poster; its first frame where there is none. */
async function poster(frame, video) {
  if (video.status !== "completed") return;
  try {
    frame.replaceChildren(el("img", { src: await link(video.id, "thumbnail"), alt: "", decoding: "async" }));
  } catch {
    try {
      const src = `${await link(video.id, "video")}#t=0.1`;
      frame.replaceChildren(el("video", { src, preload: "metadata", muted: true, playsInline: true, tabIndex: -1, ariaHidden: "true" }));
    } catch (error) {
      frame.title = error.message; // the frame stays empty, and the viewer will say why
    }
  }
}

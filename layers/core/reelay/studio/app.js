// The studio: asks for the key once, then lets its parts know of each other.

import { BASE, read } from "./api.js";
import { openCode } from "./code.js";
import { openDesk, rewrite } from "./composer.js";
import { $, tell } from "./dom.js";
import { Gallery } from "./gallery.js";
import { JobCards } from "./job_cards.js";
import { Jobs } from "./jobs.js";
import { forget, isKey, keepKey, key } from "./session.js";
import { openViewer } from "./viewer.js";

const NO_KEY = "A key is letters, digits and . _ ~ + / - without spaces.";

function start() {
  $("docs-link").href = new URL("docs", BASE).href;
  $("contract-link").href = new URL("openapi.yaml", BASE).href;
  $("forget").addEventListener("click", () => {
    forget();
    location.replace(location.pathname); // nothing of what the key could see stays on the page
  });
  $("door-form").addEventListener("submit", (event) => {
    event.preventDefault();
    enter($("key").value.trim());
  });
  if (key()) open();
  else knock();
}

/** Ask for the key, and say what was wrong with the last one. */
function knock(fault) {
  $("door").hidden = false;
  tell($("door-fault"), fault);
  $("key").focus();
}

/** Try a key: whatever it may list, it may use. */
async function enter(typed) {
  if (!isKey(typed)) {
    knock(NO_KEY);
    return;
  }
  keepKey(typed);
  try {
    await read("v1/videos?limit=1", 2);
  } catch (error) {
    forget();
    knock(error.message || "No connection.");
    return;
  }
  $("key").value = "";
  $("door").hidden = true;
  open();
  $("prompt").focus();
}

function open() {
  $("who-key").textContent = `…${key().slice(-4)}`;
  $("who").hidden = false;
  $("studio").hidden = false;
  const cards = new JobCards({ again: rewrite, away: (job) => jobs.putAway(job) });
  const jobs = new Jobs((job) => {
    cards.show(job);
    if (job.video) gallery.add(job.video);
  });
  const gallery = new Gallery((id) => jobs.waits(id));
  openCode();
  openDesk((request, told) => jobs.start(request, told));
  openViewer({
    remixed: ({ id, model }, prompt) => jobs.start({ path: `v1/videos/${id}/remix`, body: { prompt } }, { prompt, model }),
    deleted: (id) => gallery.drop(id),
  });
  jobs.resume();
  gallery.reload();
}

start();

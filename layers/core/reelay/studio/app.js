// The studio: asks for the key once, then lets its parts know of each other.

import { BASE, read } from "./api.js";
import { openCode } from "./code.js";
import { openDesk } from "./composer.js";
import { $, tell } from "./dom.js";
import { Gallery } from "./gallery.js";
import { JobCards } from "./job_cards.js";
import { Jobs } from "./jobs.js";
import { acceptNoFiles } from "./picture.js";
import { forget, isKey, keepKey, key } from "./session.js";
import { openViewer } from "./viewer.js";

const OWN_MACHINE = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const NO_KEY = "A key is up to 4096 letters, digits and . _ ~ + / - without spaces.";

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
  acceptNoFiles();
  if (key()) open();
  else knock();
}

/** Ask for the key, and say what was wrong with the last one. */
function knock(fault) {
  $("door").hidden = false;
  $("door-local").hidden = !OWN_MACHINE.test(location.hostname);
  tell($("door-fault"), fault);
  $("key").focus();
}

/** Try a key: whatever it may list, it may use. One at a time, however often Enter is pressed. */
async function enter(typed) {
  if ($("come-in").ariaDisabled === "true") return;
  if (!isKey(typed)) {
    knock(NO_KEY);
    return;
  }
  keepKey(typed);
  trying(true);
  try {
    await read("v1/videos?limit=1", 2);
  } catch (error) {
    forget();
    knock(error.message || "No connection.");
    return;
  } finally {
    trying(false);
  }
  $("key").value = "";
  $("door").hidden = true;
  open();
  $("prompt").focus();
}

/** The button keeps the focus that a disabled one would lose. */
function trying(on) {
  $("come-in").ariaDisabled = String(on);
  $("come-in").textContent = on ? "One moment" : "Come in";
  if (on) tell($("door-fault"), "");
}

function open() {
  $("who-key").textContent = `…${key().slice(-4)}`;
  $("who").hidden = false;
  $("studio").hidden = false;
  const again = (job) => (job.of ? viewer.remixAgain(job) : desk.rewrite(job));
  const cards = new JobCards({ again, away: (job) => jobs.putAway(job) });
  const jobs = new Jobs((job) => {
    cards.show(job);
    if (job.video) gallery.add(job.video);
  });
  const gallery = new Gallery((id) => jobs.has(id));
  openCode();
  const ask = (request, told) => cards.reveal(jobs.start(request, told));
  const desk = openDesk(ask);
  const viewer = openViewer({
    remixed: ({ id, model }, prompt) => ask({ path: `v1/videos/${id}/remix`, body: { prompt } }, { prompt, model, of: id }),
    gone: (id) => {
      gallery.drop(id);
      cards.drop(id);
    },
  });
  jobs.resume();
  gallery.reload();
}

start();

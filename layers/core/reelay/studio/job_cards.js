// The cards of the videos that are being made: they change in place, so that nothing jumps and no focus is lost.

import { link } from "./api.js";
import { $, el, say } from "./dom.js";
import { clock, state } from "./words.js";

const SPOKEN_PERCENT = 25; // progress is said aloud in steps, not with every number
const CHARGED = "It may have cost money: asking again asks for another video.";

/** The cards of `jobs`; `again(job)` puts a failed one's prompt back onto the desk. */
export class JobCards {
  #cards = new Map();
  #again;
  #away;

  constructor({ again, away }) {
    this.#again = again;
    this.#away = away;
    setInterval(() => this.#cards.forEach((card, job) => this.#tick(card, job)), 1000);
  }

  /** Show a job as it is now. */
  show(job) {
    const card = this.#cards.get(job) ?? this.#made(job);
    const words = state(job);
    card.words.textContent = words;
    card.bar.hidden = Boolean(job.video || job.error);
    if (job.percent) card.bar.value = job.percent;
    else card.bar.removeAttribute("value");
    card.item.dataset.state = job.lost ? "lost" : job.status;
    card.number.textContent = job.percent && !job.error ? `${job.percent} %` : "";
    this.#aloud(card, job, words);
    if (job.video && !card.ended) this.#ready(card, job);
    if (job.error && !card.ended) this.#broken(card, job);
    this.#tick(card, job);
  }

  /** Where its progress is out of sight, as on a phone, scroll to it. */
  reveal(job) {
    this.#cards.get(job).item.scrollIntoView({ block: "nearest" });
  }

  /** No longer show a video that was deleted. */
  drop(id) {
    for (const [job, card] of this.#cards) if (job.id === id) this.#putAway(card, job);
  }

  #made(job) {
    const words = el("p", { class: "words" });
    const bar = el("progress", { max: 100, "aria-label": `Progress of: ${job.prompt}` });
    const number = el("span", { class: "number", ariaHidden: "true" });
    const frame = el("div", { class: "frame" }, number);
    const time = el("span", { class: "time soft", ariaHidden: "true" }, job.model);
    const more = el("div", { class: "tools" });
    const what = el("h3", { class: "prompt", tabIndex: -1 }, job.prompt);
    const item = el("li", { class: "job" }, frame, el("div", { class: "told" }, what, words, bar, time, more));
    const card = { item, words, bar, number, frame, time, more, what, ended: false, said: "" };
    this.#cards.set(job, card);
    $("jobs").prepend(item);
    $("jobs-section").hidden = false;
    return card;
  }

  #tick(card, job) {
    if (!card.ended) card.time.textContent = `${job.model} · ${clock(Date.now() - job.began)}`;
  }

  #aloud(card, job, words) {
    const step = job.status === "in_progress" ? Math.floor(job.percent / SPOKEN_PERCENT) : 0;
    const spoken = `${job.status} ${step} ${job.lost}`;
    if (spoken !== card.said) say(`${words}: ${job.prompt}`);
    card.said = spoken;
  }

  async #ready(card, job) {
    card.ended = true;
    const open = el("a", { class: "button main", href: `#${job.id}` }, "Open");
    card.more.replaceChildren(open, this.#awayButton(card, job));
    try {
      const video = el("video", { controls: true, playsInline: true, preload: "metadata", ariaLabel: job.prompt });
      video.src = await link(job.id, "video");
      card.frame.replaceChildren(video);
    } catch (error) {
      card.words.textContent = error.message;
    }
  }

  #broken(card, job) {
    card.ended = true;
    card.words.replaceChildren(el("strong", {}, "It failed. "), job.error, job.charged ? el("span", { class: "soft" }, ` ${CHARGED}`) : "");
    const again = el("button", { type: "button", class: "quiet", on: { click: () => this.#again(job) } }, "Change the prompt");
    card.more.replaceChildren(again, this.#awayButton(card, job));
  }

  #awayButton(card, job) {
    const away = () => {
      this.#putAway(card, job);
      $("prompt").focus();
    };
    return el("button", { type: "button", class: "quiet", on: { click: away } }, "Put away");
  }

  #putAway(card, job) {
    card.item.remove();
    this.#cards.delete(job);
    this.#away(job);
    $("jobs-section").hidden = !this.#cards.size;
  }
}

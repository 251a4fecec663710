// What was made: newest first, page by page as one scrolls, filtered by model and labels.

import { read } from "./api.js";
import { card } from "./card.js";
import { $, say, tell } from "./dom.js";
import { labels } from "./words.js";

const PAGE = 24;
const LOADING = "One moment";
const NONE = "Nothing yet. What you make shows up here.";
const NONE_SUCH = "Nothing here is of that model and those labels.";

/** The gallery; `hidden(id)` says which videos are shown elsewhere. */
export class Gallery {
  #after = null;
  #more = false;
  #loading = null;
  #round = 0; // goes up with each beginning, so that a page of the one before is known when it comes late
  #query = {};
  #hidden;

  constructor(hidden) {
    this.#hidden = hidden;
    $("gallery-more").addEventListener("click", () => this.#next());
    const near = new IntersectionObserver((entries) => entries.some((each) => each.isIntersecting) && this.#next(), {
      rootMargin: "600px",
    });
    near.observe($("gallery-more"));
    $("filter").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#filter();
    });
    $("filter").addEventListener("change", () => this.#filter());
  }

  /** Read it anew from its beginning. */
  async reload() {
    this.#round += 1;
    this.#after = null;
    this.#more = true;
    this.#loading = null;
    $("gallery").replaceChildren();
    tell($("gallery-none"), LOADING);
    await this.#next();
  }

  /** Show a video that was just finished, in front. */
  add(video) {
    if (Object.keys(this.#query).length) {
      this.reload(); // whether it belongs here is the API's to say
      return;
    }
    this.drop(video.id);
    $("gallery").prepend(card(video));
    tell($("gallery-none"), "");
  }

  /** No longer show one that was deleted. */
  drop(id) {
    $("gallery").querySelector(`[data-id="${CSS.escape(id)}"]`)?.remove();
    if (!$("gallery").children.length && !this.#more) tell($("gallery-none"), NONE);
  }

  #filter() {
    try {
      const model = $("by-model").value.trim();
      const wanted = Object.entries(labels($("by-labels").value)).map(([name, value]) => [`metadata[${name}]`, value]);
      this.#query = Object.fromEntries([...(model ? [["model", model]] : []), ...wanted]);
      tell($("gallery-fault"), "");
      this.reload();
    } catch (error) {
      tell($("gallery-fault"), error.message);
    }
  }

  /** The next page, unless one is on its way. */
  #next() {
    if (!this.#more || this.#loading) return this.#loading;
    const mine = this.#page();
    this.#loading = mine;
    return mine.finally(() => {
      if (this.#loading === mine) this.#loading = null;
      this.#again();
    });
  }

  /** A page may be shorter than the window is high: then nothing scrolls, and nobody would ask for more. */
  #again() {
    const near = $("gallery-more").getBoundingClientRect().top < innerHeight + 600;
    if (this.#more && !this.#loading && near) this.#next();
  }

  async #page() {
    const [round, query] = [this.#round, this.#query];
    const asked = new URLSearchParams({ limit: PAGE, ...query, ...(this.#after && { after: this.#after }) });
    const first = !this.#after;
    try {
      const [page] = await read(`v1/videos?${asked}`);
      if (round !== this.#round) return;
      this.#after = page.last_id;
      this.#more = page.has_more;
      $("gallery").append(...page.data.filter((video) => !this.#hidden(video.id)).map(card));
      this.#models(page.data);
      if (!first && page.data.length) say(`${page.data.length} more`);
      const filtered = Object.keys(query).length;
      tell($("gallery-none"), !this.#more && !$("gallery").children.length && (filtered ? NONE_SUCH : NONE));
    } catch (error) {
      this.#more = false;
      tell($("gallery-none"), "");
      tell($("gallery-fault"), error.message || "No connection. Reload the page to try again.");
    }
    $("gallery-more").hidden = !this.#more;
  }

  /** Offer the models that were used before. */
  #models(videos) {
    const known = new Set([...$("models").children].map((option) => option.value));
    for (const model of new Set(videos.map((video) => video.model))) {
      if (!known.has(model)) $("models").append(new Option(model, model));
    }
  }
}

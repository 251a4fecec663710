// The videos that this tab waits for. Each is asked for once: its request carries a name (Idempotency-Key), so that
// sending it again after a lost connection finds the first one and is not paid for twice.

import { Lost, Refused, backoff, passes, pause, read, send } from "./api.js";
import { Progress } from "./progress.js";
import { jobs as kept, keepJobs } from "./session.js";
import { texts } from "./stream.js";

const ID = /(?:chatcmpl-|video_)([0-9a-z]{26})/;
const POLL_MS = 2000;
const ORDER = ["sending", "queued", "in_progress", "copying", "completed", "failed"];
const LEFT = "The page was left before Reelay had answered. If the video was begun, it will be in the gallery.";

/** The jobs of this tab; `changed(job)` is called whenever one of them is not what it was. */
export class Jobs {
  #all = [];
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  /** Whether a video is shown as a job: it is waited for here, or it failed. */
  has(id) {
    return this.#all.some((job) => job.id === id && !job.video);
  }

  /** Go on with what was waited for when the page was left. */
  resume() {
    for (const job of kept()) this.#take(job);
  }

  /** Ask for a video: `request` is the path and body of the call, `of` the video that is remixed. The job. */
  start(request, { prompt, model, of = null }) {
    const name = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`; // only https and loopback have the first
    return this.#take({ name, id: null, request, prompt, model, of, began: Date.now(), status: "sending", percent: 0 });
  }

  /** No longer show one that has ended. */
  putAway(job) {
    this.#all = this.#all.filter((each) => each !== job);
    this.#keep();
  }

  #take(job) {
    this.#all.push(job);
    this.#tell(job, {});
    if (!job.error) this.#run(job);
    return job;
  }

  #tell(job, news) {
    Object.assign(job, news);
    this.#keep();
    this.#changed(job);
  }

  /** What is ready is in the gallery; what failed may be nowhere but here, and may have cost money. */
  #keep() {
    keepJobs(this.#all.filter((job) => !job.video).map(({ name, id, request, prompt, model, of, began, status, percent, error, charged }) =>
      ({ name, id, request: id && !error ? null : request, prompt, model, of, began, status, percent, error, charged })));
  }

  async #run(job) {
    for (let tries = 0; ; tries += 1) {
      try {
        if (!job.id) await this.#post(job);
        await this.#follow(job);
        return;
      } catch (error) {
        if (!(error instanceof Lost)) {
          this.#tell(job, { error: error.message, charged: Boolean(error.charged), status: "failed", lost: false });
          return;
        }
      }
      this.#tell(job, { lost: true });
      await pause(backoff(tries));
    }
  }

  /** Ask, and read along as long as the answer streams. */
  async #post(job) {
    if (!job.request) throw new Refused(0, { message: LEFT }, true);
    const { path, body } = job.request;
    let response;
    try {
      response = await send(path, { method: "POST", body, headers: { "Idempotency-Key": job.name } });
    } catch (error) {
      const running = error instanceof Refused && error.status === 409 && ID.exec(error.location ?? "");
      if (!running) throw error;
      this.#known(job, running); // begun before, and still on its way
      return;
    }
    this.#known(job, ID.exec(response.headers.get("Content-Location") ?? response.headers.get("Location") ?? ""));
    if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) return;
    const progress = new Progress();
    for await (const text of texts(response.body, (error) => new Refused(0, error, true))) {
      progress.feed(text);
      const { status, percent } = progress;
      if (status !== job.status || percent !== job.percent) this.#tell(job, { status, percent });
    }
    this.#tell(job, { status: "copying", percent: 100 });
  }

  #known(job, found) {
    if (!found) throw new Refused(0, { message: LEFT }, true);
    this.#tell(job, { id: `video_${found[1]}`, lost: false, ...(job.status === "sending" && { status: "queued" }) });
  }

  /** Read the record until it says how it ended. */
  async #follow(job) {
    for (;;) {
      const [video, response] = await read(`v1/videos/${job.id}`, 2).catch((error) => {
        throw passes(error) ? new Lost() : error;
      });
      const ended = { completed: { video }, failed: { error: video.error?.message ?? "The video failed.", charged: true } };
      const percent = Math.max(job.percent, video.progress);
      this.#tell(job, { status: further(job.status, video.status), percent, lost: false, ...ended[video.status] });
      if (ended[video.status]) return;
      await pause(Number(response.headers.get("openai-poll-after-ms")) || POLL_MS);
    }
  }
}

/** The state that is further on: the record is some seconds behind what has been read along. */
function further(known, told) {
  return ORDER[Math.max(ORDER.indexOf(known), ORDER.indexOf(told))];
}

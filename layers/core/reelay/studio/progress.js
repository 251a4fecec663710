// How far a video is, read out of the text that v98store streams. The house reads it in the same way (links.py).

const ECHO = "```json";
const ECHO_ENDS = "\n```";
const KEPT_CHARACTERS = 4096;

const QUEUED = /排队中|任务正在队列中/;
const RUNNING = /生成中/;
const DONE = /生成完成|视频生成成功/;
const GAUGE = /(?:进度|[Pp]rogress)[^\n]*/g;
const PERCENT = /(?<!\d)(\d{1,3})(?:\.\d{1,4})?(?= ?%|\.\.)/g;
const ORDER = ["queued", "in_progress", "copying"];

/** Reads a text that comes in pieces; `status` and `percent` only go forward. */
export class Progress {
  status = "queued";
  percent = 0;
  #text = "";
  #pastEcho = false;

  feed(piece) {
    this.#text += piece;
    if (!this.#pastEcho && !this.#leaveEcho()) return;
    this.#text = this.#text.slice(-KEPT_CHARACTERS);
    if (QUEUED.test(this.#text)) this.#advance("queued");
    if (RUNNING.test(this.#text)) this.#advance("in_progress");
    for (const [line] of this.#text.matchAll(GAUGE)) {
      for (const [, number] of line.matchAll(PERCENT)) this.#advance("in_progress", Number(number));
    }
    if (DONE.test(this.#text)) this.#advance("copying", 100);
  }

  /** The text begins with an echo of the request, which the caller wrote and which says nothing of progress. */
  #leaveEcho() {
    const said = this.#text.trimStart();
    if (said.length < ECHO.length && ECHO.startsWith(said)) return false;
    if (said.startsWith(ECHO)) {
      const end = said.indexOf(ECHO_ENDS, ECHO.length);
      if (end < 0) return false;
      this.#text = said.slice(end + ECHO_ENDS.length);
    }
    this.#pastEcho = true;
    return true;
  }

  #advance(status, percent = 0) {
    if (percent > 100) return;
    if (ORDER.indexOf(status) > ORDER.indexOf(this.status)) this.status = status;
    this.percent = Math.max(percent, this.percent);
  }
}

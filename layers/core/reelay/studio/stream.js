// Server-sent events out of a response's body (WHATWG HTML, section 9.2.6), as Reelay writes them.

import { Lost } from "./api.js";

const SILENCE_MS = 60_000; // Reelay says something every 20 seconds, if only that it is still there

/** The data of each event as it comes, as text. Throws Lost when the connection breaks or has gone dead. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await inTime(reader.read()).catch(lost);
    if (done) return;
    rest += value;
    const whole = rest.split("\n\n");
    rest = whole.pop();
    for (const event of whole) {
      const data = event.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length) yield data.map((line) => line.slice(5).trimStart()).join("\n");
    }
  }
}

/** What the chunks of a completion add to its text, one after the other. Throws Lost when the stream ends without
 * [DONE], and whatever `failed` makes of an error in it. */
export async function* texts(body, failed) {
  let whole = false;
  for await (const data of events(body)) {
    whole ||= data === "[DONE]";
    if (whole) continue; // nothing comes after it but the end
    const chunk = JSON.parse(data);
    if (chunk.error) throw failed(chunk.error);
    const delta = chunk.choices?.[0]?.delta ?? {};
    yield (delta.content ?? "") + (delta.reasoning_content ?? "");
  }
  if (!whole) throw new Lost();
}

function inTime(reading) {
  let timer;
  const silence = new Promise((_, failed) => {
    timer = setTimeout(failed, SILENCE_MS);
  });
  return Promise.race([reading, silence]).finally(() => clearTimeout(timer));
}

function lost() {
  throw new Lost();
}

// The desk: a prompt, perhaps a picture, a model and labels become a request.

import { showCode } from "./code.js";
import { $, tell } from "./dom.js";
import { acceptFiles, dataUrl } from "./picture.js";
import { labels } from "./words.js";

/** Set the desk up; `ask(request, {prompt, model})` is called for each video that is wanted. Its `rewrite(job)` puts a
 * job back onto the desk, to be changed. */
export function openDesk(ask) {
  let picture = null;

  const show = (url) => {
    picture = url;
    $("picture").hidden = !url;
    $("picture-shown").src = url ?? "";
    if (!url) $("picture-shown").removeAttribute("src");
    $("picture-on").textContent = url ? "Another picture" : "Add a picture";
  };
  const take = async (file) => {
    tell($("desk-fault"), "");
    try {
      show(await dataUrl(file));
    } catch (error) {
      tell($("desk-fault"), error.message);
    }
  };
  const wanted = () => {
    try {
      tell($("desk-fault"), "");
      return request($("prompt").value.trim(), picture, $("model").value.trim(), labels($("labels").value));
    } catch (error) {
      tell($("desk-fault"), error.message);
      return null;
    }
  };

  acceptFiles($("desk"), take);
  $("picture-on").addEventListener("click", () => $("picture-file").click());
  $("picture-off").addEventListener("click", () => {
    show(null);
    $("picture-on").focus();
  });
  $("picture-file").addEventListener("change", ({ target }) => {
    if (target.files[0]) take(target.files[0]);
    target.value = "";
  });
  $("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("desk").requestSubmit();
  });
  $("desk-code").addEventListener("click", () => {
    const asked = wanted();
    if (asked) showCode(asked.body);
  });
  $("desk").addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = wanted();
    if (!asked) return;
    const prompt = $("prompt").value.trim();
    $("prompt").value = "";
    show(null);
    $("prompt").focus();
    ask(asked, { prompt, model: asked.body.model }); // last, for it scrolls to the card where that is out of sight
  });
  const rewrite = ({ prompt, model, request: asked }) => {
    $("prompt").value = prompt;
    $("model").value = model;
    show(asked ? pictureOf(asked.body) : null);
    $("prompt").focus();
  };
  return { rewrite };
}

/** The data URL of the picture in a request, or null. */
function pictureOf({ messages: [{ content }] }) {
  return Array.isArray(content) ? content[1].image_url.url : null;
}

function request(prompt, picture, model, metadata) {
  if (!prompt) throw new Error("Say what the video shows.");
  const parts = [{ type: "text", text: prompt }, { type: "image_url", image_url: { url: picture } }];
  const message = { role: "user", content: picture ? parts : prompt };
  const body = { model, messages: [message], stream: true };
  if (Object.keys(metadata).length) body.metadata = metadata;
  return { path: "v1/chat/completions", body };
}

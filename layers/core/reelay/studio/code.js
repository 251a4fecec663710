// A request as code for other programs. The key is never in it.

import { BASE } from "./api.js";
import { $, dismissible, el } from "./dom.js";

const LONGEST_SHOWN = 200; // characters of a picture's data URL
const KINDS = { curl, Python: python, "Node.js": node };

let body = {};
let kind = "curl";

/** The body of a chat completion, in a dialog with its ways of being written. */
export function showCode(wanted) {
  body = wanted;
  write();
  $("code").showModal();
}

/** Set the dialog up. */
export function openCode() {
  dismissible($("code"), $("code-close"));
  for (const each of Object.keys(KINDS)) {
    const choose = () => {
      kind = each;
      write();
    };
    const radio = el("input", { type: "radio", name: "kind", checked: each === kind, on: { change: choose } });
    $("code-kinds").append(el("label", {}, radio, el("span", {}, each)));
  }
  $("code-copy").addEventListener("click", copy);
}

function write() {
  $("code-text").textContent = KINDS[kind](shortened());
  $("code-copy").textContent = "Copy";
}

async function copy() {
  const text = KINDS[kind](body);
  try {
    await navigator.clipboard.writeText(text);
    $("code-copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren($("code-text")); // no clipboard here: let the person copy it
  }
}

function shortened() {
  return JSON.parse(JSON.stringify(body), (_, value) =>
    typeof value === "string" && value.startsWith("data:") && value.length > LONGEST_SHOWN ? `${value.slice(0, 60)}…` : value);
}

const address = () => new URL("v1", BASE).href;

/** For a shell: single quotes hold everything but themselves. */
function curl(request) {
  const quoted = JSON.stringify(request, null, 2).replaceAll("'", "'\\''");
  return `curl -N '${address()}/chat/completions' \\
  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
  -d '${quoted}'`;
}

/** JSON but for true, false and null is Python; a string of JSON is one of Python's too. */
function python(request) {
  const fields = Object.entries(request).map(([name, value]) => `    ${name}=${literal(value)},`);
  return `import os
from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(address())}, api_key=os.environ["KEY"])
stream = client.chat.completions.create(
${fields.join("\n")}
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
client.videos.download_content(chunk.id).write_to_file("video.mp4")`;
}

function literal(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (value === null || typeof value !== "object") return value === null ? "None" : JSON.stringify(value);
  return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${literal(each)}`).join(", ")}}`;
}

function node(request) {
  return `import { writeFile } from "node:fs/promises";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(address())}, apiKey: process.env.KEY });
const stream = await client.chat.completions.create(${JSON.stringify(request, null, 2)});
let id;
for await (const chunk of stream) {
  id = chunk.id;
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}
const file = await client.videos.downloadContent(id);
await writeFile("video.mp4", Buffer.from(await file.arrayBuffer()));`;
}

// The picture that a video begins with: chosen, dropped or pasted, and made smaller where it is large.

const LARGE_BYTES = 1_000_000; // as a data URL in JSON it grows by a third; a call carries 6 MB in all
const EDGE_PIXELS = 1920;
const QUALITY = 0.88;

/** A picture file as a data URL. Throws with words for what is none. */
export async function dataUrl(file) {
  if (!/^image\/(png|jpeg|webp|gif)$/.test(file.type)) throw new Error("A picture is a PNG, JPEG, WebP or GIF file.");
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("This picture cannot be read.");
  });
  return read(file.size > LARGE_BYTES ? await smaller(bitmap) : file);
}

function smaller(bitmap) {
  const scale = Math.min(1, EDGE_PIXELS / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}

function read(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(new Error("This picture cannot be read."));
    reader.readAsDataURL(blob);
  });
}

/** Call `took(file)` for what is dropped on a place or pasted into it. */
export function acceptFiles(place, took) {
  const first = (transfer) => [...(transfer?.files ?? [])][0];
  const marked = (on) => (event) => {
    if (!hasFiles(event)) return; // a text that is dragged into the prompt
    event.preventDefault();
    place.classList.toggle("over", on);
  };
  place.addEventListener("dragover", marked(true));
  place.addEventListener("dragleave", marked(false));
  place.addEventListener("drop", (event) => {
    marked(false)(event);
    if (first(event.dataTransfer)) took(first(event.dataTransfer));
  });
  place.addEventListener("paste", (event) => {
    if (!first(event.clipboardData)) return;
    event.preventDefault();
    took(first(event.clipboardData));
  });
}

const hasFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));

/** A file that is dropped beside its place would take the browser to it, and away from here. */
export function acceptNoFiles() {
  for (const event of ["dragover", "drop"]) addEventListener(event, (each) => hasFiles(each) && each.preventDefault());
}

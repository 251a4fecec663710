// The document, without HTML: whatever comes from outside is text and stays text.

/** The element of the page that has this id. */
export const $ = (id) => document.getElementById(id);

/** A new element. Of its properties `class`, `on` (listeners by event) and what an element has are set, the rest are
 * attributes; children are elements or texts, and those that are not there are left out. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (name === "class") {
      made.className = value;
    } else if (name in made) {
      made[name] = value;
    } else {
      made.setAttribute(name, value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Show a text in a place that is hidden while it has none. */
export function tell(place, text) {
  place.textContent = text ?? "";
  place.hidden = !text;
}

/** Say something to whoever listens instead of looking. The same words twice are said twice. */
export function say(text) {
  const place = $("said");
  place.textContent = "";
  requestAnimationFrame(() => {
    place.textContent = text;
  });
}

/** Whenever an element comes near the window, once. */
export function whenNear(element, then) {
  const watch = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        watch.disconnect();
        then();
      }
    },
    { rootMargin: "300px" },
  );
  watch.observe(element);
}

/** A dialog that a click beside it closes too. */
export function dismissible(dialog, closer) {
  closer.addEventListener("click", () => dialog.close());
  dialog.addEventListener("pointerdown", ({ target, clientX: x, clientY: y }) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    if (target === dialog && (x < left || x > right || y < top || y > bottom)) dialog.close();
  });
}

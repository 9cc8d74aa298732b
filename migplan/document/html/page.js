// The page can be read without this: it filters the list of tables, marks where the reader is, and copies SQL.
"use strict";

const nav = document.querySelector("nav");
const filter = document.getElementById("filter");
const found = document.getElementById("found");
const entries = [...nav.querySelectorAll("details li")];
document.getElementById("filtering").hidden = false;

function narrow() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const entry of entries) {
    const text = entry.textContent.toLowerCase();
    entry.hidden = !words.every((word) => text.includes(word));
    shown += entry.hidden ? 0 : 1;
  }
  for (const group of nav.querySelectorAll("details")) {
    group.hidden = words.length > 0 && !group.querySelector("li:not([hidden])");
    if (words.length) group.open = true;
  }
  found.textContent = words.length ? `${shown} of ${entries.length}` : "";
}
filter.addEventListener("input", narrow);
filter.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { filter.value = ""; narrow(); }
  if (event.key === "Enter") nav.querySelector("details:not([hidden]) li:not([hidden]) a")?.click();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    filter.focus();
  }
});

const links = new Map([...nav.querySelectorAll("a[href]")].map((a) => [a.getAttribute("href").slice(1), a]));
let here = null;
const watcher = new IntersectionObserver((seen) => {
  for (const one of seen) {
    const link = one.isIntersecting && links.get(one.target.id);
    if (!link || link === here) continue;
    here?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    link.scrollIntoView({ block: "nearest" });
    here = link;
  }
}, { rootMargin: "-10% 0px -85% 0px" });
for (const part of document.querySelectorAll("main > [id]")) watcher.observe(part);

for (const block of document.querySelectorAll("pre.sql")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = block.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(block.querySelector("code"));
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  block.append(button);
}

let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("main details:not([open])")];
  for (const one of closed) one.open = true;
});
addEventListener("afterprint", () => { for (const one of closed) one.open = false; });

"use strict";

const root = document.currentScript.dataset.root;

// Light or dark: what the reader chose, else what the system says.
document.querySelector(".theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme
    ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem("theme", next); } catch {}
});

const menu = document.querySelector(".menu");
menu?.addEventListener("click", () => {
  const isOpen = document.body.classList.toggle("with-menu");
  menu.setAttribute("aria-expanded", String(isOpen));
});
const here = document.querySelector(".side [aria-current]");
if (here) {
  const side = document.querySelector(".side");
  side.scrollTop = Math.max(0, here.offsetTop - side.clientHeight / 2);
}

// A button on each block of code. The prompts and the output of a session are not copied.
for (const block of document.querySelectorAll("main pre")) {
  if (block.matches(".declaration, .command")) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const typed = [...block.querySelectorAll(".c-prompt + b")].map((line) => line.textContent).join("\n");
    await navigator.clipboard.writeText(typed || block.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  const holder = document.createElement("div");
  holder.className = "code";
  block.replaceWith(holder);
  holder.append(block, button);
}

// The heading that is being read, in the contents.
const entries = new Map([...document.querySelectorAll(".contents a")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]));
if (entries.size) {
  const marks = [...entries.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  let queued = false;
  const mark = () => {
    queued = false;
    let current = marks[0];
    for (const heading of marks) if (heading.getBoundingClientRect().top < 120) current = heading;
    for (const [id, entry] of entries) entry.classList.toggle("here", id === current?.id);
  };
  addEventListener("scroll", () => { if (!queued) { queued = true; requestAnimationFrame(mark); } }, {passive: true});
  mark();
}

// The search. Its index is loaded when the reader first comes to it.
const input = document.querySelector(".search input");
const results = document.querySelector(".search .results");
let loading;
function loadIndex() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}/assets/search.js`;
    script.onload = () => resolve(window.searchIndex.map((entry) => ({
      entry, title: entry[0].toLowerCase(), all: `${entry[0]} ${entry[1]} ${entry[4]}`.toLowerCase(),
    })));
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

// Members have common words as names: they come behind the pages that explain the word.
const explains = new Set(["module", "page", "section", "struct", "class", "protocol", "enum", "actor"]);
const weight = {module: 30, page: 22, struct: 20, class: 20, protocol: 20, enum: 18, actor: 18, section: 12};
function score(item, words) {
  let sum = 0;
  for (const word of words) {
    const at = item.title.indexOf(word);
    if (at === 0) sum += item.title.length === word.length ? 120 : 60;
    else if (at > 0) sum += /[a-z]/.test(item.entry[0][at - 1]) && !/[A-Z]/.test(item.entry[0][at]) ? 20 : 40;
    else if (item.all.includes(word)) sum += 8;
    else return 0;
  }
  if (!explains.has(item.entry[3])) sum /= 2;
  return sum + (weight[item.entry[3]] ?? 5) - item.title.length / 20;
}

// Pages in the reader's language come first.
const readsChinese = document.documentElement.lang.startsWith("zh");
function isInOtherLanguage(item) { return /(^zh\/|-zh\.html)/.test(item.entry[2]) !== readsChinese && !item.entry[2].startsWith("api/"); }

let chosen = -1;
function choose(next) {
  const links = [...results.querySelectorAll("a")];
  if (!links.length) return;
  chosen = (next + links.length) % links.length;
  links.forEach((link, i) => link.classList.toggle("chosen", i === chosen));
  links[chosen].scrollIntoView({block: "nearest"});
}

async function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  results.hidden = !words.length;
  if (!words.length) return;
  let index;
  try {
    index = await loadIndex();
  } catch {
    results.textContent = "The index of the search cannot be loaded.";
    return;
  }
  const found = index.map((item) => [score(item, words), item.entry, isInOtherLanguage(item)]).filter(([points]) => points > 0)
    .sort((a, b) => a[2] - b[2] || b[0] - a[0]).slice(0, 20);
  results.replaceChildren(...found.map(([, [title, context, address, kind, text]]) => {
    const link = document.createElement("a");
    link.href = `${root}/${address}`;
    const head = document.createElement("span");
    head.className = `found k-${kind.replace(".", "-")}`;
    head.textContent = title;
    const where = document.createElement("span");
    where.className = "where";
    where.textContent = context;
    const line = document.createElement("span");
    line.className = "line";
    line.textContent = text.slice(0, 120);
    link.append(head, where, line);
    return link;
  }));
  if (!found.length) results.textContent = "Nothing found.";
  chosen = -1;
  choose(0);
}

input.addEventListener("focus", () => { loadIndex().catch(() => {}); });
input.addEventListener("input", search);
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Enter") {
    results.querySelector(".chosen")?.click();
  } else if (event.key === "Escape") {
    results.hidden = true;
    input.blur();
  }
});
results.addEventListener("click", () => { results.hidden = true; });
addEventListener("click", (event) => { if (!event.target.closest(".search")) results.hidden = true; });
addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, textarea") && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    input.focus();
    input.select();
  }
});
if (new URLSearchParams(location.search).has("q")) {
  input.value = new URLSearchParams(location.search).get("q");
  search();
}

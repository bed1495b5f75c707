// SPDX-License-Identifier: MPL-2.0
// The search, and the menu of narrow screens. The index is loaded when somebody searches.
"use strict";
(() => {
  const up = document.currentScript.dataset.up;
  const field = document.getElementById("search");
  const found = document.getElementById("found");
  const menu = document.querySelector(".menu");
  if (matchMedia("(max-width: 800px)").matches) menu.open = false;

  let loading = null;
  const load = () => loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = up + "search.js";
    script.onload = () => done(window.serverlinkSearch);
    script.onerror = failed;
    document.head.append(script);
  });

  const marked = (text, words) => {
    const part = document.createDocumentFragment();
    const lower = text.toLowerCase();
    let at = 0;
    while (at < text.length) {
      let next = text.length, length = 0;
      for (const word of words) {
        const here = lower.indexOf(word, at);
        if (here >= 0 && here < next) { next = here; length = word.length; }
      }
      part.append(text.slice(at, next));
      if (length) {
        const mark = document.createElement("mark");
        mark.textContent = text.slice(next, next + length);
        part.append(mark);
      }
      at = next + length;
    }
    return part;
  };

  const show = async () => {
    const words = field.value.toLowerCase().split(/\s+/).filter((word) => word.length > 1);
    if (!words.length) { found.hidden = true; return; }
    const index = await load();
    const hits = [];
    for (const [title, url, text] of index) {
      const name = title.toLowerCase(), body = text.toLowerCase();
      let points = 0;
      for (const word of words) {
        if (name === word || name.endsWith("::" + word)) points += 30;
        else if (name.includes(word)) points += 10;
        else if (body.includes(word)) points += 1;
        else { points = 0; break; }
      }
      if (points) hits.push([points, title, url, text]);
    }
    hits.sort((a, b) => b[0] - a[0]);
    found.replaceChildren();
    for (const [, title, url, text] of hits.slice(0, 40)) {
      const line = document.createElement("p"), link = document.createElement("a"), small = document.createElement("small");
      link.href = up + url;
      link.append(marked(title, words));
      const at = Math.max(0, Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).filter((n) => n >= 0), 1e9));
      const from = at === 1e9 ? 0 : Math.max(0, at - 60);
      small.append(marked((from ? "…" : "") + text.slice(from, from + 180), words));
      line.append(link, small);
      found.append(line);
    }
    if (!hits.length) found.textContent = "Nothing was found.";
    found.hidden = false;
  };

  field.addEventListener("input", show);
  field.addEventListener("focus", show);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") { found.hidden = true; field.blur(); }
    else if (event.key === "/" && document.activeElement !== field) { field.focus(); event.preventDefault(); }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#found a") || !event.target.closest("#found, .search")) found.hidden = true;
  });
})();

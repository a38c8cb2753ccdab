"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const examples = JSON.parse(at("examples").textContent);
  const request = at("request"), status = at("status"), answer = at("answer");
  const SHOWN = 20000;
  // Behind a prefix that was opened without its last slash, relative addresses would leave it.
  const base = new URL(location.pathname.replace(/\/?$/, "/"), location.origin);
  const texts = Object.fromEntries(Object.entries(examples).map(([key, one]) => [key, one.body]));
  let asked = 0;

  const chosen = () => document.querySelector("input[name=protocol]:checked").value;
  const address = () => new URL("." + examples[chosen()].path, base).href;

  const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";
  // In JSON a line can only end where white space means nothing.
  const oneLine = (text) => text.trim().replace(/,\s*\n\s*/g, ", ").replace(/\s*\n\s*/g, "");

  function showCurl() {
    const url = /^[\w:/.~@%\[\]-]+$/.test(address()) ? address() : quoted(address());
    at("curl").textContent = "curl " + url + " -H 'Content-Type: application/json' --data-raw " + quoted(oneLine(request.value));
    at("copied").textContent = "";
  }

  function showProtocol() {
    request.value = texts[chosen()];
    request.rows = Math.min(Math.max(request.value.split("\n").length + 1, 5), 20);
    at("where").textContent = "POST " + new URL(address()).pathname;
    showCurl();
  }

  function say(kind, head, words, body) {
    status.className = kind;
    status.replaceChildren();
    const strong = document.createElement("strong");
    strong.textContent = head;
    status.append(strong, words);
    answer.hidden = body === "";
    answer.textContent = body.length > SHOWN ? body.slice(0, SHOWN) + "\n… and " + (body.length - SHOWN) + " characters more" : body;
  }

  function reason(body) {
    try {
      const said = JSON.parse(body);
      const words = said.message || said.error;
      return typeof words === "string" ? words : "";
    } catch {
      return "";
    }
  }

  function took(milliseconds) {
    return (milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0)) + " ms";
  }

  async function ask() {
    const mine = ++asked;
    const late = setTimeout(() => say("", "Waiting", "for the answer …", ""), 300);
    const started = performance.now();
    try {
      const response = await fetch(address(), {
        method: "POST", headers: {"Content-Type": "application/json"}, body: request.value, cache: "no-store",
      });
      const body = await response.text();
      const time = took(performance.now() - started);
      if (mine !== asked) return;
      const head = (response.status + " " + response.statusText).trim();
      if (response.ok) say("good", head, time, body);
      else say("bad", head, (reason(body) || "The server gives no reason.") + " (" + time + ")", body);
    } catch {
      if (mine === asked) say("bad", "No answer", "The server cannot be reached. Is it still running?", "");
    } finally {
      clearTimeout(late);
    }
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(at("curl").textContent);
      at("copied").textContent = "Copied.";
    } catch { // browsers give the clipboard to https and localhost only
      getSelection().selectAllChildren(at("curl"));
      at("copied").textContent = "Selected; copy it with the keyboard.";
    }
  }

  at("try").addEventListener("submit", (event) => { event.preventDefault(); ask(); });
  at("reset").addEventListener("click", () => {
    texts[chosen()] = examples[chosen()].body;
    showProtocol();
  });
  at("copy").addEventListener("click", copy);
  request.addEventListener("input", () => { texts[chosen()] = request.value; showCurl(); });
  request.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); ask(); }
  });
  for (const radio of document.querySelectorAll("input[name=protocol]")) radio.addEventListener("change", showProtocol);
  for (const link of document.querySelectorAll("nav a")) link.href = new URL(link.getAttribute("href"), base).href;
  showProtocol();
})();

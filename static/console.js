// Makes the staff console quicker; every page works without it.
const $ = (id) => document.getElementById(id);
document.documentElement.classList.add("scripted");

// --- Keys -----------------------------------------------------------------
const rows = [...document.querySelectorAll("[data-row]")];
const keys = $("keys");
const single = $("single-keys");
const KEEP = "vouchline.single-keys";

if (single) {
  single.checked = localStorage.getItem(KEEP) !== "off";
  single.addEventListener("change", () => localStorage.setItem(KEEP, single.checked ? "on" : "off"));
}

function step(by) {
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  const next = document.querySelector(".next [data-row]");
  const from = at >= 0 ? at + by : Math.max(0, rows.indexOf(next));
  rows[Math.min(rows.length - 1, Math.max(0, from))].focus();
}

function go(address) {
  if (address) location.assign(address);
}

const acts = {
  n: () => go(document.body.dataset.new),
  d: () => go(document.body.dataset.day),
  w: () => go(document.body.dataset.week),
  "[": () => go(document.querySelector("a[rel=prev]")?.href),
  "]": () => go(document.querySelector("a[rel=next]")?.href),
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  "?": () => keys && keys.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, dialog");
  if (typing || event.ctrlKey || event.altKey || event.metaKey || !keys) return;
  const arrow = event.key.startsWith("Arrow");
  if ((arrow && !rows.length) || !(event.key in acts)) return;
  if (single && !single.checked && !arrow && event.key !== "?") return;
  event.preventDefault();
  acts[event.key]();
});

// --- Forms ----------------------------------------------------------------
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = $(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  });
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
for (const form of document.querySelectorAll("[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-once]")) delete form.dataset.sent;
});
for (const id of ["on", "at"]) {
  const field = $(id);
  if (field && $("slot-other")) field.addEventListener("input", () => { $("slot-other").checked = true; });
}

const wrong = document.querySelector("[aria-invalid]:not([type=hidden])");
if (wrong) wrong.focus();

// --- The demo's codes on the sign-in page ----------------------------------
const codes = $("demo-codes");
if (codes) {
  setInterval(async () => {
    try {
      const answer = await fetch(codes.dataset.source);
      if (answer.ok) codes.innerHTML = await answer.text();
    } catch { /* the next try is a second away */ }
  }, 2000);
}

// --- A call's card: how the call stands, without a reload -------------------
const call = document.querySelector("[data-live]");
if (call) follow(call);

// Loads the card again; an outcome that was ticked stays ticked.
const TICKED = "vouchline.outcome";
function again() {
  const ticked = document.querySelector("input[name=outcome]:checked");
  if (ticked) sessionStorage.setItem(TICKED, `${location.pathname} ${ticked.id}`);
  location.reload();
}
if (call) {
  const [path, id] = (sessionStorage.getItem(TICKED) || "").split(" ");
  sessionStorage.removeItem(TICKED);
  if (path === location.pathname && $(id)) $(id).checked = true;
}

function follow(panel) {
  const quick = panel.dataset.state !== "booked";
  const usual = quick ? 500 : 3000;
  let pause = usual;
  let ahead = Date.parse(panel.dataset.now) - Date.now(); // the server's clock counts
  let kept = Date.now();
  let dead = false;

  async function ask() {
    const keep = Date.now() - kept > 60000;
    const limit = AbortSignal.timeout(5000);
    let answer;
    try {
      answer = await fetch(panel.dataset.live + (keep ? "?keep=1" : ""), { signal: limit });
      if (answer.status === 401) return signedOut();
      if (answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
      if (keep) kept = Date.now();
      lost(false);
      pause = usual;
    } catch {
      lost(true);
      pause = Math.min(pause * 2, 8000);
    }
    if (panel.dataset.live) setTimeout(ask, pause);
  }

  function show(now) {
    ahead = Date.parse(now.now) - Date.now();
    if (now.state === "confirmed" && panel.dataset.state === "started") return confirmed(now);
    const startable = panel.dataset.startable === "true";
    if (now.state !== panel.dataset.state || (now.state === "booked" && now.can_start !== startable)) {
      panel.dataset.live = "";
      return again();
    }
    if ((panel.dataset.call || null) !== now.call) {
      panel.dataset.live = "";
      return again();
    }
    if (now.state === "started") tries(now.tries_left);
  }

  function tries(left) {
    const line = $("tries");
    line.textContent = left ? line.dataset.some.replace("{n}", left) : line.dataset.none;
    line.classList.toggle("bad", !left);
    if (!left && !dead) $("announce").textContent = $("announce").dataset.dead;
    dead = !left;
  }

  function confirmed(now) {
    panel.dataset.state = "confirmed";
    panel.className = "panel confirmed";
    $("reply-word").textContent = now.reply_word;
    $("confirmed-how").textContent = `${now.channel_word}, ${now.confirmed_time}`;
    $("waiting").hidden = true;
    $("code-box").hidden = true;
    $("new-code").hidden = true;
    $("confirmed").hidden = false;
    const state = $("state").firstElementChild;
    state.className = "state confirmed";
    state.replaceChildren(document.querySelector("#confirmed .icon").cloneNode(true), now.state_word);
    $("announce").textContent = $("announce").dataset.confirmed.replace("{word}", now.reply_word);
  }

  function lost(is) {
    const line = $("lost");
    if (line) line.hidden = !is;
  }

  function signedOut() {
    panel.dataset.live = "";
    lost(false);
    if ($("signed-out")) $("signed-out").hidden = false;
    if ($("code-box")) $("code-box").hidden = true;
  }

  function countdown() {
    const line = document.querySelector("[data-countdown]");
    if (!line) return;
    const left = Math.ceil((Date.parse(line.dataset.countdown) - Date.now() - ahead) / 1000);
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    line.textContent = left > 0 ? line.dataset.left.replace("{left}", clock) : "";
    $("code").hidden = line.parentElement.hidden = left <= 0;
    $("run-out").hidden = left > 0;
  }

  setTimeout(ask, usual);
  if (quick) {
    countdown();
    setInterval(countdown, 1000);
  }
}

// Keeps the simulated phone's texts fresh; the page works without it by reloading.
const thread = document.getElementById("thread");
const toEnd = () => { thread.scrollTop = thread.scrollHeight; };
let shown = thread.innerHTML.trim();

const incoming = document.getElementById("incoming");
let ringing = incoming.innerHTML.trim();

async function listen() {
  const answer = await fetch(incoming.dataset.source);
  const now = answer.ok ? (await answer.text()).trim() : ringing;
  if (now !== ringing) {
    ringing = now;
    incoming.innerHTML = now;
  }
}

async function refresh() {
  try {
    await listen();
    const answer = await fetch(thread.dataset.source);
    const now = answer.ok ? (await answer.text()).trim() : shown;
    if (now !== shown) {
      shown = now;
      thread.innerHTML = now;
      toEnd();
    }
  } finally {
    setTimeout(refresh, 1000);
  }
}

toEnd();
setTimeout(refresh, 1000);

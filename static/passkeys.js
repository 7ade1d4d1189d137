// Passkeys: asks the server what to sign, lets the browser do it, sends the answer back.
const toBytes = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
};
const toText = (bytes) => {
  const plain = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};

async function send(address, body) {
  const token = document.querySelector("input[name=csrf_token]").value;
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (answer.ok) return said;
  if (said.next) location.assign(said.next);
  throw Object.assign(new Error(), { said: said.error || "" });
}

async function make(options) {
  options.challenge = toBytes(options.challenge);
  options.user.id = toBytes(options.user.id);
  for (const known of options.excludeCredentials) known.id = toBytes(known.id);
  const made = await navigator.credentials.create({ publicKey: options });
  const { clientDataJSON, attestationObject } = made.response;
  return packed(made, { clientDataJSON, attestationObject });
}

async function use(options) {
  options.challenge = toBytes(options.challenge);
  const used = await navigator.credentials.get({ publicKey: options });
  const { clientDataJSON, authenticatorData, signature, userHandle } = used.response;
  return packed(used, { clientDataJSON, authenticatorData, signature, userHandle });
}

function packed(credential, response) {
  for (const name of Object.keys(response)) {
    if (response[name]) response[name] = toText(response[name]);
    else delete response[name];
  }
  return { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response };
}

function setUp(box) {
  const button = box.querySelector("button");
  const line = box.querySelector("[role=alert]");
  const note = box.querySelector("[data-without]");
  if (!window.PublicKeyCredential) {
    note.textContent = box.dataset.unable;
    return;
  }
  note.hidden = true;
  button.hidden = false;
  for (const field of box.querySelectorAll(".field")) field.hidden = false;

  function explained(error) {
    if (error.said !== undefined) return error.said || box.dataset.failed;
    if (error.name === "NotAllowedError" || error.name === "AbortError") return box.dataset.cancelled;
    if (error.name === "InvalidStateError") return box.dataset.known;
    if (error.name === "SecurityError") return box.dataset.elsewhere;
    return box.dataset.failed;
  }

  button.addEventListener("click", async () => {
    button.disabled = true;
    line.textContent = "";
    try {
      const options = await send(box.dataset.ask, {});
      const answer = await (box.dataset.passkey === "add" ? make(options) : use(options));
      const name = box.querySelector("input")?.value;
      const next = new URLSearchParams({ next: box.dataset.next });
      const done = await send(`${box.dataset.send}?${next}`, { answer, name });
      location.assign(done.next);
    } catch (error) {
      line.textContent = explained(error);
    }
    button.disabled = false;
  });
}

for (const box of document.querySelectorAll("[data-passkey]")) setUp(box);

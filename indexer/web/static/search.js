// What scripts add to the search page: elapsed time, pictures by drop, paste or choice, and keys.

const byId = (id) => document.getElementById(id);
const status = byId("status");
const form = byId("search");
const words = byId("q");
let ticking = 0;

function tick(activity) {
  const began = performance.now();
  const show = () => {
    status.textContent = `${activity}… ${((performance.now() - began) / 1000).toFixed(1)} s`;
  };
  clearInterval(ticking);
  show();
  ticking = setInterval(show, 100);
}

function stop(text) {
  clearInterval(ticking);
  status.textContent = text;
}

function showError(message, remedy) {
  document.querySelectorAll(".error").forEach((old) => old.remove());
  const box = document.createElement("div");
  box.className = "error stack";
  box.setAttribute("role", "alert");
  for (const text of [`${message[0].toUpperCase()}${message.slice(1)}.`, remedy && `What to do: ${remedy}.`]) {
    if (text) {
      const line = document.createElement("p");
      line.textContent = text;
      box.append(line);
    }
  }
  status.after(box);
}

// The address holds the whole question, without values that are the default: so back, bookmarks and links work.
function addressOf(image) {
  const query = new URLSearchParams();
  const data = new FormData(form);
  if (image) data.set("image", image);
  for (const [name, value] of data) {
    const isDefault = value === "" || (name === "k" && value === "10") || (name === "title_boost" && value === "0");
    if (!isDefault) query.set(name, value);
  }
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  tick("Searching");
  location.assign(addressOf());
});

// A page that the browser brings back from its memory would still count seconds: show the text it came with.
const statusText = status.textContent;
addEventListener("pageshow", (event) => {
  if (event.persisted) stop(statusText);
});

async function send(file) {
  const maxBytes = Number(byId("drop").dataset.mostBytes);
  if (file.size > maxBytes) {
    showError(`${file.name || "the picture"} has more than ${maxBytes.toLocaleString("en")} bytes`, "scale it down first");
    return;
  }
  tick(`Reading ${file.name || "the picture"}`);
  let response;
  let answer;
  try {
    const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
    response = await fetch("/api/images", { method: "POST", headers: { "content-type": type }, body: file });
    answer = await response.json();
  } catch (error) {
    stop("");
    showError("the inspector does not answer", "check that it is still running");
    return;
  }
  if (!response.ok) {
    stop("");
    showError(answer.error.message, answer.error.remedy);
    return;
  }
  tick("Searching");
  location.assign(addressOf(answer.image));
}

const drop = byId("drop");
if (drop) {
  byId("picture").addEventListener("change", (event) => {
    if (event.target.files.length) send(event.target.files[0]);
  });
  const holdsFiles = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.add("is-over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("is-over");
  });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("is-over");
    if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((item) => item.type.startsWith("image/"));
    if (file) {
      event.preventDefault();
      send(file);
    }
  });
}

// The explanation of a score is fetched when it is opened, once.
async function explain(details) {
  if (!details.open || details.dataset.done) return;
  details.dataset.done = "1";
  const box = details.querySelector("pre");
  const began = performance.now();
  const show = () => {
    box.textContent = `${((performance.now() - began) / 1000).toFixed(1)} s`;
  };
  show();
  const timer = setInterval(show, 100);
  try {
    const response = await fetch(details.dataset.url);
    const answer = await response.json();
    clearInterval(timer);
    box.textContent = response.ok ? answer.explanation : `${answer.error.message}. ${answer.error.remedy}`;
  } catch (error) {
    clearInterval(timer);
    delete details.dataset.done;
    box.textContent = "the inspector does not answer";
  }
}
document.querySelectorAll("details.explain").forEach((details) => {
  details.addEventListener("toggle", () => explain(details));
});

// Keys: `here` is the position of the answer that has the focus.
const results = [...document.querySelectorAll(".result")];
const keys = byId("keys");
let here = -1;

function go(to) {
  if (!results.length) return;
  here = Math.max(0, Math.min(results.length - 1, to));
  results[here].querySelector("a.open").focus({ preventScroll: true });
  results[here].scrollIntoView({ block: "nearest" });
}

results.forEach((result, number) => {
  result.addEventListener("focusin", () => {
    here = number;
    results.forEach((other) => other.classList.toggle("is-here", other === result));
  });
});

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
  const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (isTyping) {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "ArrowDown" && event.target === words && results.length) {
      event.preventDefault();
      go(0);
    }
    return;
  }
  const act = {
    "/": () => words.select(),
    j: () => go(here + 1),
    ArrowDown: () => go(here + 1),
    k: () => go(here - 1),
    ArrowUp: () => go(here - 1),
    e: () => {
      const details = here < 0 ? null : results[here].querySelector("details.explain");
      if (details) details.open = !details.open;
    },
    "?": () => keys.showModal(),
  }[event.key];
  if (!act || (event.key.startsWith("Arrow") && !results.length)) return;
  event.preventDefault();
  act();
});
byId("show-keys").addEventListener("click", () => keys.showModal());

document.querySelectorAll(".needs-script").forEach((part) => {
  part.hidden = false;
});

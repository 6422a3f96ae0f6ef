// Keys of the sample browser: j and k go to the next and previous sample, u to the list, / to the words.
// Without this script all links work.

const typing = (element) => element instanceof Element && element.closest("input, select, textarea, [contenteditable]");

// On the list j and k move the focus; at its end, and on the page of a sample, they follow the link to the neighbour.
function step(by) {
  const links = [...document.querySelectorAll(".sample-link")];
  if (!links.length) {
    document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
    return;
  }
  const at = links.indexOf(document.activeElement);
  const to = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  if (to >= 0 && to < links.length) {
    links[to].focus();
  } else {
    document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "u") document.querySelector("[data-key=u]")?.click();
  else if (event.key === "/" && document.getElementById("q")) document.getElementById("q").focus();
  else return;
  event.preventDefault();
});

// A line of the list of boxes lights its box on the picture, while it has the focus or the pointer.
for (const [event, isLit] of [["focusin", true], ["focusout", false], ["pointerover", true], ["pointerout", false]]) {
  document.addEventListener(event, ({ target }) => {
    const link = target instanceof Element && target.closest("[data-box]");
    if (link) document.getElementById(`box-${link.dataset.box}`)?.classList.toggle("lit", isLit);
  });
}

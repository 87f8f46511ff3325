/*
  The little that HTML can't do yet. Every page works without this file.
  Listens on the document, so that swapped-in parts need no set-up of their own.
*/

document.documentElement.classList.add("scripted");

document.addEventListener("click", (event) => {
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) {
    dismiss.closest(dismiss.dataset.dismiss)?.remove();
    return;
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    copyText(document.querySelector(copy.dataset.copy));
    return;
  }
  const reveal = event.target.closest("[data-reveal]");
  if (reveal) {
    const input = document.querySelector(reveal.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    reveal.setAttribute("aria-pressed", String(!shown));
    return;
  }
  command(event);
  closeMenus(event);
});

/* Browsers lend the clipboard to pages over https alone; elsewhere the text is selected, so that only the keys are left to press. */
function copyText(element) {
  if (navigator.clipboard) navigator.clipboard.writeText(element.textContent.trim());
  else getSelection().selectAllChildren(element);
}

/* command="show-modal" and "close" where the browser lacks invoker commands. */
function command(event) {
  const button = event.target.closest("button[commandfor]");
  if (!button || "commandForElement" in HTMLButtonElement.prototype) return;
  const dialog = document.getElementById(button.getAttribute("commandfor"));
  if (button.getAttribute("command") === "show-modal") dialog?.showModal();
  if (button.getAttribute("command") === "close") dialog?.close();
}

/* data-opens="ID": with scripts the dialog asks; without them the link or form leads to the same question on a page. */
document.addEventListener("click", openDialog, true);
document.addEventListener("change", openDialog, true);

function openDialog(event) {
  const opener = event.target.closest("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens);
  if (!dialog?.showModal) return;
  event.stopPropagation();
  if (event.type === "click" && opener.matches("input")) return;
  event.preventDefault();
  if (opener.form) {
    opener.form.reset();
    dialog.addEventListener("close", () => opener.form?.reset(), { once: true });
  }
  dialog.showModal();
}

/* An open menu closes when something else is chosen, and on Escape, with focus back on its button. */
function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    return;
  }
  if (event.target.closest("input, select, textarea, dialog:modal")) return;
  document.querySelector("[data-escape]")?.click();
});

/* data-enter="#button": Enter in this control presses that button, not the form's own. */
document.addEventListener("keydown", (event) => {
  const button = event.key === "Enter" && event.target.closest("[data-enter]")?.dataset.enter;
  if (!button) return;
  event.preventDefault();
  document.querySelector(button)?.click();
});

/* Nothing is polled while nobody looks. */
document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail.ctx?.sourceElement;
  if (document.hidden && source?.getAttribute("hx-trigger")?.includes("every")) event.preventDefault();
});

/* Whoever chooses with a pointer is led on to the next control; whoever types stays where they are. */
let pointed = false;
document.addEventListener("pointerdown", () => { pointed = true; }, true);
document.addEventListener("keydown", () => { pointed = false; }, true);
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (pointed && sourceElement instanceof HTMLSelectElement) request.body?.append("pointer", "1");
});

/* htmx keeps the focus on the control with the same id; where that is gone, it goes to the part the control was in.
   What was in sight stays in sight: browsers scroll on when a long part is replaced. */
let home = null;
let inSight = false;
document.addEventListener("htmx:before:swap", () => {
  home = document.activeElement?.closest("[data-focus-home]")?.id;
  const box = document.activeElement?.getBoundingClientRect();
  inSight = Boolean(home && box.bottom > 0 && box.top < innerHeight);
});
document.addEventListener("htmx:before:settle", () => {
  if (home && document.activeElement === document.body) document.getElementById(home)?.focus();
  if (inSight) requestAnimationFrame(() => document.activeElement.scrollIntoView({ block: "nearest" }));
});

/* An answer that never came is said, not swallowed. */
document.addEventListener("htmx:error", sayLost);
document.addEventListener("htmx:response:error", (event) => {
  if (event.detail.ctx?.response?.raw?.status >= 500 || event.detail.ctx?.response?.status >= 500) sayLost(event);
});

function sayLost(event) {
  const source = event.detail?.ctx?.sourceElement;
  if (source?.getAttribute("hx-trigger")?.includes("every")) return;
  const toasts = document.getElementById("toasts");
  const template = document.getElementById("lost-toast");
  if (toasts && template) toasts.replaceChildren(template.content.cloneNode(true));
}

/* The menu of a long page marks the section that is being read. */
document.addEventListener("scroll", markSection, { passive: true });
markSection();

function markSection() {
  const links = [...document.querySelectorAll(".secnav a[href^='#']")];
  const begun = (link) => document.querySelector(link.hash).getBoundingClientRect().top < innerHeight / 3;
  const isEnd = scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
  const read = isEnd ? links.at(-1) : links.findLast(begun) ?? links[0];
  if (!read || read.hasAttribute("aria-current")) return;
  for (const link of links) link.removeAttribute("aria-current");
  read.setAttribute("aria-current", "true");
  read.closest(".secnav").scrollLeft = read.offsetLeft - 16;
}

/* "All lists" ticks and clears the single ones; a single one cleared means that it is no longer all. */
document.addEventListener("change", (event) => {
  const pick = event.target.closest("[data-all]");
  if (!pick) return;
  const all = pick.querySelector(`input[name="${pick.dataset.all}"]`);
  const single = [...pick.querySelectorAll("input[type=checkbox]")].filter((input) => input !== all);
  if (event.target === all) for (const input of single) input.checked = all.checked;
  else if (!event.target.checked) all.checked = false;
});
